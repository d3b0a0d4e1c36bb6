"""The singletons of a process: one session a run and event loop, shared by its batches.

A reusable container keeps its process and its loop over many batches and runs; the local mode
has one loop for all. Sessions are made when a batch first needs one and closed when another run
comes, or the loop's run ends.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from scraper.errors import ConfigError
from scraper.models import BatchJob
from scraper.run import load_run
from scraper.session import Session, open_session
from scraper.stopping import StopFlag
from scraper.store import Store

__all__ = ["close_sessions", "new_run", "session_of", "stop_flag", "tally"]

Key = tuple[asyncio.AbstractEventLoop, str, str]


@dataclass(slots=True)
class _Open:
    session: Session
    stack: AsyncExitStack
    users: int = 0


@dataclass(slots=True)
class _Runtime:
    """All that lives longer than a call."""

    stop: StopFlag = field(default_factory=StopFlag)
    sessions: dict[Key, _Open] = field(default_factory=dict)
    opening: dict[asyncio.AbstractEventLoop, asyncio.Lock] = field(default_factory=dict)


_runtime = _Runtime()


def new_run() -> StopFlag:
    """Begin a run in this process: its stop flag, not yet set. Sessions of former runs go on."""
    _runtime.stop = StopFlag()
    return _runtime.stop


def stop_flag() -> StopFlag:
    """The flag that the running run looks at."""
    return _runtime.stop


def tally() -> dict[str, int]:
    """What the open sessions have counted, for the progress line."""
    counts: dict[str, int] = {}
    for opened in list(_runtime.sessions.values()):
        for name, count in opened.session.tally.items():
            counts[name] = counts.get(name, 0) + count
    return counts


@asynccontextmanager
async def session_of(job: BatchJob) -> AsyncIterator[Session]:
    """The session of a batch's run in this loop.

    Raises:
        ConfigError: the store has no such run, or a mock is active that would be bypassed.
        StoreError: the store failed.
    """
    loop = asyncio.get_running_loop()
    async with _runtime.opening.setdefault(loop, asyncio.Lock()):
        opened = _runtime.sessions.get((loop, job.store, job.run))
        if opened is None or opened.session.stop is not _runtime.stop:
            await close_sessions(keep_used=True)
            opened = await _open(job)
            _runtime.sessions[loop, job.store, job.run] = opened
        opened.users += 1
    try:
        yield opened.session
    finally:
        opened.users -= 1


async def close_sessions(*, keep_used: bool = False) -> None:
    """Close this loop's sessions; those of loops that are gone are only forgotten."""
    loop = asyncio.get_running_loop()
    for key, opened in list(_runtime.sessions.items()):
        if keep_used and opened.users and key[0] is loop:
            continue
        del _runtime.sessions[key]
        if key[0] is loop:
            await opened.stack.aclose()
    for known in [known for known in _runtime.opening if known.is_closed()]:
        del _runtime.opening[known]


async def _open(job: BatchJob) -> _Open:
    store = Store(job.store)
    info = await asyncio.to_thread(load_run, store, job.run)
    if info is None:
        raise ConfigError(f"{store.address(job.run)}: no such run")
    stack = AsyncExitStack()
    session = await stack.enter_async_context(open_session(info, store, stop=_runtime.stop))
    return _Open(session=session, stack=stack)
