"""The dataset of a run: batch parts become one table of outcomes and one of items.

In: every batch's `outcomes.jsonl.gz`, `items.jsonl.gz` and `seeds.parquet`. Out: local files
`outcomes.parquet`, `items.parquet`, `failed.jsonl`, all in the order of the list, and the sums
of the run. Joined out of core; law 1 is checked here: rows = duplicates + outcomes.
"""

from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from scraper.errors import RunError
from scraper.layout import batch_key
from scraper.models import Reason
from scraper.plan.columns import ITEM_COLUMNS, OUTCOME_COLUMNS, field_columns
from scraper.rules import GENERIC_FIELDS
from scraper.run import RunInfo
from scraper.store import Store
from scraper.tables import quoted, quoted_name, scalar

__all__ = ["Sums", "check_accounted", "merge", "sums"]

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
    _view(
        tables,
        "outcome_parts",
        _files(info, store, scratch, batches, "outcomes.jsonl.gz"),
        {"row": "BIGINT"} | OUTCOME_COLUMNS,
    )
    fields = field_columns(info.sites)
    known = {name.lower() for name in fields}
    generic = {name: kind for name, kind in _GENERIC_COLUMNS.items() if name not in known}
    _view(
        tables,
        "item_parts",
        _files(info, store, scratch, batches, "items.jsonl.gz"),
        {"_row": "BIGINT"} | ITEM_COLUMNS | fields | generic,
    )
    _seeds(tables, _files(info, store, scratch, batches, "seeds.parquet"))
    seed = "".join(f", seed.{quoted_name(name)} AS {quoted_name(name)}" for name in info.columns)
    tables.execute(
        f"CREATE TABLE outcomes AS SELECT p.*{seed} "
        f"FROM outcome_parts p LEFT JOIN seeds USING (row) ORDER BY row"
    )
    has_generic = scalar(tables, "SELECT count(*) FROM item_parts WHERE site IS NULL") > 0
    columns = [*ITEM_COLUMNS, *fields, *(generic if has_generic or not fields else ())]
    chosen = ", ".join(f"p.{quoted_name(name)}" for name in columns)
    tables.execute(
        f"CREATE VIEW items AS SELECT {chosen}{seed} "
        f"FROM item_parts p LEFT JOIN seeds ON row = _row ORDER BY _row"
    )
    return {
        "outcomes.parquet": _copy(
            tables, scratch, "outcomes.parquet", "SELECT * EXCLUDE (row) FROM outcomes ORDER BY row"
        ),
        "items.parquet": _copy(tables, scratch, "items.parquet", "SELECT * FROM items"),
        "failed.jsonl": _copy(tables, scratch, "failed.jsonl", _failed(info)),
    }


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
        bytes=scalar(tables, "SELECT sum(coalesce(bytes, wire_bytes)) FROM outcomes"),
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


def _copy(tables: DuckDBPyConnection, scratch: Path, name: str, query: str) -> Path:
    path = scratch / name
    kind = "json" if name.endswith(".jsonl") else "parquet, COMPRESSION zstd"
    tables.execute(f"COPY ({query}) TO {quoted(path)} (FORMAT {kind})")
    return path
