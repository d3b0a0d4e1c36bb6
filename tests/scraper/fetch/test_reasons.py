import errno
import socket
import ssl
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import ConfigError, StoreError
from scraper.fetch.addresses import BlockedAddress
from scraper.fetch.answers import BodyCut
from scraper.fetch.decoding import TooLarge, Truncated, Undecodable
from scraper.fetch.reasons import parse_retry_after, reason_of_error, reason_of_status
from scraper.models import Reason

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
YEAR_S = 365 * 86_400.0


def expected_reason(http_status: int) -> Reason:
    special = {
        202: Reason.NOT_READY,
        204: Reason.NO_CONTENT,
        205: Reason.NO_CONTENT,
        429: Reason.HTTP_429,
    }
    if http_status in special:
        return special[http_status]
    if 200 <= http_status <= 299:
        return Reason.OK
    if 400 <= http_status <= 499:
        return Reason.HTTP_4XX
    return Reason.HTTP_5XX if 500 <= http_status <= 599 else Reason.HTTP_OTHER


@pytest.mark.parametrize("hundred", range(10))
def test_every_status_has_its_reason(hundred: int):
    for http_status in range(hundred * 100, hundred * 100 + 100):
        assert reason_of_status(http_status) is expected_reason(http_status), http_status


def raised_from(error: Exception, *causes: BaseException) -> Exception:
    """An error with its chain of causes, the innermost last."""
    link: BaseException = error
    for cause in causes:
        link.__cause__ = cause
        link = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), Reason.DEADLINE),
        (httpx.ConnectTimeout(""), Reason.TIMEOUT),
        (httpx.ReadTimeout(""), Reason.TIMEOUT),
        (httpx.WriteTimeout(""), Reason.TIMEOUT),
        (httpx.PoolTimeout(""), Reason.TIMEOUT),
        (httpx.ConnectError(""), Reason.CONNECT),
        (httpx.ProxyError(""), Reason.CONNECT),
        (httpx.ReadError(""), Reason.CONNECTION_LOST),
        (httpx.WriteError(""), Reason.CONNECTION_LOST),
        (httpx.CloseError(""), Reason.CONNECTION_LOST),
        (httpx.RemoteProtocolError(""), Reason.PROTOCOL),
        (httpx.LocalProtocolError(""), Reason.PROTOCOL),
        (BodyCut(""), Reason.TRUNCATED),
        (httpx.DecodingError(""), Reason.DECODING),
        (httpx.InvalidURL(""), Reason.INVALID_URL),
        (httpx.UnsupportedProtocol(""), Reason.INVALID_URL),
        (TooLarge(), Reason.TOO_LARGE),
        (Undecodable(), Reason.DECODING),
        (Truncated(), Reason.TRUNCATED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_an_error_has_its_reason(error: Exception, reason: Reason):
    assert reason_of_error(error) is reason


@pytest.mark.parametrize(
    ("causes", "reason"),
    [
        ([OSError(errno.ECONNREFUSED, "refused")], Reason.CONNECT),
        ([OSError(errno.ENETUNREACH, "unreachable")], Reason.CONNECT),
        ([OSError(errno.ETIMEDOUT, "timed out")], Reason.TIMEOUT),
        ([OSError(), socket.gaierror(socket.EAI_NONAME, "unknown")], Reason.DNS),
        ([OSError(), socket.gaierror(errno.ENOMEM, "a number of its own")], Reason.DNS),
        ([OSError(), BlockedAddress("a.test", "blocked")], Reason.BLOCKED_ADDRESS),
        ([OSError(), BlockedAddress("a.test", "out_of_scope")], Reason.OUT_OF_SCOPE),
        ([OSError(), ssl.SSLCertVerificationError("expired")], Reason.TLS),
        ([ssl.SSLError(1, "wrong version number")], Reason.TLS),
    ],
    ids=[
        "refused",
        "unreachable",
        "system_timeout",
        "dns",
        "dns_number",
        "blocked",
        "denied",
        "certificate",
        "handshake",
    ],
)
def test_why_no_connection_stands_is_told_by_the_cause(causes: list[Exception], reason: Reason):
    assert reason_of_error(raised_from(httpx.ConnectError(""), *causes)) is reason


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        KeyError("a bug"),
        AssertionError("a bug"),
        ConfigError("wrong"),
        StoreError("full"),
        OSError(errno.ENOSPC, "disk full"),
        TimeoutError(errno.ETIMEDOUT, "a store on the network"),
        raised_from(httpx.ConnectError(""), OSError(errno.EMFILE, "too many open files")),
        raised_from(httpx.ReadError(""), OSError(errno.ENOMEM, "no memory")),
    ],
    ids=[
        "value",
        "key",
        "assertion",
        "config",
        "store",
        "disk_full",
        "store_timeout",
        "open_files",
        "memory",
    ],
)
def test_trouble_of_our_own_is_raised_again(error: Exception):
    with pytest.raises(type(error)) as caught:
        reason_of_error(error)

    assert caught.value is error


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        (None, None),
        ("", None),
        ("   ", None),
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("007", 7.0),
        ("-5", 0.0),
        ("1.5", None),
        ("+5", None),
        ("1e3", None),
        ("٣", None),
        ("²", None),
        ("soon", None),
        ("31536001", YEAR_S),
        ("9" * 10_000, YEAR_S),
        ("0" * 10_000 + "1", 1.0),
        ("Sat, 01 Mar 2025 12:00:30 GMT", 30.0),
        ("Sat, 01 Mar 2025 12:00:30", 30.0),
        ("Sat, 01 Mar 2025 12:00:30 -0000", 30.0),
        ("Sat, 01 Mar 2025 13:00:30 +0100", 30.0),
        ("Saturday, 01-Mar-25 12:01:00 GMT", 60.0),
        ("Sat Mar  1 12:01:00 2025", 60.0),
        ("Sat, 01 Mar 2025 11:59:59 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", YEAR_S),
        ("Fri, 31 Feb 2025 00:00:00 GMT", None),
        ("Sat, 01 Mar 2025 12:00:30 +99999999999999", None),
    ],
)
def test_retry_after_is_read_as_seconds(text: str | None, wait_s: float | None):
    assert parse_retry_after(text, NOW) == wait_s


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,9} [A-Z][a-z]{2} \d{1,9} [\d:]* ?[-+]?\w*"))
def test_any_retry_after_is_seconds_or_nothing(text: str):
    wait_s = parse_retry_after(text, NOW)

    assert wait_s is None or 0 <= wait_s <= YEAR_S


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_date_is_a_wait_within_a_year(at: datetime):
    at = at.replace(microsecond=0)
    expected = min(max((at - NOW).total_seconds(), 0.0), YEAR_S)

    # Years of less than three digits are read as ones of this century (RFC 2822).
    if at.year >= 1000:
        assert parse_retry_after(format_datetime(at), NOW) == expected


def test_an_error_that_is_its_own_cause_is_read_but_once():
    error = httpx.ReadError("lost")
    error.__cause__ = error
    assert reason_of_error(error) is Reason.CONNECTION_LOST
