"""What changed from one dataset to a later one: which URLs, which fields, from what to what.

In: two datasets' files. Out: `changes.parquet` (`url, kind, field, item, before, after, run_before,
run_after`) and how many URLs there are of each kind. One row a changed field, its values as JSON
text; for an item that came or went on a page that stays, a row `changed` without a field; one row
a URL for the other kinds. What a list says of its rows isn't compared, nor where pages stand.

Numbers are joined and digests compared, out of core; only changed items are read whole. Raises
only what DuckDB raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from scraper.publish.carry import is_failing, is_gone
from scraper.publish.fields import (
    Field,
    common_fields,
    digest_of,
    key_of_item,
    texts_of,
    whole_of,
)
from scraper.publish.rowfacts import digested_keys
from scraper.publish.streams import PARQUET, rows_of_file, streamed
from scraper.rules import SiteRule
from scraper.tables import execute, quoted

__all__ = ["KINDS", "Dataset", "count_changes", "write_changes"]

KINDS = ("added", "changed", "gone", "removed", "failing", "recovered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A run's dataset: its id, its files, its rules, the columns of its list.

    `baseline` is the id of the run that its unchanged pages are as in; `canonical` says which key
    makes two URLs one.
    """

    run_id: str
    outcomes: Path
    items: Path
    sites: tuple[SiteRule, ...] = ()
    columns: frozenset[str] = frozenset()
    canonical: bool = False
    baseline: str | None = None


def write_changes(
    tables: DuckDBPyConnection, scratch: Path, *, before: Dataset, after: Dataset
) -> Path:
    """Compare two datasets; give the file of what changed.

    Raises:
        duckdb.Error: no memory, no disk.
    """
    _pair_urls(tables, scratch, before, after)
    fields = common_fields(
        tables, before.items, after.items, without=before.columns | after.columns
    )
    with streamed(tables):
        for side, one, own in zip(("before", "after"), (before, after), fields, strict=True):
            _digest_items(tables, side, one, sites=after.sites, fields=own)
        execute(tables, _CHANGED_ITEMS)
        for side, one, own in zip(("before", "after"), (before, after), fields, strict=True):
            _read_changed(tables, side, one, fields=own)
    names = ", ".join(quoted(field.name) for field in fields[1])
    execute(tables, _CHANGED_FIELDS.format(names=f"[{names}]::VARCHAR[]"))
    path = scratch / "changes.parquet"
    runs = f"{quoted(before.run_id)} AS run_before, {quoted(after.run_id)} AS run_after"
    execute(tables, f"COPY ({_ALL.format(runs=runs)}) TO {quoted(path)} ({PARQUET})")
    return path


def count_changes(tables: DuckDBPyConnection, path: Path) -> dict[str, int]:
    """How many URLs there are of each kind. Raises: `duckdb.Error`."""
    query = f"SELECT kind, count(DISTINCT url) FROM {rows_of_file(path)} GROUP BY kind"
    counts = {str(kind): int(count) for kind, count in tables.execute(query).fetchall()}
    return {kind: counts.get(kind, 0) for kind in KINDS}


def _pair_urls(tables: DuckDBPyConnection, scratch: Path, before: Dataset, after: Dataset) -> None:
    """Make the table `urls`: each URL as it is written before and after, and its kind."""
    for side, one in (("before", before), ("after", after)):
        execute(
            tables,
            f"CREATE OR REPLACE TABLE urls_{side} AS SELECT place, url, status, "
            f"coalesce(items, 0) AS items, {is_gone('o')} AS is_gone, "
            f"{is_failing('o')} AS is_failing, url AS key "
            f"FROM {rows_of_file(one.outcomes, numbered=True)} AS o WHERE reason <> 'invalid_url'",
        )
    # A list may write a URL otherwise than before: then their keys tell.
    for side, other in (("before", "after"), ("after", "before")):
        lone = f"SELECT url FROM urls_{side} ANTI JOIN urls_{other} USING (url)"
        spool = scratch / f"lone-{side}.jsonl"
        keys = digested_keys(tables, lone, spool, canonical=after.canonical)
        execute(tables, f"CREATE OR REPLACE TABLE lone_{side} AS {keys}")
    for side in ("before", "after"):
        execute(
            tables,
            f"UPDATE urls_{side} SET key = lone.key FROM lone_{side} AS lone "
            f"WHERE urls_{side}.url = lone.url AND lone.key IS NOT NULL",
        )
    # What is unchanged since the very run that it is compared with needs no second look.
    is_news = "a.status = 'ok'" if after.baseline == before.run_id else "true"
    execute(tables, _URLS.format(is_news=is_news))


