"""Two datasets, compared: every kind of change, from files written by hand."""

from pathlib import Path

import duckdb
import pytest

from scraper.publish.changes import KINDS, Dataset, count_changes, write_changes
from scraper.tables import open_tables

OUTCOME = "('{url}', '{status}', '{reason}', {http_status}, {items})"
ENDS = {
    "ok": ("ok", "ok", 200, 1),
    "unchanged": ("unchanged", "not_modified", 304, 1),
    "gone": ("failed", "http_4xx", 404, 0),
    "stale": ("failed", "timeout", "NULL", 1),
    "failed": ("failed", "http_5xx", 500, 0),
    "forbidden": ("failed", "http_4xx", 403, 0),
    "deferred": ("skipped", "deferred", "NULL", 1),
    "robots": ("skipped", "robots_disallowed", "NULL", 0),
    "invalid": ("failed", "invalid_url", "NULL", 0),
}


def write(folder, name, ends, items=None, *, item_columns="url, n", **more):
    """A dataset of URLs that ended so; without items, each that has one has the same."""
    rows = []
    for url, end in ends.items():
        status, reason, http_status, count = ENDS[end]
        rows.append(f"('{url}', '{status}', '{reason}', {http_status}::INTEGER, {count})")
    if items is None:
        items = [f"('{url}', 1)" for url, end in ends.items() if ENDS[end][3]]
    outcomes, found = folder / f"{name}-outcomes.parquet", folder / f"{name}-items.parquet"
    columns = "url, status, reason, http_status, items"
    with duckdb.connect() as tables:
        values = ", ".join(rows)
        tables.execute(f"COPY (FROM (VALUES {values}) AS t({columns})) TO '{outcomes}'")
        values = ", ".join(items) or f"({', '.join(['NULL'] * len(item_columns.split(',')))})"
        where = "" if items else " WHERE false"
        tables.execute(
            f"COPY (SELECT *, NULL::VARCHAR AS site, now() AS fetched_at, '{name}' AS final_url "
            f"FROM (VALUES {values}) AS t({item_columns}){where}) TO '{found}'"
        )
    return Dataset(run_id=name, outcomes=outcomes, items=found, **more)


def compare(folder: Path, before: Dataset, after: Dataset):
    with open_tables() as (tables, scratch):
        path = write_changes(tables, scratch, before=before, after=after)
        counts = count_changes(tables, path)
        rows = tables.execute(
            f"SELECT url, kind, field, item, before, after FROM read_parquet('{path}')"
        ).fetchall()
    assert list(counts) == list(KINDS)
    return rows, {kind: count for kind, count in counts.items() if count}


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, "ok", "added"),
        ("gone", "ok", "added"),
        ("robots", "ok", "added"),
        ("failed", "ok", "recovered"),
        ("stale", "ok", "recovered"),
        ("stale", "unchanged", "recovered"),
        ("deferred", "unchanged", "recovered"),
        ("ok", "gone", "gone"),
        ("stale", "gone", "gone"),
        ("ok", None, "removed"),
        ("stale", None, "removed"),
        ("ok", "robots", "removed"),
        ("ok", "stale", "failing"),
        ("unchanged", "failed", "failing"),
        ("ok", "forbidden", "failing"),
        ("ok", "deferred", "failing"),
        ("stale", "failed", "removed"),
        ("ok", "ok", None),
        ("ok", "unchanged", None),
        ("stale", "stale", None),
        (None, "failed", None),
        (None, "gone", None),
        ("failed", "failed", None),
        ("failed", "gone", None),
        ("gone", None, None),
        ("robots", "failed", None),
    ],
    ids=lambda end: str(end),
)
def test_the_kind_of_a_url_follows_from_its_two_ends(tmp_path, before, after, kind):
    url = "http://a.org/"
    # Beside a URL that never changes, so that no file is empty.
    sides = [
        write(tmp_path, name, {"http://a.org/same": "ok"} | ({url: end} if end else {}))
        for name, end in (("r1", before), ("r2", after))
    ]
    rows, counts = compare(tmp_path, *sides)
    assert rows == ([(url, kind, None, None, None, None)] if kind else [])
    assert counts == ({kind: 1} if kind else {})


def test_rows_that_are_no_url_are_not_compared(tmp_path):
    sides = [write(tmp_path, name, {f"no url {name}": "invalid"}) for name in ("r1", "r2")]
    assert compare(tmp_path, *sides) == ([], {})


def test_a_url_that_is_written_otherwise_is_the_same(tmp_path):
    before = write(tmp_path, "r1", {"HTTP://A.org#x": "ok", "http://a.org/2": "ok"})
    after = write(tmp_path, "r2", {"http://a.org/": "ok", "http://a.org/2": "ok"})
    assert compare(tmp_path, before, after) == ([], {})


def test_fields_are_compared_by_value_and_told_as_json(tmp_path):
    url = "http://a.org/"
    columns = "url, text, price, tags, day, same"
    item = "('{}', {}, {{'amount': {}}}, {}, TIMESTAMPTZ '2026-01-0{} 00:00Z', 1)"
    before = write(
        tmp_path, "r1", {url: "ok"}, item_columns=columns,
        items=[item.format(url, "'a \"b\"'", 1.5, "['x']", 1)],
    )  # fmt: skip
    after = write(
        tmp_path, "r2", {url: "ok"}, item_columns=columns,
        items=[item.format(url, "NULL", 2.5, "['x', 'y']", 2)],
    )  # fmt: skip
    rows, counts = compare(tmp_path, before, after)
    assert [row[2:] for row in rows] == [
        ("text", "1", '"a \\"b\\""', None),
        ("price", "1", '{"amount":1.5}', '{"amount":2.5}'),
        ("tags", "1", '["x"]', '["x","y"]'),
        ("day", "1", '"2026-01-01T00:00:00.000000Z"', '"2026-01-02T00:00:00.000000Z"'),
    ]
    assert counts == {"changed": 1}


def test_fields_of_one_side_and_columns_of_the_list_are_not_compared(tmp_path):
    url = "http://a.org/"
    before = write(
        tmp_path, "r1", {url: "ok"}, items=[f"('{url}', 1, 'x', '7')"],
        item_columns="url, old, shelf, price", columns=frozenset({"shelf"}),
    )  # fmt: skip
    after = write(
        tmp_path, "r2", {url: "ok"}, items=[f"('{url}', 2, 'y', 7)"],
        item_columns="url, new, shelf, Price", columns=frozenset({"shelf"}),
    )  # fmt: skip
    rows, _ = compare(tmp_path, before, after)
    assert rows == [(url, "changed", "Price", "1", '"7"', "7")]


def test_items_without_a_key_are_told_apart_by_their_place(tmp_path):
    url = "http://a.org/"
    before = write(tmp_path, "r1", {url: "ok"}, [f"('{url}', {n})" for n in (1, 2, 3)])
    after = write(tmp_path, "r2", {url: "ok"}, [f"('{url}', {n})" for n in (1, 5)])
    rows, counts = compare(tmp_path, before, after)
    assert [row[1:] for row in rows] == [
        ("changed", "n", "2", "2", "5"),
        ("changed", None, "3", '{"n":3}', None),
    ]
    assert counts == {"changed": 1}


def test_what_is_unchanged_since_the_very_run_before_is_not_read_again(tmp_path):
    url = "http://a.org/"
    before = write(tmp_path, "r1", {url: "ok"}, [f"('{url}', 1)"])
    after = write(tmp_path, "r2", {url: "unchanged"}, [f"('{url}', 2)"], baseline="r1")
    assert compare(tmp_path, before, after) == ([], {})
