"""One polite attempt at one seed: robots, throttle and address asked again for every hop.

In: a seed and the number of the attempt. Out: the `Attempt` and its exchanges; never an
exception for what a server or a network does. Its deadline counts time on the network only.

Source: RFC 9110, section 15.4 (redirects); RFC 9309, section 2.3.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

from scraper.fetch.conditions import conditions, page_facts, unchanged_reason
from scraper.fetch.polite import PoliteClient, redirect_target
from scraper.fetch.reasons import parse_retry_after, reason_of_status
from scraper.models import Attempt, Exchange, Hop, Reason, Seed, Status
from scraper.robots import RobotsCache
from scraper.throttle import HostHeld, HostRefused
from scraper.urls import ParsedUrl, parse_url

__all__ = ["Download", "Fetcher"]

_NOT_ASKED = frozenset(
    {
        Reason.ROBOTS_DISALLOWED,
        Reason.CRAWL_DELAY,
        Reason.BLOCKED_ADDRESS,
        Reason.OUT_OF_SCOPE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Where a large body goes, decoded, instead of into memory; and bounds of its own.

    The file is emptied at each hop: at the end it holds the last one's body.
    """

    file: BinaryIO
    max_bytes: int
    deadline_s: float


@dataclass(slots=True)
class _Trail:
    """What an attempt has gathered so far."""

    seed: Seed
    number: int
    at: datetime
    redirects: list[Hop]
    download: Download | None
    exchanges: list[Exchange] = field(default_factory=list)
    spent_s: float = 0.0

    def ends(self, reason: Reason, *, final_url: str | None = None, **details: object) -> Attempt:
        """The attempt, ended here; one that asked for nothing doesn't count as one."""
        asked = bool(self.exchanges) or reason not in _NOT_ASKED
        return Attempt(
            row=self.seed.row,
            url=self.seed.fetch_url,
            # One text, where nothing redirects: attempts are many.
            final_url=self.seed.fetch_url if final_url == self.seed.fetch_url else final_url,
            number=self.number if asked else self.number - 1,
            reason=reason,
            at=self.exchanges[-1].at if self.exchanges else self.at,
            elapsed_s=round(self.spent_s, 6),
            redirects=tuple(self.redirects),
            wire_bytes=sum(len(exchange.body) for exchange in self.exchanges),
            **details,  # type: ignore[arg-type]  # fields of Attempt, by name
        )


