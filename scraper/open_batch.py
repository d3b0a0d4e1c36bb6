"""An open batch: its seeds, its archive, and what is known of its hosts.

Opening one is recovering it: the hosts' state as the partition's former batch left it, and on
top of it whatever an earlier life of this batch archived, attempt by attempt.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from scraper.archive import Archive
from scraper.fetch.client import user_agent
from scraper.fetch.hops import Fetcher
from scraper.fetch.polite import PoliteClient
from scraper.hosts import load_hosts, memories_of, save_hosts
from scraper.layout import FIRST_BATCH, batch_key, hosts_key, partition_of, wave_of
from scraper.models import (
    Attempt,
    BatchJob,
    Exchange,
    HostMemory,
    Known,
    Reason,
    RobotsAnswer,
    Seed,
)
from scraper.pace import may_retry
from scraper.plan.part import read_seeds_part
from scraper.product import PRODUCT
from scraper.robots import RobotsCache
from scraper.run import resumed
from scraper.session import BatchMemory, Session
from scraper.throttle import HostThrottle, Throttles
from scraper.urls import domain_of, host_of

__all__ = ["OpenBatch", "open_batch"]


class OpenBatch:
    """A batch under work. Made by `open_batch`."""

    def __init__(self, session: Session, job: BatchJob, seeds: list[Seed]) -> None:
        settings = session.info.settings
        self.session, self.job, self.seeds = session, job, seeds
        self.archive = Archive(
            session.store,
            batch_key(job.run, job.batch),
            settings.all.archive,
            software=user_agent(settings.all.http),
        )
        self.throttles = Throttles(
            settings,
            domain_of=domain_of,
            connections=session.connections,
            stop=session.stop,
            # A later wave has nothing else to do: it waits the hold out.
            patience_s=settings.all.retry.max_wait_s if wave_of(job.batch) == 1 else math.inf,
        )
        polite = PoliteClient(session.client, settings, session.guard, self.throttles)
        self.robots = RobotsCache(polite, PRODUCT, keep=self._keep_robots)
        self._fetcher = Fetcher(polite, self.robots, stays=self._stays)
        self._claims: dict[int, tuple[HostThrottle, ...]] = {}

    def recover(self, memory: BatchMemory | None = None) -> None:
        """Learn what former batches and an earlier life of this one knew."""
        attempts = self.archive.recover(memory.archive if memory is not None else None)
        is_first = self._is_first and not attempts and not self.archive.robots
        memories = self._remembered()
        self.throttles.load(
            (memory.state for memory in memories.values()),
            since_s=0.0 if is_first else time.time(),
        )
        self.robots.load(answer for memory in memories.values() for answer in memory.robots)
        for attempt in attempts:
            throttle = self.throttle_of(attempt)
            if attempt.at.timestamp() > _saved_at(memories, throttle.state.host):
                throttle.observe(attempt)
        self.robots.load(
            answer
            for answer in self.archive.robots
            if answer.at.timestamp() > _saved_at(memories, host_of(answer.origin))
        )

    @property
    def _is_first(self) -> bool:
        """Whether nobody can have asked these hosts before: no batch, no wave, no killed life."""
        batch = self.job.batch
        is_first = wave_of(batch) == 1 and batch.endswith(FIRST_BATCH)
        return is_first and resumed(self.session.store, self.job.run) == 0

    def _remembered(self) -> dict[str, HostMemory]:
        """What was saved of the hosts, by the wave before and by this partition."""
        # Redirects lead to other hosts of a seed's domain, or anywhere if all is one partition.
        domains = None if self.job.alone else {seed.domain for seed in self.seeds}
        memories: dict[str, HostMemory] = {}
        for key in (hosts_key(self.job.run, str(wave_of(self.job.batch))), self._hosts_key):
            memories |= {m.host: m for m in load_hosts(self.session.store, key, domains)}
        return memories

    async def attempt(self, seed: Seed, number: int) -> Attempt:
        """Make one attempt, archive it, and let its host's throttle learn from it.

        Raises:
            Stopped: the run is being stopped.
            StoreError: the archive could not be flushed.
        """
        attempt, exchanges = await self._fetcher.attempt(seed, number)
        await self.keep(attempt, exchanges, seed.known)
        return attempt

    async def keep(
        self, attempt: Attempt, exchanges: list[Exchange], known: Known | None = None
    ) -> None:
        """Archive what came of an attempt, or of not making one."""
        self.session.tally["asked"] += attempt.row not in self.archive.progress
        self.session.tally["attempts"] += 1
        self.archive.add(attempt, exchanges, known)
        self._claims.pop(attempt.row, None)
        self.throttle_of(attempt).observe(attempt)
        await self.archive.flush_if_full()

    def throttle_of(self, attempt: Attempt) -> HostThrottle:
        """The throttle of the host that an attempt ended at."""
        # Where a redirect is only carried on to, nobody was asked.
        carried = attempt.carry_to is not None
        url = attempt.redirects[-1].url if carried else attempt.final_url or attempt.url
        return self.throttles.of(host_of(url))

    def refused(self, seed: Seed) -> Reason | None:
        """Why a seed isn't asked for: its host, or the one it led to, isn't asked any more."""
        progress = self.archive.progress.get(seed.row)
        led_to = None if progress is None else self.throttle_of(progress.last).refused
        return self.throttles.of(seed.host).refused or led_to

    def may_retry(self, seed: Seed) -> bool:
        """Whether its hosts allow a seed another attempt: none refused, both with retries left."""
        for throttle in self._throttles_of(seed):
            state, settings = throttle.state, self.session.info.settings
            claimed = sum(
                throttle in claims for row, claims in self._claims.items() if row != seed.row
            )
            spent = replace(state, retries=state.retries + claimed)
            if throttle.refused or not may_retry(spent, settings.for_host(state.host).retry):
                return False
        return True

    def claim_retry(self, seed: Seed) -> bool:
        """Take one of the retries that are left, for the next attempt at a seed."""
        if not self.may_retry(seed):
            return False
        self._claims[seed.row] = self._throttles_of(seed)
        return True

    def _throttles_of(self, seed: Seed) -> tuple[HostThrottle, ...]:
        """Those of a seed's own host and of the one it led to."""
        progress = self.archive.progress.get(seed.row)
        own = self.throttles.of(seed.host)
        return (own,) if progress is None else (own, self.throttle_of(progress.last))

    def save_hosts(self) -> None:
        """Leave to the next phase and batch what is known of the hosts. Raises: `StoreError`."""
        memories = memories_of(self.throttles.states(), self.robots.answers(), saved_at=time.time())
        save_hosts(self.session.store, self._hosts_key, memories)

    def remember(self) -> None:
        """Spare the next phase, if it is done in this process, to read the archive again.

        Raises: `StoreError`.
        """
        archive = self.archive.memory()
        if archive is not None:
            memory = BatchMemory(seeds=self.seeds, archive=archive)
            self.session.remember(self.job.batch, memory)

    @property
    def is_last(self) -> bool:
        """Whether what is left over now is left for good: redirects and retries are bounded."""
        settings = self.session.info.settings.all
        return wave_of(self.job.batch) > settings.http.max_redirects + settings.retry.attempts

    @property
    def _hosts_key(self) -> str:
        return hosts_key(self.job.run, partition_of(self.job.batch))

    def _stays(self, domain: str, target: str) -> bool:
        """Another domain may be another partition's, unless there is no other."""
        return domain == target or self.job.alone

    def _keep_robots(self, answer: RobotsAnswer, exchange: Exchange | None) -> None:
        self.archive.add_robots(answer, exchange)


def _saved_at(memories: dict[str, HostMemory], host: str) -> float:
    """When a host's memory was saved: what came before is in it."""
    return memories[host].saved_at if host in memories else 0.0


@asynccontextmanager
async def open_batch(session: Session, job: BatchJob) -> AsyncIterator[OpenBatch]:
    """Open a batch, keep its archive flushed, flush it whole at the end, whatever happens.

    Raises:
        StoreError: the store failed, at the beginning, in between or at the end.
    """
    memory = session.recall(job.batch)
    if memory is not None:
        seeds = memory.seeds
    else:
        seeds = await asyncio.to_thread(read_seeds_part, session.store, job.run, job.batch)
    batch = OpenBatch(session, job, seeds)
    await asyncio.to_thread(batch.recover, memory)
    async with batch.archive.kept_flushed():
        yield batch
