"""One page, from a REPL or a program: the same robots, throttle, retries and rules as a run.

>>> scraped = await scrape_page("https://books.toscrape.com/")
>>> scraped.outcome.reason, scraped.items[0]["title"]
"""

import os
from dataclasses import dataclass

import httpx

from scraper.conclude import Item, conclude
from scraper.fetch.alone import open_lone_fetcher, seed_of
from scraper.fetch.page import decoded_page
from scraper.models import Attempt, Exchange, Outcome, Page
from scraper.rules import SiteRule
from scraper.settings import HostSettings, environment_layer, load_settings
from scraper.settings_table import Settings

__all__ = ["Scraped", "fetched_page", "scrape_page"]


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
    seed = seed_of(url)
    chosen = settings or load_settings(environment_layer(os.environ)).all
    async with open_lone_fetcher(HostSettings(chosen, {}), transport=transport) as fetcher:
        last, exchanges = await fetcher.fetch(seed)
    page = fetched_page(last, exchanges, chosen)
    outcome, items = conclude(seed, last, page, rule=rule, obey_tags=chosen.robots.obey_page_tags)
    return Scraped(page=page, items=items, outcome=outcome)


def fetched_page(last: Attempt, exchanges: list[Exchange], settings: Settings) -> Page | None:
    """The page that an attempt ended in, if it did. Raises: nothing."""
    if not last.has_page:
        return None
    exchange = exchanges[-1]
    headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in exchange.response_headers]
    return decoded_page(
        last,
        headers,
        exchange.body,
        http_status=exchange.http_status,
        max_bytes=settings.http.max_body_bytes,
    )
