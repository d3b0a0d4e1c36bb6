"""The columns that ride along from the list: their names, their types, where they may not stand.

Names are compared without case; the first spelling wins. One that bears a name of ours, or of a
rule's field, becomes `seed_NAME`. A type is that of all values; a mixed column becomes text, and
nested values JSON text.
"""

from collections.abc import Iterable, Mapping

from scraper.rules import GENERIC_FIELDS, RESERVED_FIELDS, SiteRule

__all__ = [
    "ITEM_COLUMNS",
    "KNOWN",
    "OUTCOME_COLUMNS",
    "REDIRECTS",
    "SeedColumns",
    "field_columns",
    "named_anew",
]

REDIRECTS = "STRUCT(url VARCHAR, status INTEGER)[]"

KNOWN = (
    "STRUCT(url VARCHAR, fetched_at TIMESTAMP, etag VARCHAR, last_modified VARCHAR, "
    "payload_digest VARCHAR, content_sha256 VARCHAR, item_sha256 VARCHAR)"
)

OUTCOME_COLUMNS = {
    "url": "VARCHAR",
    "final_url": "VARCHAR",
    "host": "VARCHAR",
    "status": "VARCHAR",
    "reason": "VARCHAR",
    "http_status": "INTEGER",
    "attempts": "INTEGER",
    "redirects": REDIRECTS,
    "bytes": "BIGINT",
    "wire_bytes": "BIGINT",
    "elapsed_s": "DOUBLE",
    "fetched_at": "TIMESTAMPTZ",
    "content_type": "VARCHAR",
    "charset": "VARCHAR",
    "content_sha256": "VARCHAR",
    "items": "INTEGER",
    "detail": "VARCHAR",
    "batch": "VARCHAR",
}

ITEM_COLUMNS = {
    "url": "VARCHAR",
    "final_url": "VARCHAR",
    "fetched_at": "TIMESTAMPTZ",
    "site": "VARCHAR",
    "kind": "VARCHAR",
    "stale": "BOOLEAN",
}

_SQL_TYPES = {
    "str": "VARCHAR",
    "int": "BIGINT",
    "float": "DOUBLE",
    "bool": "BOOLEAN",
    "url": "VARCHAR",
    "date": "DATE",
    "datetime": "TIMESTAMPTZ",
    "money": "STRUCT(amount DOUBLE, currency VARCHAR)",
}


def field_columns(sites: Iterable[SiteRule]) -> dict[str, str]:
    """The columns of the rules' fields, typed, in the order in which they are declared."""
    columns: dict[str, str] = {}
    known: set[str] = set()
    for rule in sites:
        for name, field in rule.fields.items():
            if name.lower() not in known:
                known.add(name.lower())
                columns[name] = _SQL_TYPES[field.kind] + ("[]" if field.is_many else "")
    return columns


def named_anew(
    columns: Iterable[str], renamed: Mapping[str, str], sites: Iterable[SiteRule]
) -> dict[str, str]:
    """The names that the columns of a planned list get under other rules, by those they have."""
    found = SeedColumns(sites)
    known = list(columns)
    found.take_in({renamed.get(name, name): None for name in known})
    return dict(zip(known, found.types(), strict=True))


class SeedColumns:
    """Learns the columns of a list row by row.

    Values are handed on under short keys (`c0`, `c1`, …), so that no name can break a query.
    """

    def __init__(self, sites: Iterable[SiteRule]) -> None:
        fields = {name.lower() for rule in sites for name in rule.fields}
        ours = set(OUTCOME_COLUMNS) | set(ITEM_COLUMNS) | set(GENERIC_FIELDS) | RESERVED_FIELDS
        self._taken = fields | ours
        self._key_by_name: dict[str, str] = {}
        self._names: list[str] = []
        self._renamed: dict[str, str] = {}
        self._types: list[str | None] = []

    def take_in(self, columns: Mapping[str, object]) -> dict[str, object]:
        """One row's values under their keys."""
        row: dict[str, object] = {}
        for name, value in columns.items():
            key = self._key_by_name.get(name.lower())
            if key is None:
                key = self._add(name)
            place = int(key[1:])
            self._types[place] = _wider(self._types[place], value)
            row[key] = value
        return row

    def types(self) -> dict[str, str]:
        """The SQL types by final name, in the order of their first appearance."""
        types = (sql_type or "VARCHAR" for sql_type in self._types)
        return dict(zip(self._names, types, strict=True))

    def renamed(self) -> dict[str, str]:
        """The names in the list by final name, of the columns that had to be called otherwise."""
        return dict(self._renamed)

    def _add(self, name: str) -> str:
        key = f"c{len(self._names)}"
        self._key_by_name[name.lower()] = key
        # DuckDB ends a name at a NUL.
        final = name.replace("\0", "\ufffd")
        while final.lower() in self._taken:
            final = f"seed_{final}"
        self._taken.add(final.lower())
        self._names.append(final)
        if final != name:
            self._renamed[final] = name
        self._types.append(None)
        return key


def _wider(known: str | None, value: object) -> str | None:
    if value is None:
        return known
    found = _type_of(value)
    if known is None or known == found:
        return found
    return "DOUBLE" if {known, found} == {"BIGINT", "DOUBLE"} else "VARCHAR"


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "BIGINT" if -(2**63) <= value < 2**63 else "VARCHAR"
    return "DOUBLE" if isinstance(value, float) else "VARCHAR"
