"""The columns of a table → the SQL that makes text formats of them, and cells that do no harm.

In: DuckDB's types. Out: expressions. Times become RFC 3339 in UTC, to the microsecond; a number
that is none (NaN, infinity) becomes null, for JSON has no word for it. Inside lists and structs
the same holds. No errors.

Source: RFC 3339, RFC 8259, RFC 4180; OWASP, "CSV Injection".
"""

import re

from duckdb.sqltypes import DuckDBPyType

from scraper.tables import quoted, quoted_name

__all__ = ["csv_cell", "harmless", "json_value"]

_RFC_3339 = "'%Y-%m-%dT%H:%M:%S.%fZ'"
_NUMBERS = frozenset(
    {"tinyint", "smallint", "integer", "bigint", "hugeint"}
    | {"utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"}
    | {"float", "double", "decimal"}
)
_NESTED = frozenset({"list", "array", "struct", "map"})
_SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + "\ufeff"
_FORMULA = rf"\A(?:[\t\r\n]|[{_SPACES}]*[=+\-@＝＋－＠])"  # noqa: RUF001  # full-width forms
"""Read alike by Python and by RE2, to which white space is ASCII's: so it is written out."""


def json_value(value: str, kind: DuckDBPyType) -> str:
    """The SQL of a value as it goes into JSON; the same expression if nothing is to be done."""
    if kind.id.startswith("timestamp"):
        return f"strftime({value}::TIMESTAMP, {_RFC_3339})"
    if kind.id in {"float", "double"}:
        return f"CASE WHEN isfinite({value}) THEN {value} END"
    if kind.id in {"list", "array"}:
        inner = json_value("x", dict(kind.children)["child"])  # type: ignore[arg-type]  # a type
        return value if inner == "x" else f"list_transform({value}, lambda x: {inner})"
    return _struct(value, kind) if kind.id == "struct" else value


def csv_cell(value: str, kind: DuckDBPyType) -> str:
    """The SQL of a cell of CSV: a number as it is, all else as text that is no formula."""
    plain = json_value(value, kind)
    if kind.id in _NUMBERS:
        return f"coalesce(({plain})::VARCHAR, '')"
    text = f"to_json({plain})::VARCHAR" if kind.id in _NESTED else f"({plain})::VARCHAR"
    before = f"CASE WHEN regexp_matches({text}, {quoted(_FORMULA)}) THEN '''' ELSE '' END"
    return (
        f"CASE WHEN {text} IS NULL THEN '' "
        f"WHEN regexp_matches({text}, '[\",\\r\\n]') "
        f"THEN '\"' || {before} || replace({text}, '\"', '\"\"') || '\"' "
        f"ELSE {before} || {text} END"
    )


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that may be has a `'` before it.

    Raises: nothing.
    """
    return f"'{text}" if re.match(_FORMULA, text) else text


def _struct(value: str, kind: DuckDBPyType) -> str:
    found = {name: f"{value}.{quoted_name(name)}" for name, _ in kind.children}
    plain = {name: json_value(found[name], child) for name, child in kind.children}  # type: ignore[arg-type]  # types
    if plain == found:
        return value
    fields = ", ".join(f"{quoted_name(name)} := {plain[name]}" for name in plain)
    return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({fields}) END"
