"""The worker's process: phases of batches come in, their results go out.

It has its own loop, sessions and connections. It obeys the parent's stop message; a SIGTERM of its
own ends it as well, once what is under way is finished and flushed.

    python -m scraper.workers.worker_main
"""

import asyncio
import os
import signal
from functools import partial

from scraper.garbage import collect_rarely
from scraper.stopping import StopFlag
from scraper.workers.child import Pipes, take_pipes
from scraper.workers.messages import (
    Answer,
    Call,
    Cancel,
    Close,
    PhaseAnswer,
    Ready,
    Stop,
    Tally,
    portable,
)
from scraper.workers.sessions import Sessions

__all__ = ["main"]

_TALLY_S = 0.2


class _Server:
    """The calls of one worker."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._stop = StopFlag()
        self._sessions = Sessions(self._stop)
        self._calls: dict[int, asyncio.Task[PhaseAnswer]] = {}
        self._over = asyncio.Event()
        self._is_ending = False

    async def serve(self) -> None:
        """Work until the parent says that it is enough, or somebody that it must be."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        self._pipes.listen(lambda message: loop.call_soon_threadsafe(self._take, message))
        self._pipes.send(Ready())
        telling = asyncio.create_task(self._tell())
        await self._over.wait()
        telling.cancel()
        for task in self._calls.values():
            task.cancel()
        if self._calls:
            await asyncio.wait(self._calls.values())
        await self._sessions.close()

    def _take(self, message: object) -> None:
        match message:
            case Call():
                task = asyncio.create_task(self._sessions.run(message.phase, message.job))
                self._calls[message.number] = task
                task.add_done_callback(partial(self._done, message))
            case Cancel() if message.number in self._calls:
                self._calls[message.number].cancel()
            case Stop():
                self._stop.set()
            case Close():
                self._over.set()

    def _done(self, call: Call, task: "asyncio.Task[PhaseAnswer]") -> None:
        """Tell what became of a call; whatever was raised is raised again where it was made."""
        del self._calls[call.number]
        if task.cancelled():
            self._pipes.send(Answer(number=call.number))
        elif (error := task.exception()) is not None:
            self._pipes.send(Answer(number=call.number, error=portable(error)))
        # Who stops of his own accord hasn't done what he was asked for: his end says so.
        elif not (self._is_ending and task.result().stopped):
            self._pipes.send(Answer(number=call.number, value=task.result()))
        if self._is_ending and not self._calls:
            self._over.set()

    def _terminate(self) -> None:
        self._is_ending = True
        self._stop.set()
        if not self._calls:
            self._over.set()

    async def _tell(self) -> None:
        told: dict[str, int] = {}
        while True:
            await asyncio.sleep(_TALLY_S)
            counts = self._sessions.tally()
            if counts != told:
                self._pipes.send(Tally(counts=counts))
                told = counts


def main() -> None:
    """Serve the parent."""
    pipes = take_pipes()
    collect_rarely()
    asyncio.run(_Server(pipes).serve())
    # Nothing is left to be done, and the interpreter's own end takes its time.
    os._exit(0)


if __name__ == "__main__":
    main()
