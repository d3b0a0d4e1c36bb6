"""What servers do to hurt: a name, what goes over the wire and when, and what must come of it."""

import gzip
from typing import NamedTuple

from scraper.models import Reason
from tests.scraper.fetch.scripted import Endless, Script, Step

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
PAGE = b"<title>A page</title><p>Its text"
CAP = 200_000
"""Bytes of a body, for these tests."""


class Hostile(NamedTuple):
    script: Script
    reason: Reason


def whole(body: bytes, *headers: bytes, first: bytes = OK) -> bytes:
    """An answer whose length is right."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return first + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
DRIP = Endless((b"a", Step.PAUSE))

BEFORE_THE_ANSWER = {
    "says nothing": Hostile([Step.HANG], Reason.TIMEOUT),
    "closes at once": Hostile([Step.CLOSE], Reason.CONNECTION_LOST),
    "resets at once": Hostile([Step.RESET], Reason.CONNECTION_LOST),
    "an empty line only": Hostile([b"\r\n\r\n", Step.HANG], Reason.TIMEOUT),
    "is no web server": Hostile([b"220 smtp ESMTP ready\r\n", Step.HANG], Reason.PROTOCOL),
    "speaks HTTP/2": Hostile([b"\0\0\x12\4\0\0\0\0\0", Step.HANG], Reason.PROTOCOL),
    "speaks HTTP/0.9": Hostile([b"<html>hello</html>\r\n", Step.CLOSE], Reason.PROTOCOL),
    "sends noise": Hostile([bytes(range(256)) * 8, Step.HANG], Reason.PROTOCOL),
    "a version of the future": Hostile([b"HTTP/9.9 200 OK\r\n\r\n"], Reason.PROTOCOL),
    "a status of two digits": Hostile([b"HTTP/1.1 20 OK\r\n\r\n"], Reason.PROTOCOL),
    "a status of words": Hostile([b"HTTP/1.1 OK 200\r\n\r\n"], Reason.PROTOCOL),
    "status 999": Hostile([whole(PAGE, first=b"HTTP/1.1 999 No\r\n")], Reason.HTTP_OTHER),
    "status 099": Hostile([whole(PAGE, first=b"HTTP/1.1 099 No\r\n")], Reason.HTTP_OTHER),
    "an endless status line": Hostile(
        [b"HTTP/1.1 200 ", Endless((b"a" * 60_000,))], Reason.PROTOCOL
    ),
    "a status line that drips": Hostile([b"HTTP/1.1 200 ", DRIP], Reason.DEADLINE),
    "endless 100 Continue": Hostile(
        [Endless((b"HTTP/1.1 100 Continue\r\n\r\n",))], Reason.DEADLINE
    ),
    "endless 103 that drip": Hostile(
        [Endless((b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", Step.PAUSE))], Reason.DEADLINE
    ),
    "switches protocols": Hostile(
        [b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", Step.HANG], Reason.HTTP_OTHER
    ),
}
HEADERS = {
    "an endless header": Hostile([OK + b"X: ", Endless((b"a" * 60_000,))], Reason.PROTOCOL),
    "endless headers": Hostile([OK, Endless((b"X: a\r\n" * 500,))], Reason.PROTOCOL),
    "endless small headers that drip": Hostile(
        [OK, Endless((b"X: a\r\n", Step.PAUSE))], Reason.DEADLINE
    ),
    "a header that drips": Hostile([OK + b"X: ", DRIP], Reason.DEADLINE),
    "headers that stop": Hostile([OK + b"X: a", Step.HANG], Reason.TIMEOUT),
    "headers that are cut": Hostile([OK + b"X: a", Step.CLOSE], Reason.CONNECTION_LOST),
    "a folded header": Hostile([whole(PAGE, b"X: a\r\n b")], Reason.OK),
    "a header without a colon": Hostile([whole(PAGE, b"nonsense")], Reason.PROTOCOL),
    "a header without a name": Hostile([whole(PAGE, b": a")], Reason.PROTOCOL),
    "a space before the colon": Hostile([whole(PAGE, b"X : a")], Reason.PROTOCOL),
    "a NUL in a header": Hostile([whole(PAGE, b"X: a\0b")], Reason.PROTOCOL),
    "a bare CR in a header": Hostile([whole(PAGE, b"X: a\rSet-Cookie: b")], Reason.PROTOCOL),
    "a header in Latin-1": Hostile([whole(PAGE, b"X: caf\xe9")], Reason.OK),
    "a header in no charset": Hostile([whole(PAGE, b"X: \xff\xfe\xed\xa0\x80")], Reason.OK),
    "a type of noise": Hostile([whole(PAGE, b"Content-Type: \xff/\xff; charset=\xff")], Reason.OK),
    "250 cookies": Hostile([whole(PAGE, *[b"Set-Cookie: a=b"] * 250)], Reason.OK),
}
LENGTHS = {
    "longer than it is": Hostile(
        [OK + b"Content-Length: 999\r\n\r\n" + PAGE, Step.CLOSE], Reason.TRUNCATED
    ),
    "longer, and hangs": Hostile(
        [OK + b"Content-Length: 999\r\n\r\n" + PAGE, Step.HANG], Reason.TIMEOUT
    ),
    "longer, and resets": Hostile(
        [OK + b"Content-Length: 999\r\n\r\n" + PAGE, Step.PAUSE, Step.RESET], Reason.TRUNCATED
    ),
    "shorter than it is": Hostile(
        [OK + b"Content-Length: 21\r\n\r\n" + PAGE, Step.CLOSE], Reason.PROTOCOL
    ),
    "nothing, but there is": Hostile([OK + b"Content-Length: 0\r\n\r\n" + PAGE], Reason.PROTOCOL),
    "no number": Hostile([OK + b"Content-Length: x\r\n\r\n" + PAGE], Reason.PROTOCOL),
    "negative": Hostile([OK + b"Content-Length: -1\r\n\r\n" + PAGE], Reason.PROTOCOL),
    "with a sign": Hostile([OK + b"Content-Length: +32\r\n\r\n" + PAGE], Reason.PROTOCOL),
    "hexadecimal": Hostile([OK + b"Content-Length: 0x20\r\n\r\n" + PAGE], Reason.PROTOCOL),
    "two that differ": Hostile(
        [OK + b"Content-Length: 5\r\nContent-Length: 32\r\n\r\n" + PAGE], Reason.PROTOCOL
    ),
    "of a thousand digits": Hostile(
        [OK + b"Content-Length: " + b"9" * 1000 + b"\r\n\r\n", Step.HANG], Reason.PROTOCOL
    ),
    "over the cap": Hostile(
        [OK + b"Content-Length: 999999999\r\n\r\n", Step.HANG], Reason.TOO_LARGE
    ),
    "and chunks": Hostile(
        [
            OK
            + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunk(PAGE)
            + b"0\r\n\r\n"
        ],
        Reason.PROTOCOL,
    ),
    "missing, cut by the end": Hostile([OK + b"\r\n" + PAGE, Step.CLOSE], Reason.OK),
    "missing, reset": Hostile(
        [OK + b"\r\n" + PAGE, Step.PAUSE, Step.RESET], Reason.CONNECTION_LOST
    ),
}
CHUNKS = {
    "cut in a chunk": Hostile([CHUNKED + b"20\r\n<title>", Step.CLOSE], Reason.TRUNCATED),
    "cut between chunks": Hostile([CHUNKED + chunk(PAGE), Step.CLOSE], Reason.TRUNCATED),
    "cut before the last line": Hostile(
        [CHUNKED + chunk(PAGE) + b"0\r\n", Step.CLOSE], Reason.TRUNCATED
    ),
    "no size": Hostile([CHUNKED + b"\r\n" + PAGE, Step.HANG], Reason.PROTOCOL),
    "a size of noise": Hostile([CHUNKED + b"zz\r\n" + PAGE, Step.HANG], Reason.PROTOCOL),
    "a negative size": Hostile([CHUNKED + b"-5\r\n" + PAGE, Step.HANG], Reason.PROTOCOL),
    "a size beyond all": Hostile(
        [CHUNKED + b"f" * 40 + b"\r\n" + PAGE, Step.HANG], Reason.PROTOCOL
    ),
    "more than its size": Hostile(
        [CHUNKED + b"5\r\n" + PAGE + b"\r\n0\r\n\r\n", Step.HANG], Reason.PROTOCOL
    ),
    "an endless size": Hostile([CHUNKED, Endless((b"0" * 60_000,))], Reason.DEADLINE),
    "an endless extension": Hostile([CHUNKED + b"5;", Endless((b"a" * 60_000,))], Reason.DEADLINE),
    "endless trailers": Hostile(
        [CHUNKED + chunk(PAGE) + b"0\r\n", Endless((b"X: a\r\n" * 500,))], Reason.PROTOCOL
    ),
    "endless chunks": Hostile([CHUNKED, Endless((chunk(b"a" * 50_000),))], Reason.TOO_LARGE),
    "endless chunks of one byte": Hostile(
        [CHUNKED, Endless((chunk(b"a"), Step.PAUSE))], Reason.DEADLINE
    ),
    "no chunks, though it says so": Hostile([CHUNKED + PAGE, Step.HANG], Reason.PROTOCOL),
    "gzip by transfer": Hostile(
        [OK + b"Transfer-Encoding: gzip\r\n\r\n" + gzip.compress(PAGE), Step.CLOSE], Reason.PROTOCOL
    ),
    "chunked, then gzip": Hostile(
        [OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + chunk(PAGE), Step.CLOSE],
        Reason.PROTOCOL,
    ),
}
REDIRECTS = {
    "to itself": Hostile(
        [b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"], Reason.REDIRECT_LOOP
    ),
    "on and on": Hostile(
        [b"HTTP/1.1 302 Found\r\nLocation: ?a\r\nContent-Length: 0\r\n\r\n"], Reason.REDIRECT_LOOP
    ),
    "to nowhere": Hostile([b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"], Reason.HTTP_OTHER),
    "to noise": Hostile(
        [b"HTTP/1.1 302 Found\r\nLocation: http://[\xff\xfe]/\r\nContent-Length: 0\r\n\r\n"],
        Reason.BAD_REDIRECT,
    ),
    "to a file": Hostile(
        [b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"],
        Reason.BAD_REDIRECT,
    ),
    "to the metadata": Hostile(
        [b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"],
        Reason.BLOCKED_ADDRESS,
    ),
    "to Redis": Hostile(
        [b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:6379/\r\nContent-Length: 0\r\n\r\n"],
        Reason.BLOCKED_ADDRESS,
    ),
    "with an endless body": Hostile(
        [b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", Endless((b"a" * 50_000,))], Reason.TOO_LARGE
    ),
    "to 30 KB": Hostile(
        [b"HTTP/1.1 302 Found\r\nLocation: /" + b"a" * 30_000 + b"\r\nContent-Length: 0\r\n\r\n"],
        Reason.REDIRECT_LOOP,
    ),
}
