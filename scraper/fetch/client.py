"""The client: one GET, bounded, as an `Exchange`. The seam is httpx's own `transport=`.

In: a URL in WHATWG form. Out: the exchange, its body as received. Raises httpx errors and those
of `scraper.fetch.decoding`; `scraper.fetch.reasons` is the only place that reads them.
No cookies are kept, no redirects followed, no retries made: those are others' decisions.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import BinaryIO

import httpx

from scraper.credentials import NO_MORE, MoreHeaders, proxy_url
from scraper.errors import ConfigError
from scraper.fetch.addresses import AddressGuard
from scraper.fetch.conditions import Conditions
from scraper.fetch.decoding import BodyCheck, TooLarge
from scraper.fetch.mocks import active_mocks, refuse_bypassed_mock
from scraper.fetch.resolver import GuardedResolver
from scraper.fetch.transport import AiohttpTransport
from scraper.models import Exchange
from scraper.product import PRODUCT, VERSION
from scraper.settings_table import Http, Network

__all__ = ["Client", "address_guard", "open_client", "require_contact", "user_agent"]

_NO_BODY = httpx.ByteStream(b"")
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def user_agent(http: Http) -> str:
    """Who we say we are: `name/version (+contact)`."""
    contact = f" (+{http.contact})" if http.contact else ""
    return http.user_agent or f"{PRODUCT}/{VERSION}{contact}"


def address_guard(http: Http, network: Network) -> AddressGuard:
    """Which addresses may be asked: without a contact, only those that are let through."""
    return AddressGuard(
        allow=network.allow,
        deny=network.deny,
        only=network.only,
        ports=network.ports,
        public=http.contact is not None,
    )


@asynccontextmanager
async def open_client(
    http: Http, network: Network, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator["Client"]:
    """Open the client of one event loop.

    Raises:
        ConfigError: a respx mock is active that our transport would bypass.
    """
    if transport is None:
        refuse_bypassed_mock()
        transport = AiohttpTransport(
            GuardedResolver(address_guard(http, network), timeout_s=http.connect_timeout_s),
            connections=http.connections,
            proxy=proxy_url(http.proxy, os.environ),
            connect_timeout_s=http.connect_timeout_s,
            read_timeout_s=http.read_timeout_s,
        )
    jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx.AsyncClient(
        transport=transport,
        cookies=jar,
        trust_env=False,
        follow_redirects=False,
        event_hooks={"response": [_hide_redirect]},
    ) as client:
        yield Client(
            client, http, own=transport if isinstance(transport, AiohttpTransport) else None
        )


def require_contact(http: Http, guard: AddressGuard, host: str) -> None:
    """No contact, no request to the open network.

    Raises:
        ConfigError: the host is public and nobody says who asks.
    """
    if http.contact is None and guard.is_public(host):
        raise ConfigError(
            f"http.contact is not set, and {host} is a public host: say who asks, with "
            "--set http.contact=you@example.org (or a URL), in the crawl file or in "
            "SCRAPER_HTTP__CONTACT; a private host is let through by network.allow"
        )


class Client:
    """A polite GET over an httpx client, or over our transport itself. Made by `open_client`."""

    def __init__(
        self, client: httpx.AsyncClient, http: Http, *, own: AiohttpTransport | None = None
    ) -> None:
        self._client, self._http, self._own = client, http, own
        self._headers = [
            (b"User-Agent", user_agent(http).encode()),
            (b"Accept", _ACCEPT.encode()),
            (b"Accept-Encoding", b"gzip, deflate"),
        ]
        self._timeout = {
            "connect": http.connect_timeout_s,
            "read": http.read_timeout_s,
            "write": http.read_timeout_s,
            "pool": None,
        }

    async def get(
        self,
        url: str,
        *,
        deadline_s: float,
        max_bytes: int,
        whole: bool = True,
        sink: BinaryIO | None = None,
        more: MoreHeaders = NO_MORE,
        conditions: Conditions = (),
    ) -> Exchange:
        """Ask once for a URL.

        Args:
            url: absolute, http(s), in WHATWG form.
            deadline_s: for all of it, from the first byte sent to the last received.
            max_bytes: of the decoded body, and of the body on the wire.
            whole: a larger body is an error; else it is cut.
            sink: a file that takes the decoded body, emptied first; the exchange then has none.
            more: headers beyond ours, and the host's own proxy.
            conditions: headers that make the request a conditional one.

        Raises:
            httpx.HTTPError, ScraperError, TimeoutError: see `reason_of_error`.
        """
        # A request built by hand, down to its Host, costs a quarter of `client.build_request`.
        target = httpx.URL(url)
        asked_if = [(name.encode(), value.encode()) for name, value in conditions]
        request = httpx.Request(
            "GET",
            target,
            headers=[(b"Host", target.netloc), *more.over(self._headers), *asked_if],
            stream=_NO_BODY,
            extensions={"timeout": self._timeout, "whatwg_url": url, "proxy": more.proxy},
        )
        at, start = datetime.now(UTC), time.perf_counter()
        async with asyncio.timeout(deadline_s):
            response = await self._send(request)
            try:
                body = await _read_body(response, max_bytes, whole=whole, sink=sink)
            finally:
                await response.aclose()
        return Exchange(
            url=url,
            request_headers=more.redacted(request.headers.raw),
            http_status=response.status_code,
            http_reason=response.extensions.get("reason_phrase", b""),
            response_headers=response.extensions.get("headers_received")
            or tuple(response.headers.raw),
            body=body,
            at=at,
            elapsed_s=time.perf_counter() - start,
            ip=response.extensions.get("peer_ip"),
        )

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """Past httpx's own layers, unless one has to do something: a mock, a name and password."""
        if self._own is None or request.url.userinfo or active_mocks():
            return await self._client.send(request, stream=True)
        return await self._own.handle_async_request(request)


async def _hide_redirect(response: httpx.Response) -> None:
    """Keep Location from httpx: it reads it though it doesn't follow, and fails on nonsense."""
    response.extensions["headers_received"] = tuple(response.headers.raw)
    response.headers.pop("location", None)


async def _read_body(
    response: httpx.Response, max_bytes: int, *, whole: bool, sink: BinaryIO | None
) -> bytes:
    declared = response.headers.get("content-length", "")
    # Python refuses to read numbers of thousands of digits.
    declared = declared[:20]
    if whole and declared.isascii() and declared.isdigit() and int(declared) > max_bytes:
        raise TooLarge(f"Content-Length {declared} is over {max_bytes} bytes")
    check = BodyCheck(response.headers.get("content-encoding"), max_bytes, sink=sink)
    pieces: list[bytes] = []
    if sink is not None:
        sink.seek(0)
        sink.truncate()
    # `response.stream` is the body as received; `aiter_raw` fails on a mocked response.
    async for chunk in _chunks(response):
        if sink is None:
            pieces.append(chunk)
        try:
            check.feed(chunk)
        except TooLarge:
            if whole:
                raise
            return b"".join(pieces)[:max_bytes]
    check.finish()
    return b"".join(pieces)


def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    return stream.__aiter__()
