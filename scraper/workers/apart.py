"""Work over a whole list is done in a process of its own, so that its memory goes with it.

With one worker, or a short list, it is done here: a process takes half a second to start. Errors
come out as if it were done here; a process that is killed leaves a run that can go on.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from scraper.crawl import CrawlSpec
from scraper.errors import ScraperError
from scraper.listsource import ListSource
from scraper.plan.cut import Wave
from scraper.plan.lists import Inputs
from scraper.plan.prepare import prepare
from scraper.plan.waves import leaves_nothing_over, next_wave
from scraper.publish.commit import publish
from scraper.publish.summary import Summary
from scraper.run import RunInfo
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.workers.apart_work import Done, NextWave, Plan, Publish, Work
from scraper.workers.cores import workers_of
from scraper.workers.messages import Stop
from scraper.workers.process import Child, ChildEnded, start_child

__all__ = ["next_wave_apart", "prepare_apart", "publish_apart"]

_SHORT_BYTES = 2_097_152
_SHORT_ROWS = 20_000
_END_S = 2.0


def prepare_apart(
    spec: CrawlSpec, store: Store, run_id: str, *, at: datetime, inputs: Inputs | None = None
) -> RunInfo:
    """Plan a new run; see `prepare`.

    Raises:
        Stopped: the stop flag was set; the run isn't planned.
        ScraperError: see `prepare`; or the process was killed.
    """
    known = inputs or Inputs()
    can_be = known.transport is None and known.stdin is None
    is_long = sum(_bytes_of(spec)) > _SHORT_BYTES
    if not (can_be and is_long and _has_workers(spec.settings.all.batch.workers)):
        return prepare(spec, store, run_id, at=at, inputs=inputs)
    work = Plan(spec=spec, store=store.url, run_id=run_id, at=at)
    found = _do(work, known.stop or StopFlag())
    assert isinstance(found, RunInfo)
    return found


def next_wave_apart(info: RunInfo, store: Store, wave: Wave) -> Wave | None:
    """Plan what a finished wave left over; see `next_wave`.

    Raises:
        ScraperError: the store failed, or the process was killed.
    """
    # Workers live while this is told: most runs end here, without a process beside them.
    if leaves_nothing_over(info, store, wave):
        return None
    if _is_short(info):
        return next_wave(info, store, wave)
    found = _do(NextWave(info=info, store=store.url, wave=wave), StopFlag())
    assert found is None or isinstance(found, Wave)
    return found


def publish_apart(info: RunInfo, store: Store, waves: list[Wave], *, stop: StopFlag) -> Summary:
    """Publish a run; see `publish`.

    Raises:
        Stopped: the stop flag was set; nothing is published.
        ScraperError: see `publish`; or the process was killed.
    """
    if _is_short(info):
        return publish(info, store, waves, stop=stop)
    found = _do(Publish(info=info, store=store.url, waves=waves), stop)
    assert isinstance(found, Summary)
    return found


def _is_short(info: RunInfo) -> bool:
    return info.rows <= _SHORT_ROWS or not _has_workers(info.settings.all.batch.workers)


def _has_workers(setting: int | None) -> bool:
    return workers_of(setting) > 1


def _bytes_of(spec: CrawlSpec) -> Iterator[int]:
    """The sizes of the lists that are files; one at a URL may be of any."""
    for source in spec.lists:
        if isinstance(source, tuple):
            continue
        given = source if isinstance(source, ListSource) else ListSource(source=source)
        path = given.path or Path(given.source)
        # What can't be read is told by who reads it.
        yield path.stat().st_size if path.is_file() else 0


def _do(work: Work, stop: StopFlag) -> object:
    """Do it in a process of its own, and wait for that in this thread, which has no loop."""
    done = asyncio.run(_done(work, stop))
    if done.error is not None:
        raise done.error
    return done.value


async def _done(work: Work, stop: StopFlag) -> Done:
    child = await start_child("scraper.workers.apart_main")
    telling = asyncio.create_task(_tell_stop(child, stop))
    try:
        child.send(work)
        done = await child.receive()
    except ChildEnded as ended:
        name = type(work).__name__.lower()
        raise ScraperError(f"the process of its own ({name}) ended under way: {ended}") from ended
    finally:
        telling.cancel()
        await asyncio.wait([telling])
        await child.end(grace_s=_END_S)
    assert isinstance(done, Done)
    return done


async def _tell_stop(child: Child, stop: StopFlag) -> None:
    await stop.wait()
    child.send(Stop())
