"""A run is taken up: its lease taken, its life counted, and planned unless it is planned already.

In: what is asked for, or the run that shall go on; the store; who does it. Out: a `TakenUp` run
whose lease is held. What is wrong with the input leaves nothing behind. Whatever else ends a life
early leaves a run that can be taken up again: nothing but its own files is needed for that.

Raises `LeaseHeld` when another run of the crawl is alive.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from scraper.again import spec_of
from scraper.asked import Asked, load_request, save_request
from scraper.crawl import STDIN, CrawlSpec
from scraper.errors import ConfigError
from scraper.layout import run_key
from scraper.lease import Lease, take_lease
from scraper.plan.again import prepare_again
from scraper.plan.lists import Inputs
from scraper.plan.prepare import check_same_run, prepare
from scraper.run import RunInfo, adopt_workers, begin_life, load_run
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.uploads import lists_here, upload_keys, upload_stdin

__all__ = ["TakenUp", "Taker", "begin_run", "go_on_with"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """Who takes a run up. `owner` is the same for all attempts of one orchestrator.

    `stop` is looked at while the run is planned, and set when its lease is lost. `prepare` plans
    it, here or in a process of its own. `on_lease` gets the lease before that.
    """

    stop: StopFlag = field(default_factory=StopFlag)
    owner: str | None = None
    stdin: BinaryIO | None = None
    prepare: Callable[..., RunInfo] = prepare
    on_lease: Callable[[Lease], None] = lambda _lease: None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenUp:
    """A planned run, ours until its lease is released."""

    info: RunInfo
    store: Store
    lease: Lease


def begin_run(asked: Asked, spec: CrawlSpec, *, store: Store, run_id: str, taker: Taker) -> TakenUp:
    """Begin a run, or go on with one that was asked for in the same way.

    Raises:
        ConfigError: a list or a setting is wrong, or differs from that of the run that is there.
        LeaseHeld: another run of the crawl is alive.
        ScraperError: a list can't be had now.
        StoreError: the store failed.
        Stopped: the stop flag was set.
    """
    run = run_key(spec.crawl, run_id)
    with ExitStack() as on_error:
        lease = on_error.enter_context(_lease(store, run, taker))
        store.sweep(run)
        info = load_run(store, run)
        if info is None:
            info = _begun(asked, spec, store=store, run=run, taker=taker)
        else:
            _check_same(info, asked, spec, store=store)
            info = adopt_workers(info, spec.settings, store)
            begin_life(store, run)
        on_error.pop_all()
        return TakenUp(info=info, store=store, lease=lease)


def go_on_with(run: str, *, store: Store, taker: Taker) -> TakenUp:
    """Go on with a run as it was asked for, whatever files and settings are now.

    Raises:
        ConfigError: there is no such run; or it was not yet planned, and its list is gone.
        LeaseHeld: another run of the crawl is alive, or this one.
        ScraperError: a list can't be had now.
        StoreError: the store failed.
        Stopped: the stop flag was set.
    """
    if load_run(store, run) is None and load_request(store, run) is None:
        raise ConfigError(f"{store.address(run)}: no such run")
    with ExitStack() as on_error:
        lease = on_error.enter_context(_lease(store, run, taker))
        store.sweep(run)
        begin_life(store, run)
        info = load_run(store, run)
        if info is None:
            info = _planned_again(store, run, taker)
        on_error.pop_all()
        return TakenUp(info=info, store=store, lease=lease)


def _lease(store: Store, run: str, taker: Taker) -> Lease:
    lease = take_lease(store, run, owner=taker.owner, on_lost=taker.stop.set)
    taker.on_lease(lease)
    return lease


def _begun(asked: Asked, spec: CrawlSpec, *, store: Store, run: str, taker: Taker) -> RunInfo:
    """Plan a run that never was planned to the end: what was asked before counts no more."""
    life = begin_life(store, run)
    former = load_request(store, run)
    at = former[1] if former is not None else datetime.now(UTC)
    _drop_plan(store, run, asked)
    try:
        kept = asked.as_kept(spec.crawl)
        if asked.seeds == STDIN and not kept.uploads:
            assert taker.stdin is not None, "a list from stdin needs the stream"
            kept = replace(kept, uploads=upload_stdin(store, run, taker.stdin))
        save_request(store, run, kept, at=at)
        return _planned(kept, spec, store=store, run=run, at=at, taker=taker)
    except ConfigError:
        if life == 0:
            store.delete(*store.list(run))
        raise


def _planned_again(store: Store, run: str, taker: Taker) -> RunInfo:
    request = load_request(store, run)
    assert request is not None, "it was there before the lease was taken"
    asked, at = request
    _drop_plan(store, run, asked)
    return _planned(asked, spec_of(asked, store), store=store, run=run, at=at, taker=taker)


def _check_same(info: RunInfo, asked: Asked, spec: CrawlSpec, *, store: Store) -> None:
    copies = upload_keys(info.run, asked.uploads)
    if any(store.head(copy) is None for copy in copies):
        # Another attempt of who asked for it: the lists are in the run's plan.
        return
    with TemporaryDirectory() as scratch:
        check_same_run(info, _here(spec, asked, store=store, run=info.run, scratch=scratch))
    store.delete(*copies)


def _drop_plan(store: Store, run: str, asked: Asked) -> None:
    """Take away what a life left that died while it planned: its list may have had more parts."""
    uploads = upload_keys(run, asked.uploads)
    kept = (run_key(run, "lives/"), run_key(run, "request.json"), *uploads)
    store.delete(*(key for key in store.list(run) if not key.startswith(kept)))


def _planned(
    asked: Asked, spec: CrawlSpec, *, store: Store, run: str, at: datetime, taker: Taker
) -> RunInfo:
    run_id = run.partition("/")[2]
    if spec.again is not None:
        return prepare_again(spec, store, run_id, at=at, stop=taker.stop)
    with TemporaryDirectory() as scratch:
        here = _here(spec, asked, store=store, run=run, scratch=scratch)
        info = taker.prepare(here, store, run_id, at=at, inputs=Inputs(stop=taker.stop))
    # They are in the run's snapshots now.
    store.delete(*upload_keys(run, asked.uploads))
    return info


def _here(spec: CrawlSpec, asked: Asked, *, store: Store, run: str, scratch: str) -> CrawlSpec:
    return lists_here(spec, asked.uploads, store=store, run=run, scratch=Path(scratch))
