"""Prune: which runs and archives of a crawl may go, and their going.

In: a store, a crawl, how much to keep. Out: a `Pruning` that says what would go, and its deletion.
Never dropped: the latest run, what it goes out from, run by run, and the runs that fetched the
pages which its state remembers; what an unfinished run goes
out from; a run that is alive. A run goes whole, its `run.json` last but one: what is killed in
between is still in the list of runs, or a rest that the next pruning takes away.

Raises `ConfigError` when nothing says what to keep, `StoreError`. Sizes are in bytes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scraper.errors import ConfigError
from scraper.layout import is_archive, run_key, state_key
from scraper.run import load_run
from scraper.runs import RunState, State, list_runs
from scraper.settings_table import Retention
from scraper.state import fetched_runs
from scraper.store import Store

__all__ = ["Dropped", "Pruning", "check_says_anything", "plan_pruning", "prune", "retention_of"]

_LAST = ("request.json", "run.json", "summary.json")
"""The files that a run is known by: they go last, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """What goes of one run: all of it, or its archives alone."""

    run: str
    what: str
    bytes: int
    keys: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What goes of one crawl, the oldest runs first."""

    crawl: str
    dropped: tuple[Dropped, ...]

    @property
    def bytes(self) -> int:
        """How much goes in all."""
        return sum(one.bytes for one in self.dropped)


def retention_of(store: Store, crawl: str) -> Retention:
    """What a crawl's latest run was set to keep, or its newest one. Raises: see `list_runs`."""
    states = list_runs(store, crawl)
    chosen = next((state for state in states if state.state is State.LATEST), states[0])
    info = load_run(store, run_key(crawl, chosen.run_id))
    return info.settings.all.retention if info is not None else Retention()


def plan_pruning(
    store: Store,
    crawl: str,
    retention: Retention,
    *,
    now: datetime,
    unfinished: bool = False,
) -> Pruning:
    """Say what may go; nothing goes yet.

    Args:
        store: where the crawl lives.
        crawl: its name.
        retention: how much is kept. With neither runs nor days all datasets are.
        now: what ages are counted from.
        unfinished: drop the unfinished runs too: only while no run of the crawl is alive.

    Raises:
        ConfigError: there is no such crawl, or a run of it is of another version.
        StoreError: the store failed.
    """
    states = list_runs(store, crawl)
    needed = _needed(store, crawl, states, unfinished=unfinished)
    finished = [state for state in states if state.state is not State.UNFINISHED]
    gone = {state.run_id for state in finished if not _is_kept(state, finished, retention, now)}
    if unfinished:
        gone |= {state.run_id for state in states if state.state is State.UNFINISHED}
        gone |= set(_asked_only(store, crawl, states))
    gone |= set(_rests(store, crawl, states))
    bare: set[str] = set()
    if retention.archives_keep_runs is not None:
        bare = {state.run_id for state in finished[retention.archives_keep_runs :]}
    dropped = [*_dropped(store, crawl, gone - needed, bare - gone - needed)]
    return Pruning(crawl=crawl, dropped=tuple(sorted(dropped, key=lambda one: one.run)))


def prune(store: Store, pruning: Pruning) -> None:
    """Let go what a plan says. Raises: `StoreError`."""
    for one in pruning.dropped:
        store.delete(*one.keys)


def check_says_anything(retention: Retention, *, unfinished: bool) -> None:
    """Refuse to prune when nothing says what to keep.

    Raises:
        ConfigError: nothing does.
    """
    limits = (retention.keep_runs, retention.keep_days, retention.archives_keep_runs)
    if not unfinished and all(limit is None for limit in limits):
        raise ConfigError(
            "nothing says what to keep: --keep-runs, --keep-days, --archives-keep-runs, or "
            "retention in the crawl file"
        )


def _is_kept(
    state: RunState, finished: list[RunState], retention: Retention, now: datetime
) -> bool:
    """Whether a finished run is among the newest, or young enough; without limits all are."""
    if retention.keep_runs is None and retention.keep_days is None:
        return True
    newest = finished[: retention.keep_runs or 0]
    days = retention.keep_days or 0
    return state in newest or (now - state.began_at) <= timedelta(days=days)


def _needed(store: Store, crawl: str, states: list[RunState], *, unfinished: bool) -> set[str]:
    """The runs that others stand on: the latest one, unfinished ones, and what they go out from."""
    bases = {State.LATEST} if unfinished else {State.LATEST, State.UNFINISHED}
    needed: set[str] = set()
    for state in states:
        if state.state in bases:
            needed |= set(_chain(store, run_key(crawl, state.run_id)))
        if state.state is State.LATEST:
            for run_id in fetched_runs(store, crawl, state.run_id):
                needed |= set(_chain(store, run_key(crawl, run_id)))
        elif state.state in bases:
            needed |= set(_baseline(store, run_key(crawl, state.run_id)))
    return needed


def _chain(store: Store, run: str | None) -> Iterator[str]:
    """A run's id, and the ids of the runs that it goes out from."""
    while run is not None:
        yield run.partition("/")[2]
        info = load_run(store, run)
        run = info.again.former if info is not None and info.again is not None else None


def _baseline(store: Store, run: str) -> Iterator[str]:
    """The run that an unfinished one is compared with, and whose items it will carry."""
    info = load_run(store, run)
    if info is not None and info.baseline is not None:
        yield info.baseline


def _others(store: Store, crawl: str, states: Iterable[RunState]) -> Iterator[str]:
    known = {state.run_id for state in states}
    yield from (name for name in store.folders(crawl) if name not in known)


def _asked_only(store: Store, crawl: str, states: Iterable[RunState]) -> Iterator[str]:
    """Runs that died before they were planned."""
    for name in _others(store, crawl, states):
        if store.head(run_key(run_key(crawl, name), "request.json")) is not None:
            yield name


def _rests(store: Store, crawl: str, states: Iterable[RunState]) -> Iterator[str]:
    """What a pruning left that was killed: a summary without its run."""
    for name in _others(store, crawl, states):
        run = run_key(crawl, name)
        has = {file: store.head(run_key(run, file)) is not None for file in _LAST}
        if has["summary.json"] and not has["run.json"]:
            yield name


def _dropped(
    store: Store, crawl: str, gone: Iterable[str], bare: Iterable[str]
) -> Iterator[Dropped]:
    for run_id in gone:
        run = run_key(crawl, run_id)
        sizes = store.sizes(run)
        last = [run_key(run, name) for name in _LAST if run_key(run, name) in sizes]
        known = state_key(crawl, run_id)
        remembered = () if store.head(known) is None else (known,)
        keys = (*remembered, *(key for key in sizes if key not in last), *last)
        yield Dropped(run=run, what="run", bytes=sum(sizes.values()), keys=keys)
    for run_id in bare:
        run = run_key(crawl, run_id)
        sizes = store.sizes(run_key(run, "batches"))
        keys = tuple(filter(is_archive, sizes))
        if keys:
            size = sum(sizes[key] for key in keys)
            yield Dropped(run=run, what="archives", bytes=size, keys=keys)
