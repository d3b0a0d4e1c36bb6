"""The orchestrator: plans a crawl, runs its partitions side by side, publishes its dataset.

    flyte run --local workflows/crawl.py crawl --request '{"seeds": "seeds/practice-sites.txt"}'

Batches of one partition follow one another, so that the throttle of the process that has one is
the limit for its hosts. A batch that crashed on every attempt costs its rows, never the run.
"""

import asyncio
import builtins
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import flyte
import flyte.errors
import flyte.report

from scraper.again import spec_of
from scraper.batch import done_result, write_crashed
from scraper.errors import ConfigError, LeaseHeld, ScraperError, StoreError
from scraper.layout import run_key
from scraper.models import BatchJob, BatchResult
from scraper.plan.cut import Wave, load_wave
from scraper.publish.notify import send_notice
from scraper.run import CODE_VERSION, RunInfo, check_run_id, new_run_id
from scraper.stopping import Stopped
from scraper.store import Store
from scraper.store_open import writable_store
from scraper.takeup import TakenUp, Taker, begin_run, go_on_with
from scraper.workers.apart import next_wave_apart, prepare_apart, publish_apart
from scraper.workers.cores import workers_of
from workflows.batch import scrape_batch
from workflows.environments import BACKOFF, CRAWL_TIMEOUT, cluster, crawl_env
from workflows.failures import not_again
from workflows.released import Held, giving_back
from workflows.request import CrawlRequest, CrawlResult
from workflows.runtime import close_sessions, stop_flag

__all__ = ["crawl"]

_LOOK_S = 10.0
"""How often a run that waits for its turn looks whether the other one is over."""

_NEVER_RAN = {"RuntimeSystemError", "SlowDownError"}
"""How the SDK's controller names a batch that it could not hand over: the platform's trouble."""


@crawl_env.task(
    retries=flyte.RetryStrategy(count=cluster.crawl_retries, backoff=BACKOFF),
    timeout=CRAWL_TIMEOUT,
    report=True,
)
async def crawl(request: CrawlRequest) -> CrawlResult:
    """Run one crawl from its list to its published dataset."""
    try:
        async with giving_back() as held:
            taken = await _take_up_in_turn(request, held)
            async with _stopped_in_time(request.deadline_s):
                return await _run(taken)
    except LeaseHeld as error:
        if request.overlap != "skip":
            raise not_again(error) from error
        return CrawlResult(run=request.run(_run_id(request)), summary=None, warnings=(str(error),))
    except Stopped:
        # While it was planned: it is planned again when it goes on.
        return CrawlResult(run=request.run(_run_id(request)), summary=None)
    except ScraperError as error:
        raise not_again(error) from error
    finally:
        await close_sessions()


async def _take_up_in_turn(request: CrawlRequest, held: Held) -> TakenUp:
    """Begin the run, or go on with it, once no other run of the crawl is alive, if it may wait.

    Raises:
        LeaseHeld: it may not.
        ScraperError: see `begin_run`.
    """
    while True:
        try:
            return await asyncio.to_thread(_take_up, request, held)
        except LeaseHeld:
            if request.overlap != "queue":
                raise
        await stop_flag().sleep(_LOOK_S)


@asynccontextmanager
async def _stopped_in_time(deadline_s: float | None) -> AsyncIterator[None]:
    """Set the stop flag when the time is over."""
    if deadline_s is None:
        yield
        return
    timer = asyncio.get_running_loop().call_later(deadline_s, stop_flag().set)
    try:
        yield
    finally:
        timer.cancel()


async def _run(taken: TakenUp) -> CrawlResult:
    info, store = taken.info, taken.store
    waves = await _run_waves(info, store)
    # Lost, it stopped the waves too: then the run is another's.
    await asyncio.to_thread(taken.lease.check)
    stopped = CrawlResult(run=info.run, summary=None)
    if waves is None:
        return stopped
    # The tables that publishing makes need the memory.
    await close_sessions()
    try:
        summary = await asyncio.to_thread(publish_apart, info, store, waves, stop=stop_flag())
    except Stopped:
        return stopped
    report = await asyncio.to_thread(store.get, run_key(info.run, "report.html"))
    await flyte.report.replace.aio((report or b"").decode(), do_flush=True)
    warnings = await send_notice(info, store, summary)
    context = flyte.ctx()
    # At home the command tells them.
    for warning in warnings if context is not None and context.mode == "remote" else ():
        flyte.logger.warning("%s: run=%s", warning, info.run)
    return CrawlResult(run=info.run, summary=summary, warnings=warnings)


