"""The sessions of one event loop: one a run, shared by its batches.

Made when a batch first needs one, closed when another run comes or the loop's work ends. Where
workers are allowed, a session has a parser beside it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import scraper.poll
import scraper.reparse
import scraper.submit
from scraper.errors import ConfigError
from scraper.models import BatchJob, PhaseResult
from scraper.run import RunInfo, load_run
from scraper.session import Session, open_session
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.workers.cores import workers_of
from scraper.workers.messages import Phase, PhaseAnswer, Setup
from scraper.workers.parser import open_parser

__all__ = ["Sessions", "added_up"]


@dataclass(slots=True)
class _Open:
    session: Session
    stack: AsyncExitStack
    users: int = 0


class Sessions:
    """The sessions of the running loop.

    Args:
        stop: the flag that all of them look at.
    """

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self._opening = asyncio.Lock()
        self._open: dict[tuple[str, str], _Open] = {}
        self._infos: dict[tuple[str, str], tuple[Store, RunInfo]] = {}

    async def run(self, phase: Phase, job: BatchJob) -> PhaseAnswer:
        """Do a phase of a batch in this loop.

        Raises:
            ConfigError: the store has no such run, or a mock is active that would be bypassed.
            StoreError: the store failed.
        """
        async with self.of(job) as session:
            again = session.info.again
            if again is not None and again.kind == "reparse":
                if phase == "submit":
                    return PhaseResult(attempts=0, pending=0)
                return await scraper.reparse.reparse(session, job)
            if phase == "submit":
                return await scraper.submit.submit(session, job)
            return await scraper.poll.poll(session, job)

    @asynccontextmanager
    async def of(self, job: BatchJob) -> AsyncIterator[Session]:
        """The session of a batch's run. Raises: see `run`."""
        key = job.store, job.run
        async with self._opening:
            if key not in self._open:
                await self.close(keep_used=True)
                self._open[key] = await self._opened(job)
            opened = self._open[key]
            opened.users += 1
        try:
            yield opened.session
        finally:
            opened.users -= 1

    async def info_of(self, job: BatchJob) -> RunInfo:
        """What a batch's run is. Raises: see `run`."""
        return (await self._known(job))[1]

    async def close(self, *, keep_used: bool = False) -> None:
        """Close the sessions, or those that no batch uses."""
        for key, opened in list(self._open.items()):
            if not (keep_used and opened.users):
                del self._open[key]
                self._infos.pop(key, None)
                await opened.stack.aclose()

    def tally(self) -> dict[str, int]:
        """What the sessions have counted."""
        return added_up(opened.session.tally for opened in list(self._open.values()))

    async def _known(self, job: BatchJob) -> tuple[Store, RunInfo]:
        key = job.store, job.run
        if key not in self._infos:
            store = Store(job.store)
            info = await asyncio.to_thread(load_run, store, job.run)
            if info is None:
                raise ConfigError(f"{store.address(job.run)}: no such run")
            self._infos[key] = store, info
        return self._infos[key]

    async def _opened(self, job: BatchJob) -> _Open:
        store, info = await self._known(job)
        batch = info.settings.all.batch
        async with AsyncExitStack() as stack:
            parse = None
            if workers_of(batch.workers) > 1:
                setup = Setup(store=store.url, sites=info.sites, deadline_s=batch.parse_deadline_s)
                parse = (await stack.enter_async_context(open_parser(setup))).parse
            session = await stack.enter_async_context(
                open_session(info, store, stop=self._stop, parse=parse)
            )
            return _Open(session=session, stack=stack.pop_all())


def added_up(tallies: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts of several sessions as one; each knows the seeds of the whole run."""
    sums, seeds = Counter[str](), 0
    for tally in tallies:
        sums.update(tally)
        seeds = max(seeds, tally.get("seeds", 0))
    return {**sums, "seeds": seeds}
