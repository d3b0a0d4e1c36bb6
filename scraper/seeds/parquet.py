"""Parquet: the URL in the column `url`, everything else a column with its type.

Text, whole and broken numbers and truth values stay what they are. Dates and times become ISO
text, times with a zone in UTC; decimals, UUIDs and whole numbers that 64 bits don't hold become
text, bytes the text that they stand for; lists, structs and maps stay nested. A row whose URL is
no text is a row without a URL. The line of a row is its number, from 1.

DuckDB reads it as a stream. It reads files only: what isn't one goes to a temporary file first.
"""

from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import duckdb
import orjson

from scraper.errors import ConfigError
from scraper.seeds.columns import url_place
from scraper.seeds.encoding import as_text
from scraper.seeds.rows import EXCERPT_BYTES, FAILED, URL, RawRow, column_name, excerpt
from scraper.seeds.stream import ListStream
from scraper.tables import open_tables, quoted, quoted_name

__all__ = ["read_parquet"]

_SCRATCH_NAME = "list.parquet"
_ROWS = 2048
_BLOCK_BYTES = 1_048_576
_INT64 = range(-(2**63), 2**63)
_AS_THEY_ARE = {
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    *("VARCHAR", "FLOAT", "DOUBLE"),
}
_Row = tuple[object, ...]


def read_parquet(stream: ListStream, url_column: str | None = None) -> Iterator[RawRow]:
    """Give the rows of a Parquet file.

    Args:
        stream: the list.
        url_column: the URL's column, compared without case; `url` if None.

    Raises:
        ConfigError: no such column, or the file is broken.
    """
    with open_tables() as (tables, scratch):
        path = scratch / _SCRATCH_NAME
        _place(stream, path)
        types = _types(tables, path, stream)
        names = [column_name(name, place) for place, name in enumerate(types, 1)]
        url_at = url_place(names, url_column or URL, stream.name)
        kept = [at for at, name in enumerate(names) if at != url_at and name.lower() != FAILED]
        plain = [_same if types[name] in _AS_THEY_ARE else _plain for name in types]
        for values in _values(tables, path, types, stream):
            url = _plain(values[url_at])
            columns = {names[at]: plain[at](values[at]) for at in kept}
            yield _row(stream.line, url.strip() if isinstance(url, str) else "", columns)


def _row(line: int, url: str, columns: dict[str, object]) -> RawRow:
    text = url or orjson.dumps(columns)[:EXCERPT_BYTES].decode(errors="ignore")
    return RawRow(line=line, url=url or None, text=excerpt(text), columns=columns)


def _place(stream: ListStream, path: Path) -> None:
    """Give the list a path in which DuckDB sees no pattern."""
    if stream.path is not None:
        path.symlink_to(stream.path.resolve())
        return
    with path.open("wb") as file:
        while block := stream.read(_BLOCK_BYTES):
            file.write(block)


def _types(tables: duckdb.DuckDBPyConnection, path: Path, stream: ListStream) -> dict[str, str]:
    """The columns' types by name, in order."""
    _execute(tables, f"DESCRIBE SELECT * FROM {_table(path)}", stream)
    return {str(name): str(kind) for name, kind, *_ in tables.fetchall()}


def _values(
    tables: duckdb.DuckDBPyConnection, path: Path, types: dict[str, str], stream: ListStream
) -> Iterator[_Row]:
    """The values of the rows, as they are read: the result is never held."""
    # Python's times end at microseconds.
    exact = ", ".join(
        f"replace(CAST({quoted_name(name)} AS VARCHAR), ' ', 'T') AS {quoted_name(name)}"
        for name, kind in types.items()
        if kind == "TIMESTAMP_NS"
    )
    chosen = f"* REPLACE ({exact})" if exact else "*"
    _execute(tables, f"SELECT {chosen} FROM {_table(path)}", stream)
    while rows := _next_rows(tables, stream):
        for row in rows:
            stream.line += 1
            yield row


def _table(path: Path) -> str:
    return f"read_parquet({quoted(path)}, hive_partitioning = false)"


def _execute(tables: duckdb.DuckDBPyConnection, query: str, stream: ListStream) -> None:
    try:
        tables.execute(query)
    except duckdb.Error as error:
        raise _broken(stream, error) from error


def _next_rows(tables: duckdb.DuckDBPyConnection, stream: ListStream) -> list[_Row]:
    try:
        return tables.fetchmany(_ROWS)
    except duckdb.Error as error:
        raise _broken(stream, error) from error


def _broken(stream: ListStream, error: duckdb.Error) -> ConfigError:
    reached = f" after row {stream.line}" if stream.line else ""
    reason = str(error).splitlines()[0].replace(_SCRATCH_NAME, stream.name)
    return ConfigError(f"{stream.name}: can't be read as Parquet{reached}: {reason}")


def _same(value: object) -> object:
    return value


def _plain(value: object) -> object:
    """A value of DuckDB as one of JSON."""
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return value if value in _INT64 else str(value)
    if isinstance(value, bytes):
        return as_text(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(part) for key, part in value.items()}
    return _iso(value)


def _iso(value: object) -> str:
    """Dates and times as RFC 3339 has them, all else as Python shows it."""
    if isinstance(value, date | time):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
