"""Errors and status codes as reasons: the only place that tells the one from the other.

In: an HTTP status code, an httpx error (or one of this package), a Retry-After. Out: a `Reason`,
seconds. What isn't foreseen is raised again: it is a bug or trouble of our own, never an outcome.

Source: RFC 9110, sections 10.2.3 (Retry-After) and 15 (status codes).
"""

import errno
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import httpx

from scraper.fetch.addresses import BlockedAddress
from scraper.fetch.answers import BodyCut
from scraper.fetch.decoding import TooLarge, Truncated, Undecodable
from scraper.models import Reason

__all__ = ["parse_retry_after", "reason_of_error", "reason_of_status"]

_YEAR_S = 365 * 86_400.0
_NOT_READY = 202
_NO_CONTENT = frozenset({204, 205})
_TOO_MANY = 429
# Too many open files, no memory: ours, not the host's.
_OUR_ERRNOS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})

# The first that fits counts, so the narrower come before the wider.
_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (TooLarge, Reason.TOO_LARGE),
    (Undecodable, Reason.DECODING),
    (Truncated, Reason.TRUNCATED),
    (BodyCut, Reason.TRUNCATED),
    (httpx.InvalidURL, Reason.INVALID_URL),
    (httpx.UnsupportedProtocol, Reason.INVALID_URL),
    (httpx.TimeoutException, Reason.TIMEOUT),
    (httpx.ConnectError, Reason.CONNECT),
    (httpx.ProxyError, Reason.CONNECT),
    (httpx.NetworkError, Reason.CONNECTION_LOST),
    (httpx.ProtocolError, Reason.PROTOCOL),
    (httpx.DecodingError, Reason.DECODING),
)
_CONNECT_REASONS: tuple[tuple[type[BaseException], Reason], ...] = (
    (socket.gaierror, Reason.DNS),
    (ssl.SSLError, Reason.TLS),
    (aiohttp.ClientConnectorDNSError, Reason.DNS),
    (TimeoutError, Reason.TIMEOUT),
)


def reason_of_status(http_status: int) -> Reason:
    """What the status of an answer that isn't followed means. Raises: nothing."""
    if http_status in _NO_CONTENT:
        return Reason.NO_CONTENT
    if http_status == _NOT_READY:
        return Reason.NOT_READY
    if http_status == _TOO_MANY:
        return Reason.HTTP_429
    hundreds = {2: Reason.OK, 4: Reason.HTTP_4XX, 5: Reason.HTTP_5XX}
    return hundreds.get(http_status // 100, Reason.HTTP_OTHER)


def reason_of_error(error: Exception) -> Reason:
    """What an error of the network, or of a body, means.

    A bare `TimeoutError` is a deadline of ours: those of sockets come as httpx's.

    Raises:
        Exception: the same one, if it is none of these: a bug, or trouble of this machine.
    """
    causes = list(_causes(error))
    if any(_is_ours(cause) for cause in causes):
        raise error
    if isinstance(error, TimeoutError) and error.errno is None:
        return Reason.DEADLINE
    reason = next((reason for kind, reason in _REASONS if isinstance(error, kind)), None)
    if reason is None:
        raise error
    return _reason_of_connect(causes) if isinstance(error, httpx.ConnectError) else reason


def _reason_of_connect(causes: list[BaseException]) -> Reason:
    """Why no connection stands: the innermost cause that tells."""
    for cause in reversed(causes):
        if isinstance(cause, BlockedAddress):
            blocked = cause.verdict == "blocked"
            return Reason.BLOCKED_ADDRESS if blocked else Reason.OUT_OF_SCOPE
        for kind, reason in _CONNECT_REASONS:
            if isinstance(cause, kind):
                return reason
    return Reason.CONNECT


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    # An error that is raised from itself would be its own cause for ever.
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def _is_ours(error: BaseException) -> bool:
    # The numbers of these two are others than the system's.
    if isinstance(error, socket.gaierror | ssl.SSLError):
        return False
    return isinstance(error, OSError) and error.errno in _OUR_ERRNOS


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """The seconds that a server asks us to wait; none if it doesn't say so readably.

    A time that is past is 0, one further off than a year is a year. Raises: nothing.
    """
    text = (text or "").strip()
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit():
        # Python refuses to read numbers of thousands of digits.
        seconds = float(digits.lstrip("0")[:10] or 0)
        return 0.0 if text.startswith("-") else min(seconds, _YEAR_S)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), _YEAR_S)
