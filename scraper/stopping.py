"""The stop flag that every loop looks at.

Set from a signal handler or another thread; seen by tasks of any event loop, whose sleeps it
ends. What is under way is finished and flushed; nothing new is begun.
"""

import asyncio
import contextlib
import threading
from collections.abc import Sequence

__all__ = ["DRAIN_S", "StopFlag", "Stopped", "drained"]

DRAIN_S = 10.0
"""What is in flight when the flag is set gets so long; a preempted pod has thirty seconds."""


class Stopped(Exception):
    """Raised in a wait when the flag is set; ends at the edge of the phase."""


class StopFlag:
    """A flag that is set once. Waiting for it doesn't poll."""

    def __init__(self) -> None:
        # A signal handler may interrupt the very thread that holds it.
        self._lock = threading.RLock()
        self._is_set = False
        self._waiters: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    @property
    def is_set(self) -> bool:
        """Whether the run shall stop."""
        return self._is_set

    def set(self) -> None:
        """Ask everything to stop. Safe in a signal handler's thread and in any other."""
        with self._lock:
            self._is_set = True
            waiters = list(self._waiters)
        for loop, event in waiters:
            # A loop that was closed meanwhile has nobody left to wake.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(event.set)

    def check(self) -> None:
        """Go on only if nobody asked to stop: for work that doesn't wait.

        Raises:
            Stopped: the flag is set.
        """
        if self._is_set:
            raise Stopped

    async def wait(self) -> None:
        """Wait until the flag is set. Raises: nothing."""
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        with self._lock:
            self._waiters.add(waiter)
        try:
            # Only now: a flag that is set from here on finds the waiter.
            if not self._is_set:
                await event.wait()
        finally:
            with self._lock:
                self._waiters.discard(waiter)

    async def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until the flag is set.

        Raises:
            Stopped: the flag is set.
        """
        self.check()
        if seconds <= 0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait()
        self.check()


async def drained(
    tasks: Sequence[asyncio.Task[None]], stop: StopFlag, *, drain_s: float | None = None
) -> None:
    """Wait for all tasks; once the flag is set, no longer than `drain_s`, by default `DRAIN_S`.

    Whatever ends this, the first failure of a task too, ends the tasks that are left.
    """
    together = asyncio.create_task(_all(tasks))
    bound = asyncio.create_task(_bound(stop, DRAIN_S if drain_s is None else drain_s))
    try:
        await asyncio.wait((together, bound), return_when=asyncio.FIRST_COMPLETED)
        if together.done():
            together.result()
    finally:
        for task in (*tasks, together, bound):
            task.cancel()
        await asyncio.wait((*tasks, together, bound))


async def _all(tasks: Sequence[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks)


async def _bound(stop: StopFlag, drain_s: float) -> None:
    await stop.wait()
    await asyncio.sleep(drain_s)
