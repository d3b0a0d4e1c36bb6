"""One URL, explained: what robots.txt says, how it was fetched, what it gave and why.

In: a URL, the settings and rules of a crawl. Out: an `Explanation`, values only. It is fetched and
parsed exactly as in a run; only then is each decision asked for its reason.

Durations are in seconds, sizes in bytes. Raises `ConfigError`: no URL, or no contact.

Source: Scrapy's `shell` and `parse`; Nutch's `parsechecker`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import httpx

from scraper.conclude import conclude
from scraper.crawl import CrawlSpec
from scraper.errors import ScraperError
from scraper.extract.charset import decode_html
from scraper.extract.explain import explain
from scraper.extract.found import FoundItem, Item
from scraper.fetch.alone import open_lone_fetcher, seed_of
from scraper.models import Attempt, Exchange, Outcome, Page, Reason
from scraper.robots import RobotsCache
from scraper.rules import RuleChoice, rule_choice
from scraper.single import fetched_page
from scraper.submit import not_asked
from scraper.throttle import HostRefused
from scraper.urls import parse_url

__all__ = ["Explanation", "RobotsVerdict", "Step", "explain_url"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsVerdict:
    """Whether a URL may be asked for, and the words that decided; None: nobody was asked."""

    url: str
    allowed: bool | None
    why: str
    crawl_delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of the last attempt: a redirect, or the page itself. `bytes` as received."""

    url: str
    http_status: int
    elapsed_s: float
    bytes: int
    ip: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What became of one URL and why. Without a page, `charset` and `rule` are None.

    `items` are as in a run, `found` the values of each with what gave them; `seed` are the columns
    of the page's row.
    """

    outcome: Outcome
    robots: tuple[RobotsVerdict, ...]
    steps: tuple[Step, ...]
    page: Page | None = None
    charset: str | None = None
    rule: RuleChoice | None = None
    found: tuple[FoundItem, ...] = ()
    items: tuple[Item, ...] = ()
    seed: Mapping[str, object] = field(default_factory=dict)
    parse_s: float = 0.0


async def explain_url(
    url: str,
    spec: CrawlSpec,
    *,
    seed: Mapping[str, object] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Explanation:
    """Fetch one page politely, extract its items, and say what decided each step.

    Args:
        url: absolute, http(s).
        spec: the settings and the site rules; its lists are not looked at.
        seed: the columns of the page's row.
        transport: where to send requests instead of the network.

    Raises:
        ConfigError: no URL, or a public host without `http.contact`.
    """
    row = replace(seed_of(url), columns=dict(seed or {}))
    async with open_lone_fetcher(spec.settings, transport=transport) as fetcher:
        try:
            last, exchanges = await fetcher.fetch(row)
        except HostRefused as refused:
            last, exchanges = not_asked(row, refused.reason), []
        asked = dict.fromkeys([row.fetch_url, *(step.url for step in exchanges), _end(last)])
        robots = tuple(_verdict(url, fetcher.robots, spec) for url in asked)
    page = fetched_page(last, exchanges, spec.settings.for_host(row.host))
    choice = rule_choice(_end(last), spec.sites)
    began = time.perf_counter()
    obey_tags = spec.settings.for_host(row.host).robots.obey_page_tags
    outcome, items = conclude(row, last, page, rule=choice.rule, obey_tags=obey_tags)
    about = Explanation(
        outcome=outcome,
        robots=robots,
        steps=tuple(map(_step, exchanges)),
        seed=row.columns,
        parse_s=time.perf_counter() - began,
    )
    if page is None:
        return about
    return replace(
        about,
        page=page,
        charset=decode_html(page.body, page.header("content-type")).why,
        rule=choice,
        found=_found(page, choice, row.columns, outcome),
        items=tuple(items),
    )


def _found(
    page: Page, choice: RuleChoice, columns: Mapping[str, object], outcome: Outcome
) -> tuple[FoundItem, ...]:
    """The items of a page with what gave each value; none of a page that isn't parsed."""
    if outcome.reason in {Reason.UNWANTED_TYPE, Reason.NO_CONTENT}:
        return ()
    try:
        return tuple(explain(page, choice.rule, seed=columns))
    except ScraperError:
        # Its words stand in the outcome.
        return ()


def _verdict(url: str, robots: RobotsCache, spec: CrawlSpec) -> RobotsVerdict:
    parsed = parse_url(url)
    known = robots.known(parsed.origin) if parsed is not None else None
    if parsed is None or known is None:
        obeyed = parsed is None or spec.settings.for_host(parsed.host).robots.obey
        why = "robots.txt was not asked for" if obeyed else "robots.obey is false: not asked for"
        return RobotsVerdict(url=url, allowed=None, why=why)
    answer, rules = known
    if answer.reason is not Reason.OK:
        status = f" ({answer.http_status})" if answer.http_status is not None else ""
        return RobotsVerdict(url=url, allowed=False, why=f"{answer.reason}{status}")
    if rules is None:
        why = f"no rules: robots.txt answers {answer.http_status}"
        return RobotsVerdict(url=url, allowed=True, why=why)
    line = rules.deciding_line(url)
    why = "no line matches" if line is None else f"line {line[0]}: {line[1]}"
    return RobotsVerdict(
        url=url, allowed=rules.allows(url), why=why, crawl_delay_s=rules.crawl_delay_s
    )


def _step(exchange: Exchange) -> Step:
    return Step(
        url=exchange.url,
        http_status=exchange.http_status,
        elapsed_s=exchange.elapsed_s,
        bytes=len(exchange.body),
        ip=exchange.ip,
    )


def _end(last: Attempt) -> str:
    return last.final_url or last.url
