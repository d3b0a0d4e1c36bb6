"""DuckDB: the joins over whole lists, out of core. Rows go in as JSON Lines or Parquet.

Each connection lives in a scratch folder of its own, which also takes what memory can't.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

__all__ = ["one_thread", "open_tables", "quoted", "quoted_name", "scalar"]

_MEMORY_LIMIT = "1GB"
_THREADS = min(4, os.cpu_count() or 1)


@contextmanager
def open_tables() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """Open an empty database and its scratch folder; both go when the block ends."""
    with TemporaryDirectory(prefix="scraper-") as name:
        scratch = Path(name)
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY_LIMIT,
            "temp_directory": str(scratch / "spill"),
            # Each thread that reads JSON holds 32 MB for its lines.
            "threads": _THREADS,
            # No part of it is ever fetched from the network.
            "autoinstall_known_extensions": False,
        }
        connection = duckdb.connect(":memory:", config=config)
        # A query of more than two seconds would draw a bar on standard output, which is for data.
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        try:
            yield connection, scratch
        finally:
            connection.close()


@contextmanager
def one_thread(tables: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Read and write rows one after another: for wide ones, which many threads would hoard."""
    tables.execute("SET threads = 1; SET preserve_insertion_order = false")
    try:
        yield
    finally:
        tables.execute(f"SET threads = {_THREADS}; SET preserve_insertion_order = true")


def scalar(tables: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query gives; 0 for NULL."""
    found = tables.execute(query).fetchone()
    assert found is not None
    return int(found[0] or 0)


def quoted(text: object) -> str:
    """A text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """A column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