class Fetcher:
    """Makes attempts for one batch.

    Args:
        polite: the way to the network.
        robots: the batch's answers to robots.txt.
        stays: whether a redirect from the first domain to the second may be followed here; one
            that leaves the partition ends the attempt.
    """

    def __init__(
        self, polite: PoliteClient, robots: RobotsCache, *, stays: Callable[[str, str], bool]
    ) -> None:
        self._polite, self._robots, self._stays = polite, robots, stays

    async def attempt(
        self, seed: Seed, number: int, *, download: Download | None = None
    ) -> tuple[Attempt, list[Exchange]]:
        """Try once to fetch a seed, into memory or into a file.

        Raises:
            Stopped: the run is being stopped; nothing was asked for this hop.
            HostHeld, HostRefused: the seed's own host isn't asked now, or any more.
        """
        trail = _Trail(seed, number, datetime.now(UTC), list(seed.redirects), download)
        url = parse_url(seed.fetch_url)
        assert url is not None, "a seed is planned only with a URL that parses"
        while True:
            try:
                ended, following = await self._hop(url, trail)
            except (HostHeld, HostRefused) as unwilling:
                if not trail.exchanges:
                    raise
                return self._left_at(url, unwilling, trail), trail.exchanges
            if following is None:
                return ended, trail.exchanges
            url = following

    def _left_at(self, url: ParsedUrl, unwilling: HostHeld | HostRefused, trail: _Trail) -> Attempt:
        """How an attempt ends at a later hop's host that isn't asked now, or any more."""
        if isinstance(unwilling, HostRefused):
            return trail.ends(unwilling.reason, final_url=url.href)
        http_status = trail.exchanges[-1].http_status
        return trail.ends(
            Reason.DEFERRED, http_status=http_status, final_url=url.href, carry_to=url.href
        )

    async def _hop(self, url: ParsedUrl, trail: _Trail) -> tuple[Attempt, ParsedUrl | None]:
        """Ask for one URL: how the attempt ends here, unless there is a next one."""
        reason = self._polite.refusal(url) or await self._robots_refusal(url, trail)
        if reason is not None:
            return trail.ends(reason, final_url=url.href), None
        found, spent_s = await self._get(url, trail)
        trail.spent_s += spent_s
        if isinstance(found, Reason):
            return trail.ends(found, final_url=url.href), None
        trail.exchanges.append(found)
        target = redirect_target(found)
        if target is None:
            return self._answer(url, found, trail), None
        trail.redirects.append(Hop(url=url.href, status=found.http_status))
        return self._follow(url, target, trail)

    async def _get(self, url: ParsedUrl, trail: _Trail) -> tuple[Exchange | Reason, float]:
        http, download = self._polite.settings.for_host(url.host).http, trail.download
        if download is None:
            return await self._polite.get(
                url,
                deadline_s=http.deadline_s - trail.spent_s,
                max_bytes=http.max_body_bytes,
                listed=trail.seed.given_url,
                conditions=conditions(trail.seed.known, url.href),
            )
        return await self._polite.get(
            url,
            deadline_s=download.deadline_s - trail.spent_s,
            max_bytes=download.max_bytes,
            sink=download.file,
            listed=trail.seed.given_url,
        )

    async def _robots_refusal(self, url: ParsedUrl, trail: _Trail) -> Reason | None:
        settings = self._polite.settings.for_host(url.host).robots
        if not settings.obey:
            return None
        reason, delay_s = await self._robots.verdict(url, again=trail.number > 1)
        if reason is not Reason.OK:
            return reason
        longest_s = settings.max_crawl_delay_s
        if delay_s > longest_s and settings.over_max_crawl_delay == "skip":
            return Reason.CRAWL_DELAY
        self._polite.throttles.of(url.host).slow_to(min(delay_s, longest_s))
        return None

    def _follow(
        self, url: ParsedUrl, target: ParsedUrl | str, trail: _Trail
    ) -> tuple[Attempt, ParsedUrl | None]:
        """The next hop, or how the attempt ends here."""
        http_status = trail.exchanges[-1].http_status
        if isinstance(target, str):
            detail = f"Location: {target[:200]}"
            ended = trail.ends(
                Reason.BAD_REDIRECT, http_status=http_status, final_url=url.href, detail=detail
            )
            return ended, None
        seen = {hop.url for hop in trail.redirects}
        limit = self._polite.settings.for_host(url.host).http.max_redirects
        loops = target.href in seen or len(trail.redirects) > limit
        reason = Reason.REDIRECT_LOOP if loops else Reason.DEFERRED
        ended = trail.ends(
            reason,
            http_status=http_status,
            final_url=target.href,
            carry_to=None if loops else target.href,
        )
        stays = not loops and self._stays(trail.seed.domain, target.domain)
        return ended, target if stays else None

    def _answer(self, url: ParsedUrl, exchange: Exchange, trail: _Trail) -> Attempt:
        reason = unchanged_reason(exchange, trail.seed.known)
        reason = reason or reason_of_status(exchange.http_status)
        wait_s = parse_retry_after(exchange.header("retry-after"), datetime.now(UTC))
        if reason.status in {Status.OK, Status.UNCHANGED} or reason is Reason.NO_CONTENT:
            wait_s = None
        longest = self._polite.settings.for_host(url.host).throttle.max_retry_after_s
        if wait_s is not None and wait_s > longest:
            reason = Reason.DEFERRED
        return trail.ends(
            reason,
            http_status=exchange.http_status,
            final_url=url.href,
            retry_after_s=wait_s,
            **page_facts(exchange),
        )
