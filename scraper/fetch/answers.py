"""An answer as it comes in, and aiohttp's errors as httpx's.

In: an aiohttp response. Out: its body as received, its Transfer-Encoding removed. Whatever ends
it early comes out as an httpx error, the aiohttp one as its cause.

Source: RFC 9112, sections 6 and 8 (where a body ends, and incomplete ones).
"""

from asyncio import Future
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError
from aiohttp.http_exceptions import ContentLengthError, TransferEncodingError
from aiohttp.streams import EMPTY_PAYLOAD

__all__ = ["Answer", "AnswerBody", "BodyCut", "httpx_errors"]


class BodyCut(httpx.RemoteProtocolError):
    """The connection ended before the body did."""


# The first that fits counts, so the narrower come before the wider.
_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (HttpProcessingError, httpx.RemoteProtocolError),
    (aiohttp.ClientError, httpx.ReadError),
    (OSError, httpx.ReadError),
    (ValueError, httpx.LocalProtocolError),
)


@contextmanager
def httpx_errors(request: httpx.Request, *, proxied: bool) -> Iterator[None]:
    """Turn what aiohttp raises inside into what httpx would.

    Raises:
        httpx.TransportError: the aiohttp error is its cause.
    """
    try:
        yield
    except tuple(ours for ours, _ in _ERRORS) as error:
        kind = next(theirs for ours, theirs in _ERRORS if isinstance(error, ours))
        if isinstance(error.__cause__, ContentLengthError | TransferEncodingError):
            kind = BodyCut if isinstance(error, aiohttp.ClientPayloadError) else kind
        elif proxied and isinstance(error, aiohttp.ClientConnectorDNSError):
            # With a proxy, its name is the only one that is looked up here.
            kind = httpx.ProxyError
        raise kind(str(error) or type(error).__name__, request=request) from error


class Answer(aiohttp.ClientResponse):
    """Remembers its connection, which a short body leaves before the answer is handed out."""

    protocol: ResponseHandler | None = None
    peer_ip: str | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Read the status line and the headers. Raises: aiohttp's errors."""
        self.protocol = connection.protocol
        if connection.transport is not None:
            peer = connection.transport.get_extra_info("peername")
            self.peer_ip = peer[0] if isinstance(peer, tuple) else None
        return await super().start(connection)

    def check_framing(self) -> None:
        """See that the body is framed in a way that is undone here.

        Raises:
            aiohttp.ClientPayloadError: it is compressed hop by hop, which nobody asked for.
        """
        framing = self.headers.get("Transfer-Encoding", "chunked").strip().lower()
        if framing not in {"chunked", "identity", ""}:
            self.close()
            raise aiohttp.ClientPayloadError("the Transfer-Encoding isn't chunked alone")

    @property
    def ends_with_connection(self) -> bool:
        """Whether only the end of the connection tells where the body ends."""
        if self.content is EMPTY_PAYLOAD:
            return False
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        return not chunked and "Content-Length" not in self.headers


class AnswerBody(httpx.AsyncByteStream):
    """A body as received, in the pieces in which it comes."""

    def __init__(self, response: Answer, request: httpx.Request, *, proxied: bool) -> None:
        self._response, self._request, self._proxied = response, request, proxied

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with httpx_errors(self._request, proxied=self._proxied), self._watched():
            async for chunk in self._response.content.iter_any():
                yield chunk
            self._check_end()

    async def aclose(self) -> None:
        """Give the connection back, or end it if the body isn't through. Raises: nothing."""
        self._response.close()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Wake the reader when the connection ends: aiohttp doesn't after a bad chunk."""
        protocol = self._response.protocol
        closed = protocol.closed if protocol is not None else None
        if closed is None:
            self._on_closed()
            yield
            return
        closed.remove_done_callback(_retrieve)
        closed.add_done_callback(_retrieve)
        closed.add_done_callback(self._on_closed)
        try:
            yield
        finally:
            closed.remove_done_callback(self._on_closed)

    def _on_closed(self, _closed: "Future[None] | None" = None) -> None:
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(self._connection_error() or aiohttp.ServerDisconnectedError())

    def _check_end(self) -> None:
        """A reset isn't the end of a body, though aiohttp takes it for one."""
        error = self._connection_error()
        if isinstance(error, OSError) and self._response.ends_with_connection:
            raise error

    def _connection_error(self) -> BaseException | None:
        protocol = self._response.protocol
        return protocol.exception() if protocol is not None else None


def _retrieve(closed: "Future[None]") -> None:
    """Look at how a connection ended, so that asyncio doesn't complain that nobody did."""
    if not closed.cancelled():
        closed.exception()
