"""Runs whose failed rows can be asked for again: which one a person means, how many rows it has.

In: a store and what a command line says: `CRAWL/RUN_ID`, or `CRAWL` for its newest finished run.

Raises `ConfigError` for a name that no run has; `StoreError`.
"""

from collections.abc import Sequence

from scraper.errors import ConfigError
from scraper.layout import run_key
from scraper.plan.retry import reasons_to_retry
from scraper.publish.commit import load_summary
from scraper.runs import State, list_runs, published_run
from scraper.store import Store

__all__ = ["count_to_retry", "newest_finished"]


def newest_finished(store: Store, name: str) -> str:
    """The run that a person means who wants to retry: `CRAWL/RUN_ID`, or `CRAWL`.

    Of a crawl it is the newest finished run, whether its gates held or not.

    Raises:
        ConfigError: there is no such run.
        StoreError: the store failed.
    """
    if "/" in name:
        return published_run(store, name)
    for state in list_runs(store, name):
        if state.state is not State.UNFINISHED:
            return run_key(state.crawl, state.run_id)
    raise ConfigError(f"{name} has no finished run; go on with it: scraper resume {name}")


def count_to_retry(store: Store, run: str, only: Sequence[str]) -> int:
    """How many rows of a run a retry asks for.

    Raises:
        ConfigError: a reason is none to retry.
        StoreError: the store failed.
    """
    reasons = reasons_to_retry(tuple(only))
    summary = load_summary(store, run)
    return sum(summary.reasons.get(reason, 0) for reason in reasons) if summary is not None else 0
