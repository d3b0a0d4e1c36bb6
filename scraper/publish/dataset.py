"""The dataset of a run: batch parts become one table of outcomes and one of items.

In: every batch's `outcomes.jsonl.gz`, `items.jsonl.gz` and `seeds.parquet`. Out: local files
`outcomes.parquet` and `failed.jsonl` in the order of the list, `items.parquet` batch by batch,
and the sums of the run. Joined out of core; law 1 is checked here: rows = duplicates + outcomes.
"""

from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from scraper.errors import RunError
from scraper.layout import batch_key
from scraper.models import Reason
from scraper.plan.columns import ITEM_COLUMNS, OUTCOME_COLUMNS, field_columns
from scraper.publish.former import (
    add_former,
    keeps_generic_items,
    with_former_items,
    with_former_outcomes,
)
from scraper.rules import GENERIC_FIELDS
from scraper.run import RunInfo
from scraper.store import Store
from scraper.tables import one_thread, quoted, quoted_name, scalar

__all__ = ["Sums", "check_accounted", "merge", "sums"]

_PARQUET = "parquet, COMPRESSION zstd"

_GENERIC_COLUMNS = {
    name: "VARCHAR[]" if shape.endswith("list") else "VARCHAR"
    for name, shape in GENERIC_FIELDS.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The numbers of a run, by status and by reason."""

    outcomes: dict[str, int]
    reasons: dict[str, int]
    hosts: int
    bytes: int
    items: int


def merge(
    tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store, batches: list[str]
) -> dict[str, Path]:
    """Make the tables `outcomes` and `items` and write them to files, by name.

    Raises:
        StoreError: the store failed.
    """
    columns = {"row": "BIGINT"} | OUTCOME_COLUMNS
    files = _files(info, store, scratch, batches, "outcomes.jsonl.gz")
    _view(tables, "outcome_parts", files, columns)
    _seeds(tables, _files(info, store, scratch, batches, "seeds.parquet"))
    add_former(tables, scratch, info=info, store=store)
    own = f"SELECT p.*{_seed_columns(info)} FROM outcome_parts p LEFT JOIN seeds USING (row)"
    both = with_former_outcomes(own, info)
    tables.execute(f"CREATE TABLE outcomes AS SELECT * FROM ({both}) ORDER BY row")
    outcomes = "SELECT * EXCLUDE (row) FROM outcomes ORDER BY row"
    written = {
        "outcomes.parquet": _copy(tables, scratch / "outcomes.parquet", outcomes),
        "items.parquet": _items(
            tables, scratch, info, files=_files(info, store, scratch, batches, "items.jsonl.gz")
        ),
        "failed.jsonl": _copy(tables, scratch / "failed.jsonl", _failed(info), file_format="json"),
    }
    items = quoted(written["items.parquet"])
    tables.execute(f"CREATE VIEW items AS SELECT * FROM read_parquet({items})")
    return written


def sums(tables: DuckDBPyConnection) -> Sums:
    """Count what `merge` brought together."""
    by_status = tables.execute("SELECT status, count(*) FROM outcomes GROUP BY ALL ORDER BY ALL")
    outcomes = {str(status): int(count) for status, count in by_status.fetchall()}
    by_reason = tables.execute(
        "SELECT reason, count(*) FROM outcomes GROUP BY ALL ORDER BY count(*) DESC, reason"
    )
    return Sums(
        outcomes=outcomes,
        reasons={str(reason): int(count) for reason, count in by_reason.fetchall()},
        hosts=scalar(tables, "SELECT count(DISTINCT host) FROM outcomes"),
        bytes=scalar(tables, "SELECT sum(bytes) FROM outcomes"),
        items=scalar(tables, "SELECT sum(items) FROM outcomes"),
    )


def check_accounted(tables: DuckDBPyConnection, info: RunInfo) -> None:
    """Law 1: every row of the list is a duplicate or has exactly one outcome.

    Raises:
        RunError: the run doesn't balance; with the numbers.
    """
    outcomes = scalar(tables, "SELECT count(*) FROM outcomes")
    distinct = scalar(tables, "SELECT count(DISTINCT row) FROM outcomes")
    if outcomes != distinct or info.rows != info.duplicates + outcomes:
        raise RunError(
            f"{info.run} does not balance: {info.rows} rows, {info.duplicates} duplicates, "
            f"{outcomes} outcomes of {distinct} rows"
        )


def _files(info: RunInfo, store: Store, scratch: Path, batches: list[str], name: str) -> list[Path]:
    keys = (batch_key(info.run, batch, name) for batch in batches)
    found = (store.local_file(key, scratch) for key in keys)
    return [path for path in found if path is not None]


def _view(
    tables: DuckDBPyConnection, name: str, files: list[Path], columns: dict[str, str]
) -> None:
    if not files:
        nothing = ", ".join(f"NULL::{kind} AS {quoted_name(key)}" for key, kind in columns.items())
        tables.execute(f"CREATE VIEW {name} AS SELECT {nothing} WHERE false")
        return
    types = ", ".join(f"{quoted(key)}: {quoted(kind)}" for key, kind in columns.items())
    paths = ", ".join(quoted(path) for path in files)
    tables.execute(
        f"CREATE VIEW {name} AS SELECT * FROM read_json([{paths}], columns = {{{types}}}, "
        f"format = 'newline_delimited', compression = 'gzip')"
    )


def _seeds(tables: DuckDBPyConnection, files: list[Path]) -> None:
    """A row that went on in later waves stands in several parts, with the same columns."""
    paths = ", ".join(quoted(path) for path in files)
    tables.execute(
        f"CREATE TABLE seeds AS SELECT row, any_value(seed) AS seed "
        f"FROM read_parquet([{paths}]) GROUP BY row"
    )


def _failed(info: RunInfo) -> str:
    """The failed rows, and the skipped ones that a later try may heal, as a list of their own."""
    healing = ", ".join(quoted(reason) for reason in Reason if reason.heals)
    own = "".join(f", {quoted_name(name)}" for name in info.columns)
    return (
        f"SELECT url{own}, struct_pack(reason := reason, http_status := http_status, "
        f"attempts := attempts, run := {quoted(info.run)}) AS _failed "
        f"FROM outcomes WHERE status = 'failed' OR reason IN ({healing}) ORDER BY row"
    )


def _items(tables: DuckDBPyConnection, scratch: Path, info: RunInfo, *, files: list[Path]) -> Path:
    """Write the items, batch by batch and in each by row: a sort of whole pages would be dear.

    With one thread and row groups bounded by their bytes, memory stays flat however long the
    texts are.
    """
    fields = field_columns(info.sites)
    known = {name.lower() for name in fields}
    generic = {name: kind for name, kind in _GENERIC_COLUMNS.items() if name not in known}
    _view(tables, "item_parts", files, {"_row": "BIGINT"} | ITEM_COLUMNS | fields | generic)
    without_rule = "SELECT count(*) FROM item_parts WHERE site IS NULL"
    has_generic = (
        not fields or scalar(tables, without_rule) > 0 or keeps_generic_items(tables, info)
    )
    columns = ITEM_COLUMNS | fields | (generic if has_generic else {})
    chosen = ", ".join(f"p.{quoted_name(name)}" for name in columns)
    query = f"SELECT {chosen}{_seed_columns(info)} FROM item_parts p LEFT JOIN seeds ON row = _row"
    query = with_former_items(tables, query, info=info, columns=columns | info.columns)
    with one_thread(tables):
        bounded = f"{_PARQUET}, ROW_GROUP_SIZE_BYTES '32MB'"
        return _copy(tables, scratch / "items.parquet", query, file_format=bounded)


def _seed_columns(info: RunInfo) -> str:
    names = (quoted_name(name) for name in info.columns)
    return "".join(f", seed.{name} AS {name}" for name in names)


def _copy(
    tables: DuckDBPyConnection, path: Path, query: str, *, file_format: str = _PARQUET
) -> Path:
    tables.execute(f"COPY ({query}) TO {quoted(path)} (FORMAT {file_format})")
    return path
