"""Values as text formats have them, and cells that no spreadsheet runs."""

import csv
import io

import duckdb
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.plain import csv_cell, harmless, json_value


@pytest.fixture(scope="module")
def tables():
    with duckdb.connect() as tables:
        tables.execute("SET TimeZone = 'UTC'")
        yield tables


def value_of(tables, make, sql):
    """What an expression over a column of a value gives."""
    table = tables.sql(f"SELECT {sql} AS v")
    expression = make("v", table.types[0])
    return tables.sql(f"SELECT {expression} FROM (SELECT {sql} AS v)").fetchall()[0][0]


AT = "TIMESTAMPTZ '2026-11-24 08:24:49.123456+02'"
TEXT = "2026-11-24T06:24:49.123456Z"

JSON = {
    "a time": (AT, TEXT),
    "a time without a zone": ("TIMESTAMP '2026-11-24 06:24:49'", "2026-11-24T06:24:49.000000Z"),
    "a time in seconds": ("TIMESTAMP_S '2026-11-24 06:24:49'", "2026-11-24T06:24:49.000000Z"),
    "no time": ("NULL::TIMESTAMPTZ", None),
    "a date": ("DATE '2026-11-24'", "2026-11-24"),
    "times": (f"[{AT}, NULL]", [TEXT, None]),
    "no times": ("NULL::TIMESTAMPTZ[]", None),
    "an array of times": (f"[{AT}]::TIMESTAMPTZ[1]", [TEXT]),
    "lists of times": (f"[[{AT}], []]", [[TEXT], []]),
    "a struct with a time": (f"{{'a b\"': {AT}, 'n': 1}}", {'a b"': TEXT, "n": 1}),
    "a struct that is null": (f"CASE WHEN false THEN {{'at': {AT}}} END", None),
    "structs with times": (f"[{{'at': [{AT}]}}, NULL]", [{"at": [TEXT]}, None]),
    "a struct": ("{'url': 'x', 'status': 301}", {"url": "x", "status": 301}),
    "a number": ("1.5::DOUBLE", 1.5),
    "no number": ("'NaN'::DOUBLE", None),
    "infinity": ("'-inf'::FLOAT", None),
    "numbers": ("[1.5, 'NaN'::DOUBLE]", [1.5, None]),
    "a large integer": ("9007199254740993", 9007199254740993),
    "a decimal": ("12.50::DECIMAL(9, 2)", 12.5),
    "a truth": ("true", True),
    "text": ("'x' || chr(10) || '\"' || chr(0) || 'ö'", 'x\n"\0ö'),
}


@pytest.mark.parametrize(("sql", "value"), JSON.values(), ids=JSON)
def test_a_value_as_json(tables, sql, value):
    found = value_of(tables, lambda name, kind: f"to_json({json_value(name, kind)})::VARCHAR", sql)
    assert (None if found is None else orjson.loads(found)) == value


def test_what_needs_no_change_is_left_as_it_is(tables):
    kinds = tables.sql("SELECT 1 AS a, [{'a': ['x']}] AS b, 'x' AS c, DATE '2026-01-01' AS d").types
    assert [json_value("v", kind) for kind in kinds] == ["v"] * 4


CELLS = {
    "a time": (AT, TEXT),
    "a date": ("DATE '2026-11-24'", "2026-11-24"),
    "a number": ("-1.5::DOUBLE", "-1.5"),
    "an integer": ("-3::BIGINT", "-3"),
    "no number": ("'NaN'::DOUBLE", ""),
    "no integer": ("NULL::BIGINT", ""),
    "a truth": ("true", "true"),
    "text": ("'a b'", "a b"),
    "no text": ("NULL::VARCHAR", ""),
    "a formula": ("'=1'", "'=1"),
    "a formula in quotes": ("'=\"1\", 2'", '"\'=""1"", 2"'),
    "lines": ("'a' || chr(10) || 'b'", '"a\nb"'),
    "a number that is text": ("'-5'", "'-5"),
    "a list": ("['a', NULL]", '"[""a"",null]"'),
    "no list": ("NULL::VARCHAR[]", ""),
    "times": (f"[{AT}]", f'"[""{TEXT}""]"'),
    "a struct": ("{'a': 1}", '"{""a"":1}"'),
    "a map": ("MAP {'a': 1}", '"{""a"":1}"'),
    "JSON": ("'[1]'::JSON", "[1]"),
}


@pytest.mark.parametrize(("sql", "value"), CELLS.values(), ids=CELLS)
def test_a_value_as_a_cell(tables, sql, value):
    assert value_of(tables, csv_cell, sql) == value


AWKWARD = " \t\r\n\x0b\x1c\x85\xa0\u2003\u3000\ufeff=+-@＝＋－＠\",;'\0aö"  # noqa: RUF001  # full-width forms


@settings(deadline=None)
@given(st.lists(st.text() | st.text(AWKWARD, max_size=6), min_size=1, max_size=20))
def test_a_cell_is_what_the_standard_library_writes_of_the_harmless_text(tables, texts):
    kind = tables.sql("SELECT 'x' AS v").types[0]
    query = f"SELECT {csv_cell('v', kind)} FROM (SELECT unnest($1::VARCHAR[]) AS v)"
    found = [cell for (cell,) in tables.execute(query, [texts]).fetchall()]
    written = io.StringIO(newline="")
    # A second column: a cell that is empty and alone would be quoted.
    csv.writer(written, lineterminator="\r\n").writerows([harmless(text), 0] for text in texts)
    assert "".join(f"{cell},0\r\n" for cell in found) == written.getvalue()


FORMULAS = [
    *("=1+1", "+1", "-1", "@SUM(1)", "\tx", "\rx", "\nx", "=", "-", "  =1", "\u00a0=1", "\u3000@x"),
    *("\ufeff=1", " \t=1", "＝1+1", "＋1", "－1", "＠x", " ＝1"),  # noqa: RUF001  # full-width forms
    *('=HYPERLINK("http://x")', "=cmd|' /C calc'!A0", "-2+3+cmd", "\n\n=1", "\x1c=1", "\x0b=1"),
]


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_what_may_be_a_formula_is_quoted(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", " ", "a=1", "1-1", "'=1", "x\n=1", "https://a.org/?a=@b", "ö"]
)
def test_other_text_is_left_as_it_is(text):
    assert harmless(text) == text


@given(st.text())
def test_no_text_is_dangerous_afterwards_or_lost(text):
    found = harmless(text)
    assert found.removeprefix("'") == text.removeprefix("'") or found == text
    assert not found.lstrip().startswith(tuple("=+-@"))
    assert harmless(found) == found
