"""Runs that can go on: those that were asked for and aren't finished.

In: a store and what a person says: `CRAWL/RUN_ID`, or `CRAWL` for its newest unfinished run. A run
that died while it was planned counts: what it was asked is all that it needs.

Raises `ConfigError` for a name that no run has, with the nearest one; `StoreError`.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from scraper.asked import load_request
from scraper.errors import ConfigError
from scraper.layout import run_key
from scraper.publish.commit import is_finished
from scraper.run import load_run
from scraper.runs import find_run
from scraper.store import Store

__all__ = ["can_go_on", "newest_unfinished", "run_to_go_on"]

_READERS = 16
"""An object store answers each of many small reads late, but all of them at once."""


def can_go_on(store: Store, run: str) -> bool:
    """Whether a run was ever asked for, and isn't finished.

    Raises:
        ConfigError: it was made by another version.
        StoreError: the store failed.
    """
    info = load_run(store, run)
    if info is not None:
        return not is_finished(info, store)
    return load_request(store, run) is not None


def newest_unfinished(
    store: Store, crawl: str, *, but: str | None = None, of_newest: int | None = None
) -> str | None:
    """The run of a crawl that began last of those that can go on; none if none can.

    Args:
        store: where the crawl lives.
        crawl: its name.
        but: a run that doesn't count.
        of_newest: look at so many runs only, whose names come last: run ids sort by time.

    Raises:
        StoreError: the store failed.
    """
    runs = [
        run for run in (run_key(crawl, run_id) for run_id in store.folders(crawl)) if run != but
    ]
    runs = runs[-of_newest:] if of_newest is not None else runs
    with ThreadPoolExecutor(_READERS) as readers:
        began = list(readers.map(lambda run: _began_at(store, run), runs))
    unfinished = [(at, run) for at, run in zip(began, runs, strict=True) if at is not None]
    return max(unfinished)[1] if unfinished else None


def run_to_go_on(store: Store, name: str) -> str:
    """The run that a person means who wants to go on.

    Raises:
        ConfigError: there is no such run, or no run of the crawl is unfinished.
        StoreError: the store failed.
    """
    crawl, slash, run_id = name.partition("/")
    if not {crawl, run_id} & {".", ".."} and crawl and "/" not in run_id:
        if slash and run_id and load_request(store, name) is not None:
            return name
        newest = newest_unfinished(store, crawl) if not slash else None
        if newest is not None:
            return newest
    # A run of an earlier version; the latest one, which is finished; or a name that is wrong.
    return find_run(store, name)


def _began_at(store: Store, run: str) -> datetime | None:
    """When a run began that can go on."""
    try:
        info = load_run(store, run)
        if info is not None:
            return None if is_finished(info, store) else info.created_at
        request = load_request(store, run)
    except ConfigError:
        # Of another version: who names it is told why it can't go on.
        return None
    return request[1] if request is not None else None
