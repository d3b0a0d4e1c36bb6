"""robots.txt: what an origin allows us, asked once and through the same throttle as its pages.

In: an origin's answer. Out: whether a URL may be asked, and which delay is wished.
4xx allow all; 5xx, 429 and hanging answers mean disallow for now (`robots_unreachable`); an
origin that can't be reached at all fails with that reason. No answer is used for more than a day.

Source: RFC 9309, section 2.3 (access).
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scraper.fetch.polite import PoliteClient, redirect_target
from scraper.fetch.reasons import parse_retry_after, reason_of_status
from scraper.models import Exchange, Reason, RobotsAnswer
from scraper.robots_rules import MAX_ROBOTS_BYTES, RobotsRules
from scraper.throttle import HostRefused
from scraper.urls import ParsedUrl, parse_url

__all__ = ["MAX_ROBOTS_BYTES", "RobotsCache", "RobotsRules", "reason_of_robots"]

_MAX_HOPS = 5
_LONGEST_USE = timedelta(hours=24)
_UNREACHABLE = frozenset(
    {Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.BLOCKED_ADDRESS, Reason.OUT_OF_SCOPE}
)


def reason_of_robots(reason: Reason, http_status: int | None) -> Reason:
    """What an answer to robots.txt means for the pages of its origin; `ok`: the rules decide."""
    if reason in _UNREACHABLE:
        return reason
    if reason is Reason.HTTP_429 or (reason is not Reason.OK and http_status is None):
        return Reason.ROBOTS_UNREACHABLE
    if http_status is not None and (200 <= http_status < 300 or 400 <= http_status < 500):
        return Reason.OK
    return Reason.ROBOTS_UNREACHABLE


@dataclass(slots=True)
class _Entry:
    answer: RobotsAnswer
    rules: RobotsRules | None
    asked: int

    @property
    def may_ask_again(self) -> bool:
        return self.answer.reason is not Reason.OK and self.asked < 2

    @property
    def is_old(self) -> bool:
        """Whether it is older than RFC 9309 lets an answer be used."""
        return datetime.now(UTC) - self.answer.at > _LONGEST_USE


class RobotsCache:
    """One answer an origin, shared by all rows of a batch.

    Args:
        polite: the way to the network.
        token: our product token, matched against User-agent lines.
        keep: takes each new answer and its exchange, for the archive.
    """

    def __init__(
        self,
        polite: PoliteClient,
        token: str,
        *,
        keep: Callable[[RobotsAnswer, Exchange | None], None],
    ) -> None:
        self._polite, self._token, self._keep = polite, token, keep
        self._entries: dict[str, _Entry] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def known(self, origin: str) -> tuple[RobotsAnswer, RobotsRules | None] | None:
        """What an origin answered, and its rules if it has any; none if it wasn't asked."""
        entry = self._entries.get(origin)
        return None if entry is None else (entry.answer, entry.rules)

    def load(self, answers: Iterable[RobotsAnswer]) -> None:
        """Take in answers that a former batch or a former life of this one was given."""
        for answer in answers:
            known = self._entries.get(answer.origin)
            self._enter(answer, asked=1 if known is None else 2)

    def answers(self) -> list[RobotsAnswer]:
        """What to save, sorted by origin."""
        return [self._entries[origin].answer for origin in sorted(self._entries)]

    async def verdict(self, url: ParsedUrl, *, again: bool) -> tuple[Reason, float]:
        """Whether a URL may be asked: `ok` or why not, and the Crawl-delay in seconds.

        `again` allows the one deferred retry of an answer that failed.

        Raises:
            Stopped: the run is being stopped.
        """
        entry = self._entries.get(url.origin)
        if entry is None or entry.is_old or (again and entry.may_ask_again):
            entry = await self._asked(url.origin, again=again)
        if entry.answer.reason is not Reason.OK:
            return entry.answer.reason, 0.0
        if entry.rules is None:
            return Reason.OK, 0.0
        allowed = entry.rules.allows(url.href)
        return Reason.OK if allowed else Reason.ROBOTS_DISALLOWED, entry.rules.crawl_delay_s

    async def _asked(self, origin: str, *, again: bool) -> _Entry:
        async with self._asking.setdefault(origin, asyncio.Lock()):
            # Another row of this origin may have asked while we waited for the lock.
            entry = self._entries.get(origin)
            if entry is None or entry.is_old:
                return self._enter(await self._ask(origin), asked=1)
            if again and entry.may_ask_again:
                return self._enter(await self._ask(origin), asked=2)
            return entry

    async def _ask(self, origin: str) -> RobotsAnswer:
        """Ask an origin, following up to five redirects, across authorities too."""
        at = datetime.now(UTC)
        url = parse_url(f"{origin}/robots.txt")
        reason, exchange = Reason.REDIRECT_LOOP, None
        for _ in range(_MAX_HOPS + 1):
            if url is None or self._polite.refusal(url) is not None:
                reason, exchange = Reason.BAD_REDIRECT, None
                break
            found = await self._hop(url, own=url.origin == origin)
            if isinstance(found, Reason):
                reason, exchange = found, None
                break
            exchange, target = found, redirect_target(found)
            reason = reason_of_status(found.http_status)
            self._obey_retry_after(url.host, found)
            if target is None:
                break
            url = target if isinstance(target, ParsedUrl) else None
        http_status = exchange.http_status if exchange is not None else None
        answer = RobotsAnswer(
            origin=origin,
            reason=reason_of_robots(reason, http_status),
            http_status=http_status,
            body=exchange.body if exchange is not None else b"",
            content_encoding=exchange.header("content-encoding") if exchange else None,
            at=at,
        )
        self._keep(answer, exchange)
        return answer

    async def _hop(self, url: ParsedUrl, *, own: bool) -> Exchange | Reason:
        deadline_s = self._polite.settings.for_host(url.host).http.deadline_s
        try:
            found, _spent_s = await self._polite.get(
                url, deadline_s=deadline_s, max_bytes=MAX_ROBOTS_BYTES, whole=False
            )
        except HostRefused:
            if own:
                raise
            # Another host, which is not asked any more, would have to say it.
            return Reason.CONNECTION_LOST
        return found

    def _obey_retry_after(self, host: str, exchange: Exchange) -> None:
        now = datetime.now(UTC)
        wait_s = parse_retry_after(exchange.header("retry-after"), now)
        reason = reason_of_robots(reason_of_status(exchange.http_status), exchange.http_status)
        if wait_s is not None and reason is not Reason.OK:
            self._polite.throttles.of(host).wait_for(wait_s, since_s=now.timestamp())

    def _enter(self, answer: RobotsAnswer, *, asked: int) -> _Entry:
        rules = None
        if answer.reason is Reason.OK and (answer.http_status or 0) < 300:
            rules = RobotsRules.from_answer(answer, self._token)
        entry = _Entry(answer=answer, rules=rules, asked=asked)
        self._entries[answer.origin] = entry
        return entry
