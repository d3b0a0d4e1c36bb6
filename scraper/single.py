"""One page, from a REPL or a program: the same robots, throttle, retries and rules as a run.

>>> scraped = await scrape_page("https://books.toscrape.com/")
>>> scraped.outcome.reason, scraped.items[0]["title"]
"""

import asyncio
import os
from dataclasses import dataclass

import httpx

from scraper.conclude import Item, conclude
from scraper.errors import ConfigError
from scraper.fetch.client import address_guard, open_client, require_contact
from scraper.fetch.hops import Fetcher
from scraper.fetch.page import decoded_page
from scraper.fetch.polite import PoliteClient
from scraper.models import Attempt, Exchange, Outcome, Page, Seed
from scraper.product import PRODUCT
from scraper.retry import retrying
from scraper.robots import RobotsCache
from scraper.rules import SiteRule
from scraper.settings import HostSettings, environment_layer, load_settings
from scraper.settings_table import Settings
from scraper.stopping import StopFlag
from scraper.throttle import Throttles
from scraper.urls import domain_of, parse_url

__all__ = ["Scraped", "scrape_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraped:
    """What became of one URL; without a page, the outcome says why."""

    page: Page | None
    items: list[Item]
    outcome: Outcome


async def scrape_page(
    url: str,
    rule: SiteRule | None = None,
    settings: Settings | None = None,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Scraped:
    """Fetch one page politely and extract its items.

    Args:
        url: absolute, http(s).
        rule: a site rule, whatever the page's host; without one the generic fields are taken.
        settings: default: the defaults and the `SCRAPER_…` environment.
        transport: where to send requests instead of the network.

    Raises:
        ConfigError: no URL, or a public host without `http.contact`.
    """
    parsed = parse_url(url)
    if parsed is None:
        raise ConfigError(f"{url!r} is no http(s) URL")
    chosen = settings or load_settings(environment_layer(os.environ)).all
    guard = address_guard(chosen.http, chosen.network)
    require_contact(chosen.http, guard, parsed.host)
    seed = Seed(row=1, url=url, fetch_url=parsed.href, host=parsed.host, domain=parsed.domain)
    async with open_client(chosen.http, chosen.network, transport=transport) as client:
        throttles = Throttles(
            HostSettings(chosen, {}),
            domain_of=domain_of,
            connections=asyncio.Semaphore(chosen.http.connections),
            stop=StopFlag(),
            patience_s=chosen.throttle.max_retry_after_s,
        )
        polite = PoliteClient(client, HostSettings(chosen, {}), guard, throttles)
        last, exchanges = await _fetch(seed, polite, chosen)
    page = _page(last, exchanges, chosen) if last.has_page else None
    outcome, items = conclude(seed, last, page, rule=rule)
    return Scraped(page=page, items=items, outcome=outcome)


async def _fetch(
    seed: Seed, polite: PoliteClient, settings: Settings
) -> tuple[Attempt, list[Exchange]]:
    robots = RobotsCache(polite, PRODUCT, keep=lambda _answer, _exchange: None)
    fetcher = Fetcher(polite, robots, stays=lambda _domain, _target: True)
    throttle = polite.throttles.of(seed.host)
    made: list[tuple[Attempt, list[Exchange]]] = []

    async def attempt() -> Attempt:
        made.append(await fetcher.attempt(seed, len(made) + 1))
        throttle.observe(made[-1][0])
        return made[-1][0]

    await retrying(
        settings.retry,
        calls=settings.retry.attempts,
        is_over=lambda: throttle.refused is not None,
        sleep=asyncio.sleep,
    )(attempt)
    return made[-1]


def _page(last: Attempt, exchanges: list[Exchange], settings: Settings) -> Page:
    exchange = exchanges[-1]
    headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in exchange.response_headers]
    return decoded_page(
        last,
        headers,
        exchange.body,
        http_status=exchange.http_status,
        max_bytes=settings.http.max_body_bytes,
    )
