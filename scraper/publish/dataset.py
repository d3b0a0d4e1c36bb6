"""The dataset of a run: batch parts become one table of outcomes and one of items.

In: every batch's `outcomes.jsonl.gz`, `items.jsonl.gz` and `seeds.parquet`. Out: local files
`outcomes.parquet` and `failed.jsonl` in the order of the list, `items.parquet` batch by batch,
and the sums of the run. Law 1 is checked here: rows = duplicates + outcomes.

A few batches at a time are joined to their rows, into pieces; then the outcomes are sorted, out
of core. So what is held doesn't grow with the run.
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
from scraper.tables import execute, quoted, quoted_name, scalar

__all__ = ["Sums", "check_accounted", "merge", "sums"]

_ROW_GROUP = "ROW_GROUP_SIZE_BYTES '16MB'"
"""Bounded by its bytes: so memory stays flat however long the texts are."""

_PARQUET = f"parquet, COMPRESSION zstd, {_ROW_GROUP}"
_PIECE = f"parquet, COMPRESSION lz4, {_ROW_GROUP}"

_BATCHES_A_PIECE = 50

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
    """Make the views `outcomes` and `items` and the files that they show, by name.

    Raises:
        StoreError: the store failed.
    """
    pieces = _Pieces(tables, scratch, info=info, store=store, batches=batches)
    pieces.gather("outcomes", "row", {"row": "BIGINT"} | OUTCOME_COLUMNS)
    add_former(tables, scratch, info=info, store=store)
    whole = with_former_outcomes("SELECT * FROM outcomes_pieces", info)
    tables.execute(f"CREATE VIEW outcomes_whole AS {whole}")
    ordered = "SELECT * EXCLUDE (row) FROM outcomes_whole ORDER BY row"
    written = {"outcomes.parquet": _copy(tables, scratch / "outcomes.parquet", ordered)}
    # The place in the file is the order of the list.
    tables.execute(
        f"CREATE VIEW outcomes AS SELECT file_row_number AS row, * EXCLUDE (file_row_number) "
        f"FROM read_parquet({quoted(written['outcomes.parquet'])}, file_row_number = true)"
    )
    written["items.parquet"] = _items(tables, scratch, info, pieces=pieces)
    tables.execute(
        f"CREATE VIEW items AS SELECT * FROM read_parquet({quoted(written['items.parquet'])})"
    )
    written["failed.jsonl"] = _copy(
        tables, scratch / "failed.jsonl", _failed(info), file_format="json"
    )
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
    distinct = scalar(tables, "SELECT count(DISTINCT row) FROM outcomes_whole")
    if outcomes != distinct or info.rows != info.duplicates + outcomes:
        raise RunError(
            f"{info.run} does not balance: {info.rows} rows, {info.duplicates} duplicates, "
            f"{outcomes} outcomes of {distinct} rows"
        )


class _Pieces:
    """The parts of a run's batches, joined to the columns of their rows, a few batches a piece."""

    def __init__(
        self,
        tables: DuckDBPyConnection,
        scratch: Path,
        *,
        info: RunInfo,
        store: Store,
        batches: list[str],
    ) -> None:
        self._tables, self._scratch = tables, scratch
        self._info, self._store, self._batches = info, store, batches

    def gather(self, name: str, row: str, columns: dict[str, str]) -> None:
        """Make the view `<name>_pieces` of the parts of that name, batch by batch.

        Args:
            name: of the parts.
            row: the column in them that holds the row.
            columns: all their columns, typed.

        Raises:
            StoreError: the store failed.
        """
        written: list[Path] = []
        for start in range(0, len(self._batches), _BATCHES_A_PIECE):
            batches = self._batches[start : start + _BATCHES_A_PIECE]
            parts = self._files(batches, f"{name}.jsonl.gz")
            if parts or not written:
                path = self._scratch / f"{name}-{start:06}.parquet"
                query = self._joined(_rows_of(parts, columns), row, batches)
                written.append(_copy(self._tables, path, query, file_format=_PIECE))
        paths = ", ".join(map(quoted, written))
        self._tables.execute(f"CREATE VIEW {name}_pieces AS SELECT * FROM read_parquet([{paths}])")

    def _joined(self, parts: str, row: str, batches: list[str]) -> str:
        """A row that went on in later waves stands in several batches, with the same columns."""
        if not self._info.columns:
            return f"FROM {parts}"
        own = (quoted_name(name) for name in self._info.columns)
        chosen = "".join(f", seeds.seed.{name} AS {name}" for name in own)
        paths = ", ".join(map(quoted, self._files(batches, "seeds.parquet")))
        return (
            f"SELECT parts.*{chosen} FROM {parts} AS parts LEFT JOIN (SELECT row AS seed_row, "
            f"any_value(seed) AS seed FROM read_parquet([{paths}]) GROUP BY row) AS seeds "
            f"ON seed_row = parts.{row}"
        )

    def _files(self, batches: list[str], name: str) -> list[Path]:
        keys = (batch_key(self._info.run, batch, name) for batch in batches)
        found = (self._store.local_file(key, self._scratch) for key in keys)
        return [path for path in found if path is not None]


def _rows_of(parts: list[Path], columns: dict[str, str]) -> str:
    """The rows of some parts as a subquery; without a part it has the columns alone."""
    if not parts:
        nothing = ", ".join(f"NULL::{kind} AS {quoted_name(key)}" for key, kind in columns.items())
        return f"(SELECT {nothing} WHERE false)"
    types = ", ".join(f"{quoted(key)}: {quoted(kind)}" for key, kind in columns.items())
    paths = ", ".join(map(quoted, parts))
    return (
        f"(FROM read_json([{paths}], columns = {{{types}}}, format = 'newline_delimited', "
        f"compression = 'gzip'))"
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


def _items(tables: DuckDBPyConnection, scratch: Path, info: RunInfo, *, pieces: _Pieces) -> Path:
    """Write the items, batch by batch and in each by row: a sort of whole pages would be dear."""
    fields = field_columns(info.sites)
    known = {name.lower() for name in fields}
    generic = {name: kind for name, kind in _GENERIC_COLUMNS.items() if name not in known}
    pieces.gather("items", "_row", {"_row": "BIGINT"} | ITEM_COLUMNS | fields | generic)
    without_rule = "SELECT count(*) FROM items_pieces WHERE site IS NULL"
    has_generic = (
        not fields or scalar(tables, without_rule) > 0 or keeps_generic_items(tables, info)
    )
    left_out = ["_row", *(() if has_generic else generic)]
    query = f"SELECT * EXCLUDE ({', '.join(map(quoted_name, left_out))}) FROM items_pieces"
    columns = ITEM_COLUMNS | fields | (generic if has_generic else {}) | info.columns
    query = with_former_items(tables, query, info=info, columns=columns)
    return _copy(tables, scratch / "items.parquet", query)


def _copy(
    tables: DuckDBPyConnection, path: Path, query: str, *, file_format: str = _PARQUET
) -> Path:
    execute(tables, f"COPY ({query}) TO {quoted(path)} (FORMAT {file_format})")
    return path
