"""Files of a dataset as DuckDB streams them: wide rows go past, only narrow ones are held.

In: Parquet files. Out: their columns, views over them, and a way to join them without holding the
wide side, whatever DuckDB's optimizer thinks. Raises only what DuckDB raises.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from duckdb import DuckDBPyConnection

from scraper.tables import quoted, scalar

__all__ = ["PARQUET", "columns_of_file", "rows_of_file", "shown_anew", "streamed"]

PARQUET = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE_BYTES '16MB'"
"""How a table of a run is written: row groups are bounded by their bytes, and so is memory."""


@contextmanager
def streamed(tables: DuckDBPyConnection) -> Iterator[None]:
    """Write rows as they come, none of them held: one thread keeps those of a page in order."""
    tables.execute("SET preserve_insertion_order = false")
    try:
        yield
    finally:
        tables.execute("SET preserve_insertion_order = true")


def columns_of_file(tables: DuckDBPyConnection, path: Path) -> dict[str, str]:
    """The columns of a Parquet file and their types, in order."""
    found = tables.execute(f"DESCRIBE SELECT * FROM {rows_of_file(path)}").fetchall()
    return {str(name): str(kind) for name, kind, *_ in found}


def rows_of_file(path: Path, *, numbered: bool = False) -> str:
    """The rows of a Parquet file, as a table in SQL; numbered, in their column `place` from 0."""
    if not numbered:
        return f"read_parquet({quoted(path)})"
    return (
        f"(SELECT file_row_number AS place, * EXCLUDE (file_row_number) "
        f"FROM read_parquet({quoted(path)}, file_row_number = true))"
    )


def shown_anew(tables: DuckDBPyConnection, name: str, query: str) -> None:
    """Let a name stand for a query, whether it stood for a table or a view before."""
    is_table = scalar(
        tables, f"SELECT count(*) FROM duckdb_tables() WHERE table_name = {quoted(name)}"
    )
    tables.execute(f"DROP {'TABLE' if is_table else 'VIEW'} IF EXISTS {name}")
    tables.execute(f"CREATE VIEW {name} AS {query}")
