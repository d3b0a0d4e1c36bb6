"""Attempts for tests, at a website that is a table."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from scraper.fetch.hops import Fetcher
from scraper.models import Attempt, Exchange, Hop
from scraper.product import PRODUCT
from scraper.robots import RobotsCache
from tests.scraper.batches import (
    Website,
    moved,
    page,
    polite_on,
    seed,
    website,
)

URL = "http://a.test/1"
OBEY = "robots.obey=true"


@asynccontextmanager
async def fetcher_on(
    site: Website, *flags: str, stays: Callable[[str, str], bool] = lambda _d, _t: True
) -> AsyncIterator[Fetcher]:
    async with polite_on(site, *flags) as polite:
        robots = RobotsCache(polite, PRODUCT, keep=lambda _answer, _exchange: None)
        yield Fetcher(polite, robots, stays=stays)


async def attempt_at(
    site: Website, *flags: str, url: str = URL, number: int = 1
) -> tuple[Attempt, list[Exchange]]:
    async with fetcher_on(site, *flags) as fetcher:
        return await fetcher.attempt(seed(url), number)


def chain(count: int, end: httpx.Response | Exception | None = None) -> Website:
    """So many redirects from URL on, and what stands at their end."""
    table: dict[str, httpx.Response | Exception] = {
        f"http://a.test/{n}": moved(f"/{n + 1}", 301 + n % 2) for n in range(1, count + 1)
    }
    return website(table | {f"http://a.test/{count + 1}": end or page()})


def hops(*urls: str, http_status: int = 302) -> tuple[Hop, ...]:
    return tuple(Hop(url=url, status=http_status) for url in urls)
