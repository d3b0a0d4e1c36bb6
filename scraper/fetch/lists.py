"""Lists at a URL: fetched to a file, as politely as any page, before a run is planned.

In: a URL. Out: a `FetchedList`, whose file holds the body, decoded. Robots, throttle, retries and
addresses hold as in a run; `lists.max_bytes` and `lists.deadline_s` are the bounds. What won't do
(404, forbidden, too large) is a `ConfigError`, what may do later (503, a timeout) a
`ScraperError`: one line with the URL, the reason and what to do.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import httpx

from scraper.errors import ConfigError, ScraperError
from scraper.fetch.alone import LoneFetcher, open_lone_fetcher, seed_of
from scraper.fetch.hops import Download
from scraper.models import Attempt, Exchange, HostMemory, Reason, Seed
from scraper.seeds import FetchedList
from scraper.settings import HostSettings
from scraper.stopping import StopFlag
from scraper.throttle import HostRefused

__all__ = ["ListFetcher"]

_TO_DO = {
    Reason.ROBOTS_DISALLOWED: "its robots.txt forbids it: ask the site, or give the list as a file",
    Reason.CRAWL_DELAY: "its robots.txt asks for a longer delay than robots.max_crawl_delay_s",
    Reason.BLOCKED_ADDRESS: "a private address or no web port: network.allow, network.ports",
    Reason.OUT_OF_SCOPE: "network.deny or network.only excludes it",
    Reason.TOO_LARGE: "raise lists.max_bytes",
    Reason.DEADLINE: "raise lists.deadline_s",
    Reason.TIMEOUT: "raise http.read_timeout_s, or try again later",
    Reason.DNS: "check the host's name",
    Reason.DEFERRED: "it asks for a longer wait than throttle.max_retry_after_s: try again later",
    Reason.TLS: "its certificate can't be trusted",
}
_LATER = "try again later"
_CHECK = "check the URL"
_TURNS = 5


class ListFetcher:
    """Fetches the lists of one planning; a context manager for a thread without an event loop.

    Connections, robots answers and waits hold over all its fetches.

    Args:
        settings: of the run.
        folder: where the files go; they stay there.
        stop: ends every wait between requests.
        transport: where to send requests instead of the network.
    """

    def __init__(
        self,
        settings: HostSettings,
        folder: Path,
        *,
        stop: StopFlag | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._lists, self._folder, self._fetched = settings.all.lists, folder, 0
        self._opening = open_lone_fetcher(settings, stop=stop, transport=transport)
        self._runner, self._stack = asyncio.Runner(), AsyncExitStack()
        self._fetcher: LoneFetcher | None = None

    def __enter__(self) -> "ListFetcher":
        try:
            self._fetcher = self._runner.run(self._stack.enter_async_context(self._opening))
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._runner.run(self._stack.aclose())
        finally:
            self._runner.close()

    def __call__(self, url: str) -> FetchedList:
        """Fetch the list at a URL, redirects and retries included.

        Raises:
            ConfigError: it can't be had: the URL, the host, the answer or its size won't do.
            ScraperError: it couldn't be had now.
            Stopped: the stop flag was set.
        """
        seed = seed_of(url)
        self._fetched += 1
        path = self._folder / f"fetched-{self._fetched:06d}"
        try:
            with path.open("wb") as file:
                last, exchanges = self._runner.run(self._fetch(seed, file))
        except HostRefused as refused:
            raise _error(url, refused.reason) from refused
        if last.reason is not Reason.OK:
            raise _error(url, last.reason, last)
        answer = exchanges[-1]
        return FetchedList(path=path, url=answer.url, content_type=answer.header("content-type"))

    def memories(self) -> list[HostMemory]:
        """What a run must know of the hosts that were asked. Raises: nothing."""
        return self._fetcher.memories() if self._fetcher is not None else []

    async def _fetch(self, seed: Seed, file: BinaryIO) -> tuple[Attempt, list[Exchange]]:
        assert self._fetcher is not None, "entered before it is called"
        # Between two fetches the loop stood still: it hears now of connections that were closed.
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        download = Download(
            file=file, max_bytes=self._lists.max_bytes, deadline_s=self._lists.deadline_s
        )
        return await self._fetcher.fetch(seed, download=download)


def _error(url: str, reason: Reason, last: Attempt | None = None) -> ScraperError:
    """One line: which list, why, and what to do about it."""
    http_status = last.http_status if last is not None else None
    may_heal = reason.is_transient(http_status) or reason.heals or reason is Reason.HOST_GIVEN_UP
    status = f" (HTTP {http_status})" if http_status is not None else ""
    final_url = last.final_url if last is not None else None
    elsewhere = f" at {final_url}" if final_url not in {None, url, seed_of(url).fetch_url} else ""
    to_do = _TO_DO.get(reason, _LATER if may_heal else _CHECK)
    kind = ScraperError if may_heal else ConfigError
    return kind(f"{url}: the list can't be fetched: {reason}{status}{elsewhere}; {to_do}")
