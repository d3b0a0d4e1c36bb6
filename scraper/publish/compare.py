"""A run's dataset is made whole, compared with the last published one, and remembered.

In: the files and tables of `scraper.publish.dataset`. Out: the run's files, `changes.parquet` among
them where there is a former run, and the file of its state. Raises `StoreError`, and what DuckDB
raises.
"""

from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from scraper.layout import run_key
from scraper.publish.carry import carry_forward
from scraper.publish.changes import Dataset, count_changes, write_changes
from scraper.publish.remember import write_state
from scraper.publish.rowfacts import make_facts, make_keys
from scraper.publish.streams import rows_of_file
from scraper.run import RunInfo, load_run
from scraper.store import Store

__all__ = ["Whole", "dataset_of", "made_whole"]

Files = dict[str, Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A complete dataset: the run's files by name, its state, how many URLs changed, if known."""

    files: Files
    state: Path
    changes: dict[str, int] | None


def made_whole(
    tables: DuckDBPyConnection,
    scratch: Path,
    *,
    files: Files,
    info: RunInfo,
    store: Store,
    batches: list[str],
) -> Whole:
    """Carry forward what is as it was, tell what changed, note what the next run will need.

    Raises:
        StoreError: the store failed, or what unchanged pages had is gone.
    """
    make_keys(tables, scratch, info=info, store=store, batches=batches)
    make_facts(tables, scratch, info=info, store=store, batches=batches)
    files = carry_forward(tables, scratch, files=files, info=info, store=store)
    state, counts = write_state(tables, scratch, info=info), None
    before = None if info.baseline is None else _baseline(info, store, scratch)
    if before is not None:
        after = dataset_of(info, files["outcomes.parquet"], files["items.parquet"])
        path = write_changes(tables, scratch, before=before, after=after)
        counts = count_changes(tables, path)
        tables.execute(f"CREATE VIEW changes AS FROM {rows_of_file(path)}")
        files = files | {"changes.parquet": path}
    return Whole(files=files, state=state, changes=counts)


def dataset_of(info: RunInfo, outcomes: Path, items: Path) -> Dataset:
    """A run's dataset, from its local files. Raises: nothing."""
    return Dataset(
        run_id=info.run_id,
        outcomes=outcomes,
        items=items,
        sites=info.sites,
        columns=frozenset(info.columns),
        canonical=info.settings.all.plan.canonical,
        baseline=info.baseline,
    )


def _baseline(info: RunInfo, store: Store, scratch: Path) -> Dataset | None:
    """The dataset that a run is compared with; none if it was removed since the run began."""
    run = run_key(info.crawl, info.baseline or "")
    former = load_run(store, run)
    outcomes = store.local_file(run_key(run, "outcomes.parquet"), scratch)
    items = store.local_file(run_key(run, "items.parquet"), scratch)
    if former is None or outcomes is None or items is None:
        return None
    return dataset_of(former, outcomes, items)
