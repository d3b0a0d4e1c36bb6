"""One worker process, as its parent sees it: calls go there, answers and counts come back."""

import asyncio
from itertools import count

from scraper.models import BatchJob
from scraper.workers.messages import Answer, Call, Cancel, Close, Phase, PhaseAnswer, Stop, Tally
from scraper.workers.process import Child, ChildEnded, start_child

__all__ = ["Worker", "WorkerDied", "start_worker"]

_CANCEL_S = 30.0
_CLOSE_S = 30.0


class WorkerDied(Exception):
    """A worker process ended under its calls. The batch itself is to be tried again."""


class Worker:
    """A running worker. Made by `start_worker`."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._numbers = count(1)
        self._calls: dict[int, asyncio.Future[PhaseAnswer]] = {}
        self._reading = asyncio.create_task(self._read())
        self.tally: dict[str, int] = {}
        self.is_gone = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for it."""
        return not self._calls

    async def call(self, phase: Phase, job: BatchJob) -> PhaseAnswer:
        """Have it do a phase of a batch. Who is cancelled waits until the worker has left it.

        Raises:
            WorkerDied: the process ended.
            Exception: what the phase raised there.
        """
        number = next(self._numbers)
        answer: asyncio.Future[PhaseAnswer] = asyncio.get_running_loop().create_future()
        self._calls[number] = answer
        if self.is_gone:
            answer.set_exception(WorkerDied("the worker process is gone"))
        self._child.send(Call(number=number, phase=phase, job=job))
        try:
            await asyncio.wait([answer])
        except asyncio.CancelledError:
            self._child.send(Cancel(number=number))
            await asyncio.wait([answer], timeout=_CANCEL_S)
            # What came of it is nobody's any more.
            if not answer.cancel() and not answer.cancelled():
                answer.exception()
            raise
        finally:
            del self._calls[number]
        return answer.result()

    def stop(self) -> None:
        """Ask it to finish what is under way and to begin nothing new."""
        self._child.send(Stop())

    async def close(self) -> None:
        """End it; what it has fetched is flushed before."""
        self._child.send(Close())
        await self._child.end(grace_s=_CLOSE_S)
        await asyncio.wait([self._reading])

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self._child.receive())
        except ChildEnded as ended:
            self.is_gone = True
            for answer in self._calls.values():
                if not answer.done():
                    answer.set_exception(
                        WorkerDied(f"the worker process {self.pid} ended under it: {ended}")
                    )

    def _take(self, message: object) -> None:
        if isinstance(message, Tally):
            self.tally = message.counts
            return
        assert isinstance(message, Answer)
        answer = self._calls.get(message.number)
        if answer is None or answer.done():
            return
        if message.error is not None:
            answer.set_exception(message.error)
        elif message.value is not None:
            answer.set_result(message.value)
        else:
            answer.cancel()


async def start_worker() -> Worker:
    """Start a worker process.

    Raises:
        OSError: it can't be started.
    """
    return Worker(await start_child("scraper.workers.worker_main"))