def _take_up(request: CrawlRequest, held: Held) -> TakenUp:
    """Begin the run that is asked for, or go on with it."""
    context = flyte.ctx()
    owner = None
    if context is not None and context.mode == "remote":
        # The same for every attempt of this orchestrator: the next one need not wait.
        owner = f"{context.action.run_name}/{context.action.name}"
    taker = Taker(
        stop=stop_flag(),
        owner=owner,
        stdin=sys.stdin.buffer,
        prepare=prepare_apart,
        on_lease=held.hold,
    )
    url = request.store_url(os.environ)
    if request.seeds is None and request.kind == "run":
        run = f"{request.crawl}/{check_run_id(str(request.run_id))}"
        return go_on_with(run, store=writable_store(url), taker=taker)
    asked, run_id = request.asked(os.environ), _run_id(request)
    # What is wrong with a list is told before the store is touched.
    spec = asked.spec() if asked.again is None else spec_of(asked, writable_store(url))
    workers_of(spec.settings.all.batch.workers)
    return begin_run(asked, spec, store=writable_store(url), run_id=run_id, taker=taker)


def _run_id(request: CrawlRequest) -> str:
    """The run's id, the same on every attempt of the orchestrator."""
    context = flyte.ctx()
    at = context.run_start_time if context is not None else None
    name = context.action.run_name if context is not None else None
    return check_run_id(request.run_id or new_run_id(at or datetime.now(UTC), name or ""))


async def _run_waves(info: RunInfo, store: Store) -> list[Wave] | None:
    """Run wave after wave until nothing is left over; none if the run was stopped."""
    waves: list[Wave] = []
    wave = await asyncio.to_thread(load_wave, store, info.run, 1)
    bound = asyncio.Semaphore(info.settings.all.batch.max_in_flight)
    while wave is not None:
        waves.append(wave)
        with flyte.group(f"wave-{wave.number}"):
            await _side_by_side(
                _run_partition(ids, info, store, bound=bound, alone=wave.is_alone)
                for ids in wave.partitions()
            )
        if stop_flag().is_set:
            return None
        wave = await asyncio.to_thread(next_wave_apart, info, store, wave)
    return waves


async def _side_by_side(work: Iterable[Coroutine[None, None, None]]) -> None:
    """Do all of it at once; the first failure ends the rest, and is what is told."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _run_partition(
    ids: list[str], info: RunInfo, store: Store, *, bound: asyncio.Semaphore, alone: bool
) -> None:
    """Run the batches of one partition one after another."""
    for batch in ids:
        async with bound:
            if stop_flag().is_set:
                return
            job = BatchJob(
                store=store.url, run=info.run, batch=batch, alone=alone, code_version=CODE_VERSION
            )
            await _run_batch(job, store)


async def _run_batch(job: BatchJob, store: Store) -> BatchResult:
    """Run one batch; one that crashed on every attempt is accounted for as crashed."""
    done = await asyncio.to_thread(done_result, store, job)
    if done is not None:
        return done
    try:
        return await scrape_batch(job)
    except flyte.errors.BaseRuntimeError as error:
        if error.code == "ConfigError":
            raise ConfigError(str(error)) from error
        if _is_trouble_of_our_own(error.code):
            raise StoreError(str(error)) from error
        if isinstance(error, flyte.errors.ActionAbortedError) or error.code in _NEVER_RAN:
            # Its rows are to blame for nothing. Another attempt would find it aborted, or those
            # that this failure aborts: only another run can go on.
            raise flyte.errors.NonRecoverableError(str(error), code=error.code) from error
        flyte.logger.error("batch failed on every attempt: batch=%s error=%s", job.batch, error)
        return await asyncio.to_thread(write_crashed, store, job)


def _is_trouble_of_our_own(code: str) -> bool:
    """Whether an error's name says that disk, store or descriptors failed us, not the batch."""
    known = getattr(builtins, code, None)
    is_os_error = isinstance(known, type) and issubclass(known, OSError | MemoryError)
    return is_os_error or code in {"StoreError", "IOException", "OutOfMemoryException"}
