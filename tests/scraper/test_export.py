"""A run's tables as JSON Lines, CSV and Parquet: whole, exact, and few rows at a time."""

import csv
import io
import os

import duckdb
import orjson
import pytest

from scraper.errors import ConfigError, StoreError
from scraper.export import FORMATS, TABLES, export_table
from scraper.store import Store
from tests.scraper.stored_runs import put_run, put_table

RUN = "shop/r1"
AT = "TIMESTAMPTZ '2026-11-24 06:24:49.123456+00'"
OUTCOMES = f"""
    SELECT 'https://a.org/' || n AS url, {AT} AS fetched_at, n AS bytes, n / 2 AS elapsed_s,
        [{{'url': 'https://a.org/x', 'status': 301}}] AS redirects, '=1+' || n AS note, -n AS "-n"
    FROM range(3) AS r(n)"""
ITEMS = """
    SELECT 'https://a.org/1' AS url, ['https://a.org/2', 'x'] AS links, '{"a":1}' AS json_ld,
        'Lämp "5", big' || chr(10) || 'red' AS title, true AS sold, NULL::VARCHAR AS h1"""
FAILED = """
    SELECT 'https://a.org/9' AS url, '7' AS n, 1.5 AS price,
        {'reason': 'http_4xx', 'http_status': 404, 'attempts': 1, 'run': 'shop/r1'} AS _failed"""
CHANGES = "SELECT 'https://a.org/1' AS url, 'added' AS kind, NULL::VARCHAR AS field"


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    store = Store(str(tmp_path / "store") if request.param == "folder" else "memory://")
    put_run(store, RUN, outcomes={"ok": 3}, columns={"n": "VARCHAR", "price": "DOUBLE"})
    put_table(store, RUN, "outcomes.parquet", OUTCOMES)
    put_table(store, RUN, "items.parquet", ITEMS)
    put_table(store, RUN, "failed.jsonl", FAILED)
    put_table(store, RUN, "changes.parquet", CHANGES)
    return store


def exported(store, table, file_format):
    target = io.BytesIO()
    rows = export_table(store, RUN, table, file_format=file_format, target=target)
    return rows, target.getvalue()


def lines(data):
    return [orjson.loads(line) for line in data.splitlines()]


def cells(data):
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@pytest.mark.parametrize(
    ("table", "file_format", "name"),
    [
        ("items", "parquet", "items.parquet"),
        ("outcomes", "parquet", "outcomes.parquet"),
        ("changes", "parquet", "changes.parquet"),
        ("failed", "jsonl", "failed.jsonl"),
    ],
)
def test_what_is_stored_in_that_format_goes_out_byte_for_byte(store, table, file_format, name):
    assert exported(store, table, file_format)[1] == store.get(f"{RUN}/{name}")


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("table", TABLES)
def test_every_table_says_how_many_rows_it_has(store, table, file_format):
    assert exported(store, table, file_format)[0] == (3 if table == "outcomes" else 1)


def test_outcomes_as_json_lines(store):
    data = exported(store, "outcomes", "jsonl")[1]
    assert data.endswith(b"\n")
    assert lines(data) == [
        {
            "url": f"https://a.org/{n}",
            "fetched_at": "2026-11-24T06:24:49.123456Z",
            "bytes": n,
            "elapsed_s": n / 2,
            "redirects": [{"url": "https://a.org/x", "status": 301}],
            "note": f"=1+{n}",
            "-n": -n,
        }
        for n in range(3)
    ]


def test_outcomes_as_csv_keep_numbers_and_have_no_formula(store):
    assert exported(store, "outcomes", "csv")[1].decode().split("\r\n") == [
        "url,fetched_at,bytes,elapsed_s,redirects,note,'-n",
        *(
            f"https://a.org/{n},2026-11-24T06:24:49.123456Z,{n},{n / 2},"
            f'"[{{""url"":""https://a.org/x"",""status"":301}}]",\'=1+{n},{-n}'
            for n in range(3)
        ),
        "",
    ]


