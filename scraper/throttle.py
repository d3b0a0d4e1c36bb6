"""The per-host throttle: one object a host holds its limiter, its next time and its history.

It decides *when* a host may be asked again and does the waiting; whether a URL is asked again
is the retry policy's. The limiter spaces request starts evenly (`AsyncLimiter(1, delay)`);
jitter and what the server asked for (Retry-After, Crawl-delay) only ever add to that.

Times in the state are seconds since the epoch, so that they hold across processes; the state
of each host is saved when a batch ends and loaded when the partition's next begins.

Source: aiolimiter; Scrapy's downloader slot; Retry-After by RFC 9110, section 10.2.3.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

from aiolimiter import AsyncLimiter

from scraper.models import Attempt, HostState, Reason, Status
from scraper.settings import HostSettings
from scraper.settings_table import Throttle as ThrottleSettings
from scraper.stopping import StopFlag, Stopped

__all__ = ["HostHeld", "HostRefused", "HostThrottle", "Throttles"]


class HostHeld(Exception):
    """The host wants a longer wait than a batch has; its rows go to a later wave."""


class HostRefused(Exception):
    """The host isn't asked any more in this run; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class HostThrottle:
    """The gate to one host.

    Args:
        state: as it was left by the partition's former batch.
        settings: those of this host.
        connections: the bound of all requests of this process.
        stop: ends every wait.
        patience_s: the longest hold that is waited for.
        since_s: when others may have asked this host last.
    """

    def __init__(
        self,
        state: HostState,
        settings: ThrottleSettings,
        *,
        connections: asyncio.Semaphore,
        stop: StopFlag,
        patience_s: float,
        since_s: float = 0.0,
    ) -> None:
        self._patience_s = patience_s
        self._state, self._settings = state, settings
        self._connections, self._stop = connections, stop
        self._in_flight = asyncio.Semaphore(settings.concurrency)
        self._starting = asyncio.Lock()
        self._limiter: AsyncLimiter | None = None
        self._set_delay(max(settings.delay_s, state.delay_s))
        self._asked_at = since_s
        if since_s > 0:
            self._hold_until(since_s + self._state.delay_s)

    @property
    def state(self) -> HostState:
        """What to remember of this host."""
        return self._state

    @property
    def concurrency(self) -> int:
        """How many requests at once this host is asked."""
        return self._settings.concurrency

    @property
    def refused(self) -> Reason | None:
        """Why this host isn't asked any more in this run, if it isn't."""
        return self._state.refused

    @property
    def wait_s(self) -> float:
        """How long the host is held from now on."""
        return max(0.0, self._state.next_at - time.time())

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until this host may be asked, and hold the place while it is.

        Raises:
            Stopped: the run is being stopped.
            HostHeld: the wait would be longer than our patience.
            HostRefused: the host was given up, or asked for more time than we have.
        """
        async with self._in_flight:
            async with self._starting:
                await self._start()
            try:
                yield
            finally:
                self._connections.release()

    def started(self, at_s: float) -> None:
        """Count the delay from when a request really began: a busy machine may be late."""
        self._asked_at = max(self._asked_at, at_s)
        self._hold_until(at_s + self._state.delay_s)

    def slow_to(self, delay_s: float) -> None:
        """Keep at least this delay, from the last request on: what robots.txt asks for."""
        if delay_s > self._state.delay_s:
            self._set_delay(delay_s)
            self._hold_until(self._asked_at + delay_s)

    def wait_for(self, wait_s: float, *, since_s: float) -> None:
        """Obey a Retry-After: hold the host, or leave it if that takes too long."""
        if wait_s > self._settings.max_retry_after_s:
            self._refuse(Reason.DEFERRED)
        else:
            self._hold_until(since_s + wait_s)

    def observe(self, attempt: Attempt) -> None:
        """Learn from an attempt: hold the host, count its failures, give it up."""
        reason, wait_s = attempt.reason, attempt.retry_after_s
        if attempt.carry_to is not None:
            failures = 0
        elif reason.blames_host or reason is Reason.DEFERRED:
            failures = self._state.failures + 1
        elif reason.status is Status.SKIPPED:
            failures = self._state.failures
        else:
            failures = 0
        self._state = replace(self._state, failures=failures)
        if wait_s is not None:
            self.wait_for(wait_s, since_s=attempt.at.timestamp() + attempt.elapsed_s)
        if failures >= self._settings.give_up_after:
            self._refuse(Reason.HOST_GIVEN_UP)

    def _refuse(self, reason: Reason) -> None:
        if self._state.refused is None:
            self._state = replace(self._state, refused=reason)

    @property
    def _is_held(self) -> bool:
        return self.wait_s > 0 or self._stop.is_set or self._state.refused is not None

    async def _start(self) -> None:
        await self._wait()
        await self._connections.acquire()
        while self._is_held:
            # Learned while this waited for a connection: others may have it meanwhile.
            self._connections.release()
            await self._wait()
            await self._connections.acquire()
        try:
            # The limiter comes last: a wait after it would let two starts come together.
            if self._limiter is not None:
                await self._limiter.acquire()
            self._stop.check()
        except (asyncio.CancelledError, Stopped):
            self._connections.release()
            raise
        spread = 1 + random.uniform(0, self._settings.jitter)
        self._asked_at = time.time()
        self._hold_until(self._asked_at + self._state.delay_s * spread)

    async def _wait(self) -> None:
        # Our own delay is never too long; the hold may grow while it is waited for.
        while self._is_held:
            patience_s = max(self._patience_s, self._state.delay_s * (1 + self._settings.jitter))
            if self._state.refused is not None:
                raise HostRefused(self._state.refused)
            if self.wait_s > patience_s:
                raise HostHeld
            await self._stop.sleep(self.wait_s)

    def _hold_until(self, at: float) -> None:
        if at > self._state.next_at:
            self._state = replace(self._state, next_at=at)

    def _set_delay(self, delay_s: float) -> None:
        self._state = replace(self._state, delay_s=delay_s)
        self._limiter = AsyncLimiter(1, delay_s) if delay_s > 0 else None


class Throttles:
    """The throttles of one batch, by host or by registrable domain.

    A host is in one partition, and a partition's batches follow one another: the limit that one
    batch keeps is the limit for that host. `connections` bounds all batches of a process.
    """

    def __init__(
        self,
        settings: HostSettings,
        *,
        domain_of: Callable[[str], str],
        connections: asyncio.Semaphore,
        stop: StopFlag,
        patience_s: float,
    ) -> None:
        self._settings, self._domain_of = settings, domain_of
        self._patience_s = patience_s
        self._connections, self._stop = connections, stop
        self._since_s = 0.0
        self._by_unit: dict[str, HostThrottle] = {}

    def of(self, host: str) -> HostThrottle:
        """The one throttle of a host; made when it is first asked for."""
        unit = self._unit(host)
        return self._by_unit.get(unit) or self._make(HostState(host=unit))

    def load(self, states: Iterable[HostState], *, since_s: float = 0.0) -> None:
        """Start from what the partition's former batch saved.

        Any host may have been asked until `since_s`, by a process that told nobody before it
        died: so each is first asked a whole delay later.
        """
        self._since_s = since_s
        for state in states:
            self._make(state)

    def states(self) -> list[HostState]:
        """What to save, sorted by host."""
        return [self._by_unit[unit].state for unit in sorted(self._by_unit)]

    def _unit(self, host: str) -> str:
        by_domain = self._settings.for_host(host).throttle.unit == "domain"
        return self._domain_of(host) if by_domain else host

    def _make(self, state: HostState) -> HostThrottle:
        settings = self._settings.for_host(state.host).throttle
        throttle = HostThrottle(
            state,
            settings,
            connections=self._connections,
            stop=self._stop,
            patience_s=self._patience_s,
            since_s=self._since_s,
        )
        self._by_unit[state.host] = throttle
        return throttle
