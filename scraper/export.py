"""The tables of a published run → bytes for other programs: JSON Lines, CSV or Parquet.

In: `items`, `outcomes`, `failed` or `changes` of a run in a store. Out: a stream of bytes; what
is stored in the wanted format already goes out byte for byte. Rows are read by DuckDB and written
few at a time: memory doesn't grow with the run. Text in CSV can't become a formula.

Raises `ConfigError` for a run without that table, `StoreError` when it can't be read; whatever
the stream raises.

Source: RFC 8259, RFC 4180.
"""

import csv
import io
import shutil
from pathlib import Path
from typing import BinaryIO, Literal, get_args

import duckdb
from duckdb import DuckDBPyConnection
from duckdb.sqltypes import DuckDBPyType

from scraper.errors import ConfigError, StoreError
from scraper.layout import run_key
from scraper.plain import csv_cell, harmless, json_value
from scraper.run import load_run
from scraper.store import Store
from scraper.tables import AMPLE_MB, open_tables, quoted, quoted_name, scalar

__all__ = ["FORMATS", "TABLES", "ExportFormat", "Table", "export_file", "export_table"]

Table = Literal["items", "outcomes", "failed", "changes"]
ExportFormat = Literal["jsonl", "csv", "parquet"]
TABLES: tuple[Table, ...] = get_args(Table)
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

_STORED: dict[Table, ExportFormat] = {
    "items": "parquet",
    "outcomes": "parquet",
    "failed": "jsonl",
    "changes": "parquet",
}
_CRLF = "\r\n"
_ROWS_AT_ONCE = 200
_COPIED_AT_ONCE = 1_048_576


def export_table(
    store: Store, run: str, table: Table, *, file_format: ExportFormat, target: BinaryIO
) -> int:
    """Write a table of a published run to a stream; say how many rows it has.

    Raises:
        ConfigError: the run has no such table.
        StoreError: the table can't be read.
        OSError: the stream takes no more.
    """
    name = f"{table}.{_STORED[table]}"
    with open_tables(memory_mb=AMPLE_MB) as (tables, scratch):
        path = store.local_file(run_key(run, name), scratch)
        if path is None:
            why = "; it has no former run to be compared with" if table == "changes" else ""
            raise ConfigError(f"{run} has no {name}{why}")
        columns = _failed_columns(store, run) if table == "failed" else None
        try:
            _view(tables, path, columns)
            if file_format == "parquet" and _STORED[table] != "parquet":
                path = _as_parquet(tables, scratch / "exported.parquet")
            if file_format in {"parquet", _STORED[table]}:
                return _copy(tables, path, target)
            return (_write_csv if file_format == "csv" else _write_jsonl)(tables, target)
        except duckdb.Error as error:
            first_line = str(error).split("\n", 1)[0]
            raise StoreError(f"{store.address(run_key(run, name))}: {first_line}") from error


def export_file(
    tables: DuckDBPyConnection, path: Path, *, file_format: ExportFormat, target: BinaryIO
) -> int:
    """Write a Parquet file to a stream; say how many rows it has.

    Raises:
        duckdb.Error: it can't be read.
        OSError: the stream takes no more.
    """
    _view(tables, path, None)
    if file_format == "parquet":
        return _copy(tables, path, target)
    return (_write_csv if file_format == "csv" else _write_jsonl)(tables, target)


def _failed_columns(store: Store, run: str) -> dict[str, str]:
    """The columns of a `failed.jsonl`: the list's own, and ours as JSON text."""
    info = load_run(store, run)
    own = info.columns if info is not None else {}
    return {"url": "VARCHAR"} | own | {"_failed": "VARCHAR"}


def _view(tables: DuckDBPyConnection, path: Path, columns: dict[str, str] | None) -> None:
    """Make the view `exported` of a Parquet file, or of a JSONL file with these columns."""
    source = f"read_parquet({quoted(path)})"
    if columns is not None:
        types = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in columns.items())
        source = f"read_json({quoted(path)}, columns = {{{types}}}, format = 'newline_delimited')"
    tables.execute(f"CREATE VIEW exported AS SELECT * FROM {source}")


def _as_parquet(tables: DuckDBPyConnection, path: Path) -> Path:
    tables.execute(f"COPY exported TO {quoted(path)} (FORMAT parquet, COMPRESSION zstd)")
    return path


def _copy(tables: DuckDBPyConnection, path: Path, target: BinaryIO) -> int:
    with path.open("rb") as file:
        shutil.copyfileobj(file, target, length=_COPIED_AT_ONCE)
    return scalar(tables, "SELECT count(*) FROM exported")


def _write_jsonl(tables: DuckDBPyConnection, target: BinaryIO) -> int:
    values = ", ".join(
        f"{quoted_name(name)} := {json_value(quoted_name(name), kind)}"
        for name, kind in _columns(tables)
    )
    query = f"SELECT to_json(struct_pack({values}))::VARCHAR FROM exported"
    return _write_lines(tables, query, target, end="\n")


def _write_csv(tables: DuckDBPyConnection, target: BinaryIO) -> int:
    columns = _columns(tables)
    header = io.StringIO(newline="")
    csv.writer(header, lineterminator=_CRLF).writerow([harmless(name) for name, _ in columns])
    target.write(header.getvalue().encode())
    cells = ", ".join(csv_cell(quoted_name(name), kind) for name, kind in columns)
    return _write_lines(tables, f"SELECT concat_ws(',', {cells}) FROM exported", target, end=_CRLF)


def _columns(tables: DuckDBPyConnection) -> list[tuple[str, DuckDBPyType]]:
    found = tables.table("exported")
    return list(zip(found.columns, found.types, strict=True))


def _write_lines(tables: DuckDBPyConnection, query: str, target: BinaryIO, *, end: str) -> int:
    """Write the lines that a query gives; DuckDB makes but few of them ahead."""
    found, count = tables.execute(query), 0
    while rows := found.fetchmany(_ROWS_AT_ONCE):
        target.write("".join(f"{line}{end}" for (line,) in rows).encode())
        count += len(rows)
    return count
