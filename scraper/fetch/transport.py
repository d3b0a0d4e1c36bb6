"""The transport under httpx: aiohttp's connections, httpx's requests, answers and errors.

In: an `httpx.Request`, its URL in WHATWG form. Out: an `httpx.Response` whose stream is the body
as received, its Transfer-Encoding removed. Every failure of the network comes out as an httpx
error, the aiohttp one as its cause. Exactly one request is sent for each one given: nothing is
asked again, redirected, decoded, or added to its headers. Times in seconds, 0 for no limit.

Source: httpx's transport API; RFC 9112, section 9 (connections).
"""

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDict
from yarl import URL

from scraper.fetch.answers import Answer, AnswerBody, httpx_errors

__all__ = ["AiohttpTransport"]

_MAX_HEADER_BYTES = 32_768
_MAX_HEADERS = 256
_READ_BYTES = 65_536
# Hosts take turns: with fewer idle connections than hosts each of them connects anew.
_IDLE_FOR_EACH_USED, _MOST_IDLE = 4, 512


class _LostOnce(aiohttp.ClientError):
    """A lost connection, hidden from aiohttp's own retry."""


async def _ask_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a GET a second time, at once, on a new connection."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _LostOnce(str(error)) from error


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends httpx's requests over aiohttp's connections. Belongs to one event loop.

    Args:
        resolver: gives the addresses of names; closed with the transport. With a proxy it isn't
            asked, since the proxy looks names up.
        connections: in use at once; four times as many are kept alive, up to 512.
        proxy: URL of an HTTP proxy.
        connect_timeout_s: until a connection stands, TLS included.
        read_timeout_s: between two pieces of an answer.
    """

    def __init__(
        self,
        resolver: AbstractResolver,
        *,
        connections: int,
        proxy: str | None = None,
        connect_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        self._resolver, self._connections, self._proxy = resolver, connections, proxy
        self._timeout = aiohttp.ClientTimeout(
            sock_connect=connect_timeout_s, sock_read=read_timeout_s
        )
        self._idle = max(connections, min(_IDLE_FOR_EACH_USED * connections, _MOST_IDLE))
        self._session: aiohttp.ClientSession | None = None
        self._kept: set[ResponseHandler] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        The extension `whatwg_url` is its URL as it shall go out, else httpx's form of it, `proxy`
        one for this request alone, whose name is looked up like any other. The
        answer's extension `peer_ip` is the address that was asked, none behind a proxy.

        Raises:
            httpx.TransportError: what the network did.
        """
        proxy = request.extensions.get("proxy") or self._proxy
        proxied = proxy is not None
        with httpx_errors(request, proxied=proxied):
            answer = await self._open_session().request(
                request.method,
                _yarl_url(str(request.extensions.get("whatwg_url") or request.url)),
                headers=CIMultiDict(
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in request.headers.raw
                ),
                data=await request.aread() or None,
                allow_redirects=False,
                proxy=proxy,
            )
            assert isinstance(answer, Answer)
            answer.check_framing()
        self._limit_idle(answer)
        http = answer.version or aiohttp.HttpVersion11
        return httpx.Response(
            answer.status,
            headers=list(answer.raw_headers),
            stream=AnswerBody(answer, request, proxied=proxied),
            request=request,
            extensions={
                "http_version": f"HTTP/{http.major}.{http.minor}".encode(),
                "reason_phrase": (answer.reason or "").encode("utf-8", "surrogateescape"),
                "peer_ip": None if proxied else answer.peer_ip,
            },
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    def _open_session(self) -> aiohttp.ClientSession:
        """The session, made where a loop runs."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections,
                    resolver=self._resolver if self._proxy is None else aiohttp.ThreadedResolver(),
                    # The resolver has a cache of its own, which is bounded.
                    use_dns_cache=False,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                response_class=Answer,
                middlewares=(_ask_once,),
                timeout=self._timeout,
                trust_env=False,
                auto_decompress=False,
                read_bufsize=_READ_BYTES,
                max_line_size=_MAX_HEADER_BYTES,
                max_field_size=_MAX_HEADER_BYTES,
                max_headers=_MAX_HEADERS,
            )
        return self._session

    def _limit_idle(self, answer: Answer) -> None:
        """Keep few connections alive: aiohttp's limit doesn't count the idle ones."""
        protocol = answer.protocol
        if protocol is None or protocol in self._kept:
            return
        if len(self._kept) >= self._idle:
            self._kept = {kept for kept in self._kept if kept.is_connected()}
        if len(self._kept) < self._idle:
            self._kept.add(protocol)
        elif answer.connection is None:
            # A body that came whole has given its connection back already.
            protocol.close()
        else:
            protocol.force_close()


def _yarl_url(text: str) -> URL:
    """A URL as it stands, not quoted anew; its user went into the headers (httpx)."""
    url = URL(text, encoded=True)
    return url if url.raw_user is None and url.raw_password is None else url.with_user(None)
