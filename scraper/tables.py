"""DuckDB: the joins over whole lists, out of core. Rows go in as JSON Lines or Parquet.

Each connection lives in a scratch folder of its own, which also takes its tables and what memory
can't. One thread and a small limit: what a query holds then depends on neither the rows nor the
machine's cores. Only a row that is itself large needs more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

__all__ = ["AMPLE_MB", "execute", "open_tables", "quoted", "quoted_name", "scalar"]


AMPLE_MB = 1024
"""For what ends in few rows, or in one stream, however wide they are."""

_USUAL_MB = 128
"""A thread that reads JSON holds 32 MB for its lines, a sort what is left."""

_MOST_MB = 4096


@contextmanager
def open_tables(*, memory_mb: int = _USUAL_MB) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """Open an empty database and its scratch folder; both go when the block ends."""
    with TemporaryDirectory(prefix="scraper-") as name:
        scratch = Path(name)
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": str(scratch / "spill"),
            "threads": 1,
            # What is held of a join is its right side, as it is written: never the wide one.
            "disabled_optimizers": "join_order,build_side_probe_side",
            # No part of it is ever fetched from the network.
            "autoinstall_known_extensions": False,
        }
        connection = duckdb.connect(scratch / "tables.db", config=config)
        # A query of more than two seconds would draw a bar on standard output, which is for data.
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        try:
            yield connection, scratch
        finally:
            connection.close()


def execute(tables: duckdb.DuckDBPyConnection, *queries: str) -> None:
    """Run queries that can be run again; one that needs more memory gets twice as much.

    Raises:
        duckdb.Error: 4 GB are not enough, or there is another reason.
    """
    for query in queries:
        limit_mb = _USUAL_MB
        while True:
            try:
                tables.execute(query)
                break
            except duckdb.Error as error:
                limit_mb *= 2
                if not _lacks_memory(error) or limit_mb > _MOST_MB:
                    raise
                tables.execute(f"SET memory_limit = '{limit_mb}MB'")
        if limit_mb > _USUAL_MB:
            tables.execute(f"SET memory_limit = '{_USUAL_MB}MB'")


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


def _lacks_memory(error: duckdb.Error) -> bool:
    """Whether a query failed for want of memory; one that fails at its commit says it in words."""
    return isinstance(error, duckdb.OutOfMemoryException) or "memory_limit" in str(error)
