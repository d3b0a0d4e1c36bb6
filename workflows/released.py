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

__all__ = ["until_released"]


@asynccontextmanager
async def until_released(lease: Lease) -> AsyncIterator[None]:
    """Give a lease back at the end, whatever the end is. Raises: nothing of its own."""
    loop, is_container = asyncio.get_running_loop(), _is_container()
    if is_container:
        loop.add_signal_handler(signal.SIGTERM, _end, lease)
    try:
        yield
    finally:
        if is_container:
            loop.remove_signal_handler(signal.SIGTERM)
        await asyncio.to_thread(lease.__exit__, None, None, None)


def _is_container() -> bool:
    """Whether this process is the task's own; in local mode it is the command's."""
    context = flyte.ctx()
    is_remote = context is not None and context.mode == "remote"
    return is_remote and threading.current_thread() is threading.main_thread()


def _end(lease: Lease) -> None:
    """End as SIGTERM does, the lease released: another attempt takes it again.

    The batches are the backend's: it aborts those of a cancelled run, and lets those go on whose
    orchestrator only moves to another node. So nothing is cancelled here.
    """
    lease.__exit__(None, None, None)
    # The first process of a container would not die of the signal itself.
    os._exit(128 + signal.SIGTERM)
