"""The singletons of a process: what the batches of one event loop share.

A reusable container keeps its process, its loop and its workers over many batches and runs; the
local mode has one loop for all. A phase is done in the worker process of its partition, or here:
with one worker, and where a wave has but one partition, for which another process would be idle.
"""

import asyncio
from dataclasses import dataclass, field

from scraper.models import BatchJob, BatchResult, PhaseResult
from scraper.stopping import StopFlag
from scraper.workers.cores import workers_of
from scraper.workers.messages import Phase, PhaseAnswer
from scraper.workers.pool import WorkerPool
from scraper.workers.sessions import Sessions, added_up

__all__ = ["close_sessions", "new_run", "poll_batch", "stop_flag", "submit_batch", "tally"]


class _Shared:
    """What the batches of one loop share, under one stop flag."""

    def __init__(self, stop: StopFlag) -> None:
        self.sessions = Sessions(stop)
        self.workers = WorkerPool(stop)

    def tally(self) -> dict[str, int]:
        """What its sessions and workers have counted."""
        return added_up([self.sessions.tally(), self.workers.tally()])

    async def close(self, *, keep_used: bool = False) -> None:
        """Close what it has, or what nobody uses."""
        await self.sessions.close(keep_used=keep_used)
        await self.workers.close(keep_used=keep_used)


@dataclass(slots=True)
class _Runtime:
    """All that lives longer than a call."""

    stop: StopFlag = field(default_factory=StopFlag)
    shared: dict[tuple[asyncio.AbstractEventLoop, StopFlag], _Shared] = field(default_factory=dict)


_runtime = _Runtime()


def new_run() -> StopFlag:
    """Begin a run in this process: its stop flag, not yet set. Sessions of former runs go on."""
    _runtime.stop = StopFlag()
    return _runtime.stop


def stop_flag() -> StopFlag:
    """The flag that the running run looks at."""
    return _runtime.stop


def tally() -> dict[str, int]:
    """What sessions and workers have counted, for the progress line."""
    shared = list(_runtime.shared.values())
    return added_up(
        counts for one in shared for counts in (one.sessions.tally(), one.workers.tally())
    )


async def submit_batch(job: BatchJob) -> PhaseResult:
    """Do the first phase of a batch where it belongs.

    Raises:
        ConfigError: the store has no such run, or a mock is active that would be bypassed.
        StoreError: the store failed.
        WorkerDied: the worker process died; another attempt gets a new one.
    """
    result = await _run("submit", job)
    assert isinstance(result, PhaseResult)
    return result


async def poll_batch(job: BatchJob) -> BatchResult:
    """Do the second phase of a batch where it belongs. Raises: see `submit_batch`."""
    result = await _run("poll", job)
    assert isinstance(result, BatchResult)
    return result


async def close_sessions() -> None:
    """Close this loop's sessions and workers; those of loops that are gone are only forgotten."""
    loop = asyncio.get_running_loop()
    for key, shared in list(_runtime.shared.items()):
        if key[0] is loop or key[0].is_closed():
            del _runtime.shared[key]
        if key[0] is loop:
            await shared.close()


async def _run(phase: Phase, job: BatchJob) -> PhaseAnswer:
    shared = await _shared_here()
    info = await shared.sessions.info_of(job)
    workers = workers_of(info.settings.all.batch.workers)
    if workers == 1 or job.alone:
        return await shared.sessions.run(phase, job)
    return await shared.workers.run(phase, job, workers=workers)


async def _shared_here() -> _Shared:
    loop, stop = asyncio.get_running_loop(), _runtime.stop
    if (loop, stop) not in _runtime.shared:
        former = [shared for key, shared in _runtime.shared.items() if key[0] is loop]
        _runtime.shared[loop, stop] = _Shared(stop)
        for shared in former:
            await shared.close(keep_used=True)
    return _runtime.shared[loop, stop]
