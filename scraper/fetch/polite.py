"""The one way to the network: through the host's throttle, with errors turned into reasons."""

import os
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import BinaryIO

from scraper.credentials import NO_MORE, MoreHeaders, SiteRequest, site_request
from scraper.fetch.addresses import AddressGuard, Verdict
from scraper.fetch.client import Client
from scraper.fetch.conditions import Conditions
from scraper.fetch.cookies import Cookies
from scraper.fetch.reasons import reason_of_error
from scraper.models import Exchange, Reason
from scraper.settings import HostSettings
from scraper.throttle import Throttles
from scraper.urls import ParsedUrl, join_url, parse_url

__all__ = ["PoliteClient", "redirect_target"]

_VERDICTS = 4096
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class PoliteClient:
    """Asks for one URL when its host may be asked.

    Args:
        client: asks.
        settings: of the run, and of each host.
        guard: which hosts may be asked at all.
        throttles: the batch's.
    """

    def __init__(
        self, client: Client, settings: HostSettings, guard: AddressGuard, throttles: Throttles
    ) -> None:
        self.settings, self.throttles = settings, throttles
        self._client = client
        self._verdict = lru_cache(maxsize=_VERDICTS)(partial(_verdict, guard))
        self._cookies = Cookies()
        self._sites: dict[str, SiteRequest] = {}

    def refusal(self, url: ParsedUrl) -> Reason | None:
        """Why a URL may never be asked, if it may not. Raises: nothing."""
        verdict = self._verdict(url.origin)
        if verdict == "ok":
            return None
        return Reason.BLOCKED_ADDRESS if verdict == "blocked" else Reason.OUT_OF_SCOPE

    async def get(
        self,
        url: ParsedUrl,
        *,
        deadline_s: float,
        max_bytes: int,
        whole: bool = True,
        sink: BinaryIO | None = None,
        listed: str | None = None,
        conditions: Conditions = (),
    ) -> tuple[Exchange | Reason, float]:
        """Wait for the host's turn and ask: the answer or why there is none, and seconds spent.

        With `whole` false a body over `max_bytes` is cut there; a `sink` takes it, decoded.
        `listed` is the URL that the list named: a site's credentials go to its origin only.

        Raises:
            Stopped: the run is being stopped; nothing was asked.
        """
        throttle = self.throttles.of(url.host)
        async with throttle.slot():
            start = datetime.now(UTC)
            try:
                exchange = await self._client.get(
                    url.href,
                    deadline_s=max(0.001, deadline_s),
                    max_bytes=max_bytes,
                    whole=whole,
                    sink=sink,
                    more=self._more(url, listed),
                    conditions=conditions,
                )
            except Exception as error:
                # What is not of the network is raised again there.
                reason = reason_of_error(error)
                return reason, (datetime.now(UTC) - start).total_seconds()
            throttle.started(exchange.at.timestamp())
        if self.settings.all.http.cookies == "run":
            self._cookies.learn(url.origin, exchange)
        return exchange, exchange.elapsed_s

    def _more(self, url: ParsedUrl, listed: str | None) -> MoreHeaders:
        """What this site's requests bear beyond ours."""
        if not self.settings.by_host and self.settings.all.http.cookies == "none":
            return NO_MORE
        site = self._sites.get(url.host)
        if site is None:
            settings = self.settings.for_host(url.host)
            site = self._sites[url.host] = site_request(settings, os.environ, host=url.host)
        is_listed = listed is not None and _is_same_site(listed, url)
        return site.more(is_listed_origin=is_listed, cookie=self._cookies.header(url.origin))


def _is_same_site(listed: str, url: ParsedUrl) -> bool:
    """Whether a URL is of the origin that the list named, or of its secure form."""
    named = parse_url(listed)
    if named is None:
        return False
    return url.origin in {named.origin, f"https://{named.origin.removeprefix('http://')}"}


def redirect_target(exchange: Exchange) -> ParsedUrl | str | None:
    """Where a redirect leads: a URL; the text of a target that is none; none: no redirect."""
    if exchange.http_status not in _REDIRECTS:
        return None
    target = _as_utf_8(exchange.header("location") or "")
    if not target:
        return None
    joined = join_url(exchange.url, target)
    return (parse_url(joined) if joined is not None else None) or target


def _as_utf_8(text: str) -> str:
    """What isn't ASCII in a header is UTF-8 if it can be, as browsers read it."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


def _verdict(guard: AddressGuard, origin: str) -> Verdict:
    url = parse_url(origin)
    assert url is not None, "it is the origin of a URL that was parsed"
    return guard.url_verdict(url)
