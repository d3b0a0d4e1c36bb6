"""A former run's dataset, as the one that a later run goes out from.

In: a run that was made `again` from another one, and the store. Out: views over the former run's
own files, under the names that columns have now. A row's number is its place in the former run's
outcomes: those are the rows of the list, in its order, whatever runs they went through.

Raises `StoreError` when a file is gone or the store fails.
"""

from pathlib import Path

from duckdb import DuckDBPyConnection

from scraper.errors import StoreError
from scraper.layout import run_key
from scraper.plan.columns import OUTCOME_COLUMNS, named_anew
from scraper.run import RunInfo, load_run
from scraper.store import Store
from scraper.tables import quoted, quoted_name

__all__ = ["column_names", "former_file", "names_now", "view_former"]


def view_former(tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store) -> None:
    """Make the view `former`: the former run's outcomes, each with its `row`.

    Raises:
        StoreError: they are gone.
    """
    source = quoted(former_file(info, store, scratch, "outcomes.parquet"))
    there = column_names(tables, f"read_parquet({source})")
    columns = [quoted_name(name) for name in OUTCOME_COLUMNS if name in there]
    columns += [
        f"{quoted_name(known)} AS {quoted_name(now)}"
        for known, now in names_now(info, store).items()
    ]
    tables.execute(
        f"CREATE VIEW former AS SELECT file_row_number + 1 AS row, {', '.join(columns)} "
        f"FROM read_parquet({source}, file_row_number = true)"
    )


def names_now(info: RunInfo, store: Store) -> dict[str, str]:
    """The names that the seed columns have in this run, by those in the former one.

    Raises:
        StoreError: the former run is gone.
    """
    assert info.again is not None, "only such a run has a former one"
    former = load_run(store, info.again.former)
    if former is None:
        raise StoreError(f"store: {store.address(info.again.former)}: the former run is gone")
    return named_anew(former.columns, former.renamed, info.sites)


def former_file(info: RunInfo, store: Store, scratch: Path, name: str) -> Path:
    """A file of the former run.

    Raises:
        StoreError: it is gone.
    """
    assert info.again is not None, "only such a run has a former one"
    key = run_key(info.again.former, name)
    path = store.local_file(key, scratch)
    if path is None:
        raise StoreError(f"store: {store.address(key)}: the former run's file is gone")
    return path


def column_names(tables: DuckDBPyConnection, source: str) -> list[str]:
    """The names of a table's columns, in their order. Raises: nothing."""
    return [str(name) for name, *_ in tables.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
