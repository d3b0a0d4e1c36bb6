"""URLs that are fetched outside a batch, one after another: a page, a list. Politely as ever.

In: the settings and a seed. Out: its last attempt and the exchanges of that. Robots, throttle,
address and contact are checked as in a run, and what is transient is tried again; robots answers
and waits hold for all that one fetcher is asked for, and can be left to a run that follows.
"""

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from scraper.credentials import check_credentials
from scraper.errors import ConfigError
from scraper.fetch.addresses import AddressGuard
from scraper.fetch.client import address_guard, open_client, require_contact
from scraper.fetch.hops import Download, Fetcher
from scraper.fetch.polite import PoliteClient
from scraper.hosts import memories_of
from scraper.models import Attempt, Exchange, HostMemory, Seed
from scraper.product import PRODUCT
from scraper.retry import retrying
from scraper.robots import RobotsCache
from scraper.settings import HostSettings
from scraper.stopping import StopFlag
from scraper.throttle import Throttles
from scraper.urls import domain_of, host_of, parse_url

__all__ = ["LoneFetcher", "open_lone_fetcher", "seed_of"]


def seed_of(url: str) -> Seed:
    """A URL by itself as a seed.

    Raises:
        ConfigError: it is no http(s) URL.
    """
    parsed = parse_url(url)
    if parsed is None:
        raise ConfigError(f"{url!r} is no http(s) URL")
    return Seed(row=1, url=url, fetch_url=parsed.href, host=parsed.host, domain=parsed.domain)


@asynccontextmanager
async def open_lone_fetcher(
    settings: HostSettings,
    *,
    stop: StopFlag | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator["LoneFetcher"]:
    """Open a fetcher in the running loop.

    Raises:
        ConfigError: a respx mock is active that the transport would bypass, or a secret that the
            settings name isn't in the environment.
    """
    check_credentials(settings, os.environ)
    http, network = settings.all.http, settings.all.network
    guard, stop = address_guard(http, network), stop or StopFlag()
    async with open_client(http, network, transport=transport) as client:
        throttles = Throttles(
            settings,
            domain_of=domain_of,
            connections=asyncio.Semaphore(http.connections),
            stop=stop,
            # There is nothing else to do, and what is too long the settings say.
            patience_s=math.inf,
        )
        yield LoneFetcher(PoliteClient(client, settings, guard, throttles), guard, stop)


class LoneFetcher:
    """Fetches single URLs. Made by `open_lone_fetcher`."""

    def __init__(self, polite: PoliteClient, guard: AddressGuard, stop: StopFlag) -> None:
        self._polite, self._guard, self._stop = polite, guard, stop
        self.robots = RobotsCache(polite, PRODUCT, keep=lambda _answer, _exchange: None)
        self._fetcher = Fetcher(polite, self.robots, stays=lambda _domain, _target: True)

    async def fetch(
        self, seed: Seed, *, download: Download | None = None
    ) -> tuple[Attempt, list[Exchange]]:
        """Fetch a seed, and again while that may help: the last attempt and its exchanges.

        Raises:
            ConfigError: a public host, and no `http.contact`.
            HostRefused: the host isn't asked any more, from something earlier.
            Stopped: the stop flag was set.
        """
        settings = self._polite.settings
        require_contact(settings.all.http, self._guard, seed.host)
        throttle = self._polite.throttles.of(seed.host)
        made: list[tuple[Attempt, list[Exchange]]] = []

        async def attempt() -> Attempt:
            made.append(await self._fetcher.attempt(seed, len(made) + 1, download=download))
            ended, _ = made[-1]
            # What the last hop's host wishes is its own.
            self._polite.throttles.of(host_of(ended.final_url or ended.url)).observe(ended)
            return ended

        retry = settings.for_host(seed.host).retry
        await retrying(
            retry,
            calls=retry.attempts,
            may_retry=lambda: throttle.refused is None,
            sleep=self._stop.sleep,
        )(attempt)
        return made[-1]

    def memories(self) -> list[HostMemory]:
        """What is known by now of the hosts that were asked. Raises: nothing."""
        return memories_of(
            self._polite.throttles.states(), self.robots.answers(), saved_at=time.time()
        )
