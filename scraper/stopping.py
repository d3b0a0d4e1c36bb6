"""The stop flag that every loop looks at.

Set from a signal handler or another thread; seen by tasks of any event loop, whose sleeps it
ends. What is under way is finished and flushed; nothing new is begun.
"""

import asyncio
import contextlib
import threading

__all__ = ["StopFlag", "Stopped"]


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

    async def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until the flag is set.

        Raises:
            Stopped: the flag is set.
        """
        if seconds <= 0 and not self._is_set:
            return
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        with self._lock:
            self._waiters.add(waiter)
        try:
            # Only now: a flag that is set from here on finds the waiter.
            if self._is_set:
                raise Stopped
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        finally:
            with self._lock:
                self._waiters.discard(waiter)
        raise Stopped
