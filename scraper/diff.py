"""What changed in a run, or between two runs: found in the store, or compared anew.

In: a store, one run or two. Out: a local file of changes, how many URLs there are of each kind, the
first rows. One run is compared with the published run that it followed, as it was when it was
published; two are compared now, the first as the earlier.

Raises `ConfigError` for runs that can't be compared, `StoreError` when they can't be read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from scraper.errors import ConfigError, StoreError
from scraper.layout import run_key
from scraper.publish.changes import Dataset, count_changes, write_changes
from scraper.publish.compare import dataset_of
from scraper.publish.streams import rows_of_file
from scraper.run import load_run
from scraper.store import Store
from scraper.tables import open_tables

__all__ = ["Change", "Changes", "compared"]

_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row of changes; long values are cut."""

    url: str
    kind: str
    field: str | None
    item: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed: from which run to which, in which file, how many URLs of each kind."""

    before: str
    after: str
    counts: dict[str, int]
    path: Path
    tables: DuckDBPyConnection

    def first(self, count: int) -> list[Change]:
        """The first rows. Raises: `duckdb.Error`."""
        texts = f"left(before, {_TEXT}), left(after, {_TEXT})"
        found = self.tables.execute(
            f"SELECT url, kind, field, item, {texts} FROM {rows_of_file(self.path)} LIMIT {count}"
        )
        names = ("url", "kind", "field", "item", "before", "after")
        return [Change(**dict(zip(names, row, strict=True))) for row in found.fetchall()]

    @property
    def rows(self) -> int:
        """How many rows there are. Raises: `duckdb.Error`."""
        found = self.tables.execute(f"SELECT count(*) FROM {rows_of_file(self.path)}").fetchone()
        return int(found[0]) if found is not None else 0


@contextmanager
def compared(store: Store, run: str, later: str | None = None) -> Iterator[Changes]:
    """Say what changed in a run, or from a run to a later one.

    Args:
        store: where they are.
        run: a published run.
        later: another one.

    Raises:
        ConfigError: the run has no former one.
        StoreError: something can't be read.
    """
    with open_tables() as (tables, scratch):
        try:
            if later is None:
                yield _kept(tables, scratch, store, run)
            else:
                yield _made(tables, scratch, store, run, later)
        except duckdb.Error as error:
            first_line = str(error).split("\n", 1)[0]
            raise StoreError(f"{store.address(later or run)}: {first_line}") from error


def _kept(tables: DuckDBPyConnection, scratch: Path, store: Store, run: str) -> Changes:
    info = load_run(store, run)
    path = store.local_file(run_key(run, "changes.parquet"), scratch)
    if path is None or info is None or info.baseline is None:
        raise ConfigError(
            f"{run} has no changes: there was no published run to compare it with; "
            "two runs are compared with: scraper diff RUN RUN"
        )
    former = run_key(info.crawl, info.baseline)
    counts = count_changes(tables, path)
    return Changes(before=former, after=run, counts=counts, path=path, tables=tables)


def _made(tables: DuckDBPyConnection, scratch: Path, store: Store, run: str, later: str) -> Changes:
    before, after = (_dataset(store, one, scratch) for one in (run, later))
    path = write_changes(tables, scratch, before=before, after=after)
    counts = count_changes(tables, path)
    return Changes(before=run, after=later, counts=counts, path=path, tables=tables)


def _dataset(store: Store, run: str, scratch: Path) -> Dataset:
    info = load_run(store, run)
    outcomes = store.local_file(run_key(run, "outcomes.parquet"), scratch)
    items = store.local_file(run_key(run, "items.parquet"), scratch)
    if info is None or outcomes is None or items is None:
        raise StoreError(f"{store.address(run)}: its dataset is gone")
    return dataset_of(info, outcomes, items)
