"""The lease of a run is given back when its orchestrator ends, and when its container is ended.

A backend that cancels a run, or takes its node away, tells the container to end (SIGTERM).
Python dies of that without a `finally`, and on another machine nobody can see that it is gone:
the crawl would be held up until the lease is stale.

Source: Kubernetes, termination of pods.
"""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import flyte

from scraper.lease import Lease

__all__ = ["Held", "giving_back"]


class Held:
    """The lease of a run, from the moment when it has one."""

    def __init__(self) -> None:
        self._lease: Lease | None = None

    def hold(self, lease: Lease) -> None:
        """Note the lease. Raises: nothing."""
        self._lease = lease

    def give_back(self) -> None:
        """Let others begin. Raises: nothing; doing so twice is fine."""
        if self._lease is not None:
            self._lease.__exit__(None, None, None)


@asynccontextmanager
async def giving_back() -> AsyncIterator[Held]:
    """Give the lease that a run gets back at its end, whatever that is. Raises: nothing."""
    loop, is_container, held = asyncio.get_running_loop(), _is_container(), Held()
    if is_container:
        loop.add_signal_handler(signal.SIGTERM, _end, held)
    try:
        yield held
    finally:
        if is_container:
            loop.remove_signal_handler(signal.SIGTERM)
        await asyncio.to_thread(held.give_back)


def _is_container() -> bool:
    """Whether this process is the task's own; in local mode it is the command's."""
    context = flyte.ctx()
    is_remote = context is not None and context.mode == "remote"
    return is_remote and threading.current_thread() is threading.main_thread()


def _end(held: Held) -> None:
    """End as SIGTERM does, the lease released: another attempt takes it again.

    The batches are the backend's: it aborts those of a cancelled run, and lets those go on whose
    orchestrator only moves to another node. So nothing is cancelled here.
    """
    held.give_back()
    # The first process of a container would not die of the signal itself.
    os._exit(128 + signal.SIGTERM)
