"""The worker processes of a run: each partition is pinned to one of them.

Started when a batch first needs one, kept until the pool is closed. One that dies (out of memory,
killed) fails the batches that were in it: tried again, they get a new one. A batch under which
workers died twice goes into one of its own, so that it takes no other batch along.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scraper.layout import partition_of
from scraper.models import BatchJob, BatchResult, PhaseResult
from scraper.stopping import StopFlag, Stopped
from scraper.workers.messages import Phase, PhaseAnswer
from scraper.workers.sessions import added_up
from scraper.workers.worker import Worker, WorkerDied, start_worker

__all__ = ["WorkerPool"]

_DEATHS_IN_COMPANY = 2
_ALONE_AT_ONCE = 4


class WorkerPool:
    """The workers of the running loop.

    Args:
        stop: when it is set the workers are told, and none is started any more.
    """

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self._workers: dict[int, Worker] = {}
        self._alone: set[Worker] = set()
        self._starting: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._places_alone = asyncio.Semaphore(_ALONE_AT_ONCE)
        self._deaths: Counter[BatchJob] = Counter()
        self._past: list[dict[str, int]] = []
        self._telling: asyncio.Task[None] | None = None

    async def run(self, phase: Phase, job: BatchJob, *, workers: int) -> PhaseAnswer:
        """Do a phase of a batch in the worker of its partition, one of so many.

        Raises:
            WorkerDied: the worker died; another attempt gets a new one.
            OSError: no worker can be started.
            Exception: what the phase raised there.
        """
        if self._stop.is_set:
            return _stopped(phase, job)
        is_alone = self._deaths[job] >= _DEATHS_IN_COMPANY
        slot = (int(partition_of(job.batch).rsplit("-", 1)[1]) - 1) % workers
        try:
            async with self._own() if is_alone else self._shared(slot) as worker:
                return await worker.call(phase, job)
        except WorkerDied:
            if self._stop.is_set:
                return _stopped(phase, job)
            self._deaths[job] += 1
            raise

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that are there."""
        return [worker.pid for worker in self._all() if not worker.is_gone]

    def tally(self) -> dict[str, int]:
        """What the workers have counted, those that died too."""
        return added_up([*self._past, *(worker.tally for worker in self._all())])

    async def close(self, *, keep_used: bool = False) -> None:
        """End the workers, unless they are to be kept because somebody waits for one."""
        workers = self._all()
        if keep_used and not all(worker.is_idle for worker in workers):
            return
        self._workers.clear()
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait([self._telling])
            self._telling = None
        await asyncio.gather(*(worker.close() for worker in workers))

    def _all(self) -> list[Worker]:
        return [*self._workers.values(), *self._alone]

    @asynccontextmanager
    async def _shared(self, slot: int) -> AsyncIterator[Worker]:
        async with self._starting[slot]:
            worker = self._workers.get(slot)
            if worker is None or worker.is_gone:
                self._workers[slot] = await self._started()
                if worker is not None:
                    self._past.append(worker.tally)
        yield self._workers[slot]

    @asynccontextmanager
    async def _own(self) -> AsyncIterator[Worker]:
        async with self._places_alone:
            worker = await self._started()
            self._alone.add(worker)
            try:
                yield worker
            finally:
                self._alone.discard(worker)
                self._past.append(worker.tally)
                await worker.close()

    async def _started(self) -> Worker:
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell_stop())
        worker = await start_worker()
        if self._stop.is_set:
            worker.stop()
        return worker

    async def _tell_stop(self) -> None:
        try:
            while True:
                await self._stop.sleep(3600)
        except Stopped:
            for worker in self._all():
                worker.stop()


def _stopped(phase: Phase, job: BatchJob) -> PhaseAnswer:
    """The answer of a phase that was not begun, or not finished, since the run is being stopped."""
    if phase == "submit":
        return PhaseResult(attempts=0, pending=0, stopped=True)
    return BatchResult(batch=job.batch, stopped=True)
