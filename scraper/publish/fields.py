"""The fields of items of two datasets, as SQL: what tells items apart, and what they say.

In: the columns of two files of items. Out: expressions. A field is compared if both files have it;
columns of ours and of the lists are not. Raises only what DuckDB raises.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection
from duckdb.sqltypes import DuckDBPyType

from scraper.plain import json_value
from scraper.plan.columns import ITEM_COLUMNS
from scraper.publish.streams import rows_of_file
from scraper.rules import SiteRule
from scraper.tables import quoted, quoted_name

__all__ = ["Field", "common_fields", "digest_of", "key_of_item", "texts_of", "whole_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a file of items: its name in the later dataset, its column, its type.

    `is_same` says that it has the same type in both datasets.
    """

    name: str
    column: str
    kind: DuckDBPyType
    is_same: bool

    @property
    def text(self) -> str:
        """The SQL of its value as JSON text; NULL where it has none."""
        column = f"i.{quoted_name(self.column)}"
        value = json_value(column, self.kind)
        return f"CASE WHEN {column} IS NOT NULL THEN to_json({value})::VARCHAR END"


def common_fields(
    tables: DuckDBPyConnection, before: Path, after: Path, *, without: frozenset[str]
) -> tuple[list[Field], list[Field]]:
    """The fields that both files have, as each has them.

    Args:
        tables: a connection.
        before: the earlier file of items.
        after: the later one.
        without: columns that are the lists' own.
    """
    left_out = {name.lower() for name in (*ITEM_COLUMNS, *without)}
    sides = [_columns(tables, path) for path in (before, after)]
    known = {name.lower(): name for name in sides[0]}
    pairs = [
        (known[name.lower()], name)
        for name in sides[1]
        if name.lower() in known and name.lower() not in left_out
    ]
    fields: tuple[list[Field], list[Field]] = ([], [])
    for pair in pairs:
        kinds = [side[column] for side, column in zip(sides, pair, strict=True)]
        for found, column, kind in zip(fields, pair, kinds, strict=True):
            is_same = str(kinds[0]) == str(kinds[1])
            found.append(Field(name=pair[1], column=column, kind=kind, is_same=is_same))
    return fields


def digest_of(fields: Iterable[Field]) -> str:
    """The SQL of an item's digest: another one if a field is another one."""
    values = [f"i.{quoted_name(field.column)}" if field.is_same else field.text for field in fields]
    return f"hash({', '.join(values) or '0'})"


def key_of_item(sites: Iterable[SiteRule], fields: Iterable[Field]) -> str:
    """The SQL of the value that tells an item from the others of its page; NULL without a key."""
    columns = {field.name.lower(): field.column for field in fields}
    cases = "".join(
        f" WHEN {quoted(rule.name)} THEN i.{quoted_name(columns[rule.key.lower()])}::VARCHAR"
        for rule in sites
        if rule.key is not None and rule.key.lower() in columns
    )
    return f"CASE i.site{cases} END" if cases else "NULL::VARCHAR"


def texts_of(fields: Iterable[Field]) -> str:
    """The SQL of all values as JSON texts, in a list."""
    return f"[{', '.join(field.text for field in fields)}]::VARCHAR[]"


def whole_of(fields: Iterable[Field]) -> str:
    """The SQL of a whole item as JSON text."""
    values = ", ".join(
        f"{quoted_name(field.name)} := {json_value(f'i.{quoted_name(field.column)}', field.kind)}"
        for field in fields
    )
    return f"to_json(struct_pack({values}))::VARCHAR" if values else "'{}'"


def _columns(tables: DuckDBPyConnection, path: Path) -> dict[str, DuckDBPyType]:
    found = tables.sql(f"SELECT * FROM {rows_of_file(path)} LIMIT 0")
    return dict(zip(found.columns, found.types, strict=True))
