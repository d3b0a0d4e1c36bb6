"""The columns of a table → the SQL that makes text formats of them, and cells that do no harm.

In: DuckDB's types. Out: expressions. Times become RFC 3339 in UTC, to the microsecond; a number
that is none (NaN, infinity) becomes null, for JSON has no word for it. Inside lists and structs
the same holds. No errors.

Source: RFC 3339, RFC 8259; OWASP, "CSV Injection".
"""

import re

from duckdb.sqltypes import DuckDBPyType

from scraper.tables import quoted_name

__all__ = ["cell_value", "harmless", "json_value"]

_RFC_3339 = "'%Y-%m-%dT%H:%M:%S.%fZ'"
_NUMBERS = frozenset(
    {"tinyint", "smallint", "integer", "bigint", "hugeint"}
    | {"utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"}
    | {"float", "double", "decimal"}
)
_NESTED = frozenset({"list", "array", "struct", "map"})
_FORMULA = re.compile(r"[\t\r\n]|[\s\ufeff]*[=+\-@＝＋－＠]")  # noqa: RUF001  # full-width forms


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


def cell_value(value: str, kind: DuckDBPyType) -> str:
    """The SQL of a value as it goes into a cell of CSV: a number, or text."""
    plain = json_value(value, kind)
    if kind.id in _NESTED:
        return f"to_json({plain})::VARCHAR"
    return plain if kind.id in _NUMBERS else f"({plain})::VARCHAR"


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that may be has a `'` before it.

    Raises: nothing.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def _struct(value: str, kind: DuckDBPyType) -> str:
    found = {name: f"{value}.{quoted_name(name)}" for name, _ in kind.children}
    plain = {name: json_value(found[name], child) for name, child in kind.children}  # type: ignore[arg-type]  # types
    if plain == found:
        return value
    fields = ", ".join(f"{quoted_name(name)} := {plain[name]}" for name in plain)
    return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({fields}) END"
