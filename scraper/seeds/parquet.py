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
from scraper.tables import AMPLE_MB, open_tables, quoted, quoted_name

__all__ = ["read_parquet"]

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
    with open_tables(memory_mb=AMPLE_MB) as (tables, scratch):
        file = _File(tables, scratch / "list.parquet", stream)
        types = file.types()
        names = [column_name(name, place) for place, name in enumerate(types, 1)]
        url_at = url_place(names, url_column or URL, stream.name)
        kept = [at for at, name in enumerate(names) if at != url_at and name.lower() != FAILED]
        plain = [_same if kind in _AS_THEY_ARE else _plain for kind in types.values()]
        for values in file.rows(types):
            url = _plain(values[url_at])
            columns = {names[at]: plain[at](values[at]) for at in kept}
            yield _row(stream.line, url.strip() if isinstance(url, str) else "", columns)


class _File:
    """The file that DuckDB reads, under a path in which it sees no pattern."""

    def __init__(self, tables: duckdb.DuckDBPyConnection, path: Path, stream: ListStream) -> None:
        self._tables, self._path, self._stream = tables, path, stream
        self._table = f"read_parquet({quoted(path)}, hive_partitioning = false)"
        if stream.path is not None:
            path.symlink_to(stream.path.resolve())
            return
        with path.open("wb") as file:
            while block := stream.read(_BLOCK_BYTES):
                file.write(block)

    def types(self) -> dict[str, str]:
        """The columns' types by name, in order."""
        self._execute(f"DESCRIBE SELECT * FROM {self._table}")
        return {str(name): str(kind) for name, kind, *_ in self._tables.fetchall()}

    def rows(self, types: dict[str, str]) -> Iterator[_Row]:
        """The values of the rows, as they are read: the result is never held."""
        # Python's times end at microseconds.
        exact = ", ".join(
            f"replace(CAST({quoted_name(name)} AS VARCHAR), ' ', 'T') AS {quoted_name(name)}"
            for name, kind in types.items()
            if kind == "TIMESTAMP_NS"
        )
        self._execute(f"SELECT *{f' REPLACE ({exact})' if exact else ''} FROM {self._table}")
        while rows := self._next_rows():
            for row in rows:
                self._stream.line += 1
                yield row

    def _execute(self, query: str) -> None:
        try:
            self._tables.execute(query)
        except duckdb.Error as error:
            raise self._broken(error) from error

    def _next_rows(self) -> list[_Row]:
        try:
            return self._tables.fetchmany(_ROWS)
        except duckdb.Error as error:
            raise self._broken(error) from error

    def _broken(self, error: duckdb.Error) -> ConfigError:
        name, line = self._stream.name, self._stream.line
        reached = f" after row {line}" if line else ""
        reason = str(error).splitlines()[0].replace(str(self._path), name)
        return ConfigError(f"{name}: can't be read as Parquet{reached}: {reason}")


def _row(line: int, url: str, columns: dict[str, object]) -> RawRow:
    text = url or orjson.dumps(columns)[:EXCERPT_BYTES].decode(errors="ignore")
    return RawRow(line=line, url=url or None, text=excerpt(text), columns=columns)


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
