import gzip
import io

import pytest
from backports import zstd

from scraper.errors import ConfigError
from scraper.seeds import ListOptions, read_seeds
from tests.scraper.seeds.made import parquet

TYPES = {
    "text": ("'it''s'", "it's"),
    "int": ("7", 7),
    "bigint": ("(-9223372036854775808)::BIGINT", -(2**63)),
    "unsigned": ("255::UTINYINT", 255),
    "long_unsigned": ("18446744073709551615::UBIGINT", "18446744073709551615"),
    "short_unsigned": ("7::UBIGINT", 7),
    "double": ("1.5::DOUBLE", 1.5),
    "bool": ("true", True),
    "null": ("NULL::INTEGER", None),
    "decimal": ("1.50::DECIMAL(10, 2)", "1.50"),
    "date": ("DATE '2026-01-02'", "2026-01-02"),
    "time": ("TIME '03:04:05.5'", "03:04:05.500000"),
    "timestamp": ("TIMESTAMP '2026-01-02 03:04:05'", "2026-01-02T03:04:05"),
    "timestamp_ns": (
        "TIMESTAMP_NS '2026-01-02 03:04:05.123456789'",
        "2026-01-02T03:04:05.123456789",
    ),
    "timestamp_tz": ("TIMESTAMPTZ '2026-01-02 03:04:05+02'", "2026-01-02T01:04:05Z"),
    "far_date": ("DATE '20000-01-01'", "20000-01-01"),
    "early_date": ("DATE '0044-03-15 (BC)'", "0044-03-15 (BC)"),
    "blob": ("'caf\\xC3\\xA9'::BLOB", "café"),
    "latin_blob": ("'caf\\xE9'::BLOB", "café"),
    "uuid": (
        "'123e4567-e89b-12d3-a456-426614174000'::UUID",
        "123e4567-e89b-12d3-a456-426614174000",
    ),
    "enum": ("'x'::ENUM('x', 'y')", "x"),
    "list": ("[1, 2]", [1, 2]),
    "struct": ("{'a': 1, 'b': ['x']}", {"a": 1, "b": ["x"]}),
    "nested": (
        "[{'at': DATE '2026-01-02', 'n': 2.5::DECIMAL(3, 1)}]",
        [{"at": "2026-01-02", "n": "2.5"}],
    ),
    "map": ("MAP {1: 'a'}", {"1": "a"}),
}


@pytest.mark.parametrize(("sql", "value"), TYPES.values(), ids=TYPES)
def test_a_type_rides_along(read, sql, value):
    [row] = read("x.parquet", parquet(f"SELECT 'http://a/' AS url, {sql} AS v"))
    assert row.columns == {"v": value}
    assert type(row.columns["v"]) is type(value)


@pytest.mark.parametrize(
    ("sql", "url", "text"),
    [
        ("' http://a/ '", "http://a/", "http://a/"),
        ("'http://a/'::BLOB", "http://a/", "http://a/"),
        ("NULL::VARCHAR", None, '{"k":1}'),
        ("' '", None, '{"k":1}'),
        ("7", None, '{"k":1}'),
        ("['http://a/']", None, '{"k":1}'),
    ],
    ids=["trimmed", "blob", "null", "blank", "number", "list"],
)
def test_a_row_whose_url_is_no_text_is_a_row_without_a_url(read, sql, url, text):
    [row] = read("x.parquet", parquet(f"SELECT {sql} AS URL, 1 AS k"))
    assert (row.line, row.url, row.text, row.columns) == (1, url, text, {"k": 1})


def test_another_column_may_hold_the_url(read):
    data = parquet("SELECT 1 AS url, 'http://a/' AS Link, {'a': 1} AS _FAILED")
    [row] = read("x.parquet", data, url_column="link ")
    assert (row.url, row.columns) == ("http://a/", {"url": 1})


def test_a_file_without_its_url_column_is_refused(read, tmp_path):
    with pytest.raises(ConfigError) as caught:
        read("x.parquet", parquet("SELECT 1 AS page_url, 2 AS b"))
    assert str(caught.value) == (
        f"{tmp_path / 'x.parquet'}: no column 'url', only page_url, b; did you mean 'page_url'?"
    )


def test_rows_come_in_order_with_their_numbers(read):
    sql = "SELECT 'http://a/' || i AS url, i FROM range(60000) AS t(i)"
    rows = read("x.parquet", parquet(sql, ", ROW_GROUP_SIZE 4096"))
    assert [row.line for row in rows] == list(range(1, 60_001))
    assert [row.columns["i"] for row in rows] == list(range(60_000))


@pytest.mark.parametrize(
    "name", ["a*.parquet", "a?.parquet", "[ab].parquet", "k=1/a.parquet", "it's {a,b}.parquet"]
)
def test_a_path_is_no_pattern(tmp_path, name):
    for other in ("ab.parquet", "a.parquet", "b.parquet"):
        (tmp_path / other).write_bytes(parquet("SELECT 'http://other/' AS url"))
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(parquet("SELECT 'http://a/' AS url"))
    assert [(row.url, row.columns) for row in read_seeds(str(path))] == [("http://a/", {})]


def test_a_relative_path_is_found(tmp_path, monkeypatch):
    (tmp_path / "x.parquet").write_bytes(parquet("SELECT 'http://a/' AS url"))
    monkeypatch.chdir(tmp_path)
    assert [row.url for row in read_seeds("x.parquet")] == ["http://a/"]


GOOD = parquet("SELECT 'http://a/' || i AS url FROM range(1000) AS t(i)")
BROKEN = {
    "magic_only": b"PAR1",
    "cut": GOOD[:-20],
    "no_footer": GOOD[:200],
    "footer_of_noise": GOOD[:-200] + b"x" * 192 + GOOD[-8:],
    "pages_of_noise": GOOD[:4] + b"\xff" * 200 + GOOD[204:],
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress])
def test_a_broken_file_is_told_by_name(read, tmp_path, data, compress):
    with pytest.raises(ConfigError) as caught:
        read("x.parquet", compress(data))
    assert str(caught.value).startswith(f"{tmp_path / 'x.parquet'}: can't be read as Parquet")
    assert "scraper-" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_file_is_an_empty_list(read):
    with pytest.raises(ConfigError, match=r"the list is empty$"):
        read("x.parquet", parquet("SELECT 'a' AS url WHERE false"))


def test_standard_input_is_read_and_left_open():
    stdin = io.BytesIO(GOOD)
    rows = list(read_seeds("-", ListOptions(url_column="url"), stdin=stdin))
    assert len(rows) == 1000
    assert not stdin.closed


def test_a_list_left_in_the_middle_leaves_nothing_behind(tmp_path, monkeypatch):
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    rows = read_seeds("-", stdin=io.BytesIO(GOOD))
    next(rows)
    assert list(scratch.iterdir())
    rows.close()
    assert list(scratch.iterdir()) == []