def _digest_items(
    tables: DuckDBPyConnection,
    side: str,
    one: Dataset,
    *,
    sites: Sequence[SiteRule],
    fields: list[Field],
) -> None:
    """Make the table `items_<side>`: items that may have changed, and digests of what they say."""
    execute(
        tables,
        f"CREATE OR REPLACE TABLE items_{side} AS SELECT number, place, digest, "
        f"{_ITEM_NAME} AS item FROM (SELECT number, i.place, {digest_of(fields)} AS digest, "
        f"{key_of_item(sites, fields)} AS item_key "
        f"FROM {rows_of_file(one.items, numbered=True)} AS i "
        f"JOIN urls AS u ON i.url = u.url_{side} AND u.is_compared)",
    )


def _read_changed(
    tables: DuckDBPyConnection, side: str, one: Dataset, *, fields: list[Field]
) -> None:
    """Make the table `texts_<side>`: the values of the items that changed; all of a lone one's."""
    other = "after" if side == "before" else "before"
    is_lone = f"c.place_{other} IS NULL"
    execute(
        tables,
        f"CREATE OR REPLACE TABLE texts_{side} AS SELECT c.number, c.item, "
        f"CASE WHEN NOT {is_lone} THEN {texts_of(fields)} END AS texts, "
        f"CASE WHEN {is_lone} THEN {whole_of(fields)} END AS whole "
        f"FROM {rows_of_file(one.items, numbered=True)} AS i "
        f"JOIN changed_items AS c ON i.place = c.place_{side}",
    )


_URLS = """
CREATE OR REPLACE TABLE urls AS
SELECT row_number() OVER () AS number, coalesce(a.place, b.place) AS place,
    b.url AS url_before, a.url AS url_after,
    coalesce(b.items > 0 AND a.items > 0 AND a.status IN ('ok', 'unchanged') AND {is_news}, false)
        AS is_compared,
    CASE
        WHEN coalesce(b.items, 0) = 0 THEN
            CASE WHEN a.status IN ('ok', 'unchanged') AND a.items > 0
                THEN CASE WHEN coalesce(b.is_failing, false) THEN 'recovered' ELSE 'added' END END
        WHEN a.url IS NULL THEN 'removed'
        WHEN a.status IN ('ok', 'unchanged') THEN CASE WHEN b.is_failing THEN 'recovered' END
        WHEN a.is_gone THEN 'gone'
        WHEN NOT a.is_failing THEN 'removed'
        WHEN NOT b.is_failing THEN 'failing'
        WHEN a.items = 0 THEN 'removed'
    END AS kind
FROM urls_before AS b FULL JOIN urls_after AS a USING (key)
"""

# Items of one key are told apart by their order.
_ITEM_NAME = """
CASE WHEN item_key IS NULL THEN (row_number() OVER (PARTITION BY number ORDER BY place))::VARCHAR
    WHEN row_number() OVER (PARTITION BY number, item_key ORDER BY place) = 1 THEN item_key
    ELSE item_key || ' (' || row_number() OVER (PARTITION BY number, item_key ORDER BY place) || ')'
END
"""

_CHANGED_ITEMS = """
CREATE OR REPLACE TABLE changed_items AS
SELECT number, item, b.place AS place_before, a.place AS place_after
FROM items_before AS b FULL JOIN items_after AS a USING (number, item)
WHERE b.digest IS DISTINCT FROM a.digest
"""

_CHANGED_FIELDS = """
CREATE OR REPLACE TABLE changed_fields AS
SELECT number, item, unnest(CASE
    WHEN b.whole IS NULL AND a.whole IS NULL THEN list_filter(
        list_transform({names}, lambda name, n: {{
            'field_place': n, 'field': name, 'before': b.texts[n], 'after': a.texts[n]
        }}), lambda pair: pair.before IS DISTINCT FROM pair.after)
    ELSE [{{'field_place': 0, 'field': NULL, 'before': b.whole, 'after': a.whole}}]
END, recursive := true)
FROM texts_before AS b FULL JOIN texts_after AS a USING (number, item)
"""

_ALL = """
SELECT url, kind, field, item, before, after, {runs} FROM (
    SELECT coalesce(url_after, url_before) AS url, kind, NULL AS field, NULL AS item,
        NULL AS before, NULL AS after, place, 0 AS item_place, 0 AS field_place
    FROM urls WHERE kind IS NOT NULL
    UNION ALL
    SELECT url_after, 'changed', field, item, before, after, urls.place,
        1 + coalesce(place_after, place_before), field_place
    FROM changed_fields JOIN changed_items USING (number, item) JOIN urls USING (number)
) ORDER BY place, url, item_place, item, field_place
"""