def test_items_as_json_lines_keep_lists_texts_and_nulls(store):
    assert lines(exported(store, "items", "jsonl")[1]) == [
        {
            "url": "https://a.org/1",
            "links": ["https://a.org/2", "x"],
            "json_ld": '{"a":1}',
            "title": 'Lämp "5", big\nred',
            "sold": True,
            "h1": None,
        }
    ]


def test_items_as_csv_are_quoted(store):
    assert cells(exported(store, "items", "csv")[1]) == [
        ["url", "links", "json_ld", "title", "sold", "h1"],
        ["https://a.org/1", '["https://a.org/2","x"]', '{"a":1}', 'Lämp "5", big\nred', "true", ""],
    ]


def test_the_failed_as_csv_keep_the_list_s_columns_and_ours_as_json(store):
    header, row = cells(exported(store, "failed", "csv")[1])
    assert header == ["url", "n", "price", "_failed"]
    assert row[:3] == ["https://a.org/9", "7", "1.5"]
    assert orjson.loads(row[3])["reason"] == "http_4xx"


def test_the_failed_as_parquet_are_typed_as_the_list_is(store, tmp_path):
    path = tmp_path / "failed.parquet"
    path.write_bytes(exported(store, "failed", "parquet")[1])
    found = duckdb.sql(f"SELECT * FROM '{path}'")
    assert dict(zip(found.columns, map(str, found.types), strict=True)) == {
        "url": "VARCHAR",
        "n": "VARCHAR",
        "price": "DOUBLE",
        "_failed": "VARCHAR",
    }
    assert found.fetchall()[0][:3] == ("https://a.org/9", "7", 1.5)


def test_none_failed_is_a_header_alone(store):
    store.put(f"{RUN}/failed.jsonl", b"")
    assert exported(store, "failed", "jsonl") == (0, b"")
    assert exported(store, "failed", "csv") == (0, b"url,n,price,_failed\r\n")


def test_a_table_without_rows_has_its_columns(store):
    put_table(store, RUN, "items.parquet", f"SELECT * FROM ({ITEMS}) LIMIT 0")
    assert exported(store, "items", "jsonl") == (0, b"")
    assert exported(store, "items", "csv") == (0, b"url,links,json_ld,title,sold,h1\r\n")


@pytest.mark.parametrize("name", [" ", "ö", 'a"b', "select", "x", "exported", "columns", "a,b"])
def test_any_column_name_goes_through(store, name):
    quoted = name.replace('"', '""')
    put_table(store, RUN, "items.parquet", f'SELECT 1 AS "{quoted}", [{AT}] AS other')
    at = "2026-11-24T06:24:49.123456Z"
    assert lines(exported(store, "items", "jsonl")[1]) == [{name: 1, "other": [at]}]
    assert cells(exported(store, "items", "csv")[1]) == [[name, "other"], ["1", f'["{at}"]']]


def test_rows_keep_their_order_over_many_fetches(store):
    put_table(store, RUN, "outcomes.parquet", "SELECT n FROM range(300000) AS r(n)")
    rows, data = exported(store, "outcomes", "jsonl")
    assert rows == 300_000
    assert data == b"".join(b'{"n":%d}\n' % n for n in range(300_000))


def test_a_run_without_changes_says_why(store):
    store.delete(f"{RUN}/changes.parquet")
    with pytest.raises(ConfigError, match=r"shop/r1 has no changes\.parquet; it has no former run"):
        exported(store, "changes", "csv")


@pytest.mark.parametrize("table", TABLES)
def test_a_damaged_table_is_told_by_its_place(store, table):
    name = "failed.jsonl" if table == "failed" else f"{table}.parquet"
    store.put(f"{RUN}/{name}", b"PAR1 no more")
    with pytest.raises(StoreError) as found:
        exported(store, table, "csv")
    assert f"{RUN}/{name}: " in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_stream_that_takes_no_more_is_the_caller_s(store, file_format):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", buffering=0) as target, pytest.raises(BrokenPipeError):  # noqa: PTH123  # a descriptor
        export_table(store, RUN, "items", file_format=file_format, target=target)
