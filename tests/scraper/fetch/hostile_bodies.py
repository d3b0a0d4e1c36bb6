"""Bodies that servers send to hurt, whole or coded; and all that servers do, by name."""

import gzip
import zlib

import brotli
from backports import zstd

from scraper.models import Reason
from tests.scraper.fetch.hostile import (
    BEFORE_THE_ANSWER,
    CHUNKS,
    DRIP,
    HEADERS,
    LENGTHS,
    OK,
    PAGE,
    REDIRECTS,
    Hostile,
    chunk,
    whole,
)
from tests.scraper.fetch.scripted import Endless, Step


def coded(coding: bytes, body: bytes) -> list[bytes]:
    return [whole(body, b"Content-Encoding: " + coding)]


ZEROS = bytes(30_000_000)
GZIP_BOMB = gzip.compress(ZEROS)
BODIES = {
    "endless": Hostile([OK + b"\r\n", Endless((b"a" * 50_000,))], Reason.TOO_LARGE),
    "drips": Hostile([OK + b"\r\n", DRIP], Reason.DEADLINE),
    "drips its length": Hostile([OK + b"Content-Length: 90000\r\n\r\n", DRIP], Reason.DEADLINE),
    "stops": Hostile([OK + b"\r\n" + PAGE, Step.HANG], Reason.TIMEOUT),
    "empty": Hostile([whole(b"")], Reason.NO_CONTENT),
    "blanks": Hostile([whole(b" \r\n\t" * 999)], Reason.NO_CONTENT),
    "NULs": Hostile([whole(bytes(9_999))], Reason.NO_CONTENT),
    "NULs in a page": Hostile([whole(b"\0<ti\0tle>A\0 page</title>\0")], Reason.OK),
    "lone surrogates": Hostile([whole(b"<title>\xed\xa0\x80 &#xD800; \\ud800</title>")], Reason.OK),
    "no charset at all": Hostile([whole(bytes(range(1, 256)) * 9)], Reason.OK),
    "a charset of its own": Hostile(
        [whole(PAGE, b"Content-Type: text/html; charset=zlib")], Reason.OK
    ),
    "UTF-7": Hostile([whole(PAGE, b"Content-Type: text/html; charset=utf-7")], Reason.OK),
    "half of UTF-16": Hostile(
        [whole(b"\xff\xfe<", b"Content-Type: text/html; charset=utf-16")], Reason.OK
    ),
    "deep": Hostile([whole(b"<div>" * 20_000 + b"x")], Reason.OK),
    "deep formatting": Hostile([whole(b"<b><i>" * 2_000 + b"x")], Reason.OK),
    "a tag without end": Hostile([whole(b"<title>x</title><a " + b"b=c " * 20_000)], Reason.OK),
    "an attribute without end": Hostile(
        [whole(b"<title>x</title><a b='" + b"c" * 90_000)], Reason.OK
    ),
    "a comment without end": Hostile([whole(b"<title>x</title><!--" + b"-" * 90_000)], Reason.OK),
    "many attributes": Hostile(
        [whole(b"<title>x</title><a" + b"".join(b" a%d=1" % n for n in range(9_999)) + b">")],
        Reason.OK,
    ),
    "entities": Hostile([whole(b"<title>" + b"&amp;" * 20_000 + b"</title>")], Reason.OK),
    "JSON-LD that nests": Hostile(
        [
            whole(
                b'<title>x</title><script type="application/ld+json">'
                + b"[" * 90_000
                + b"</script>"
            )
        ],
        Reason.OK,
    ),
    "JSON-LD of huge numbers": Hostile(
        [
            whole(
                b'<title>x</title><script type="application/ld+json">'
                + b"9" * 90_000
                + b"</script>"
            )
        ],
        Reason.OK,
    ),
    "a base that is none": Hostile(
        [whole(b"<base href='http://[::1'><title>x</title><a href='//[x'>y</a>")], Reason.OK
    ),
    "a program": Hostile(
        [whole(b"\x7fELF" + bytes(99), b"Content-Type: application/x-elf")], Reason.OK
    ),
}
CODINGS = {
    "says gzip, isn't": Hostile(coded(b"gzip", PAGE), Reason.DECODING),
    "says br, isn't": Hostile(coded(b"br", PAGE), Reason.DECODING),
    "says zstd, isn't": Hostile(coded(b"zstd", PAGE), Reason.DECODING),
    "says deflate, isn't": Hostile(coded(b"deflate", b"\xff" * 99), Reason.DECODING),
    "says compress": Hostile(coded(b"compress", b"\x1f\x9d" + PAGE), Reason.DECODING),
    "says what is none": Hostile(coded(b"UTF-8", PAGE), Reason.OK),
    "gzip, cut": Hostile(coded(b"gzip", gzip.compress(PAGE)[:-9]), Reason.TRUNCATED),
    "zstd, cut": Hostile(coded(b"zstd", zstd.compress(PAGE)[:-3]), Reason.TRUNCATED),
    "gzip, wrong sum": Hostile(
        coded(b"gzip", gzip.compress(PAGE)[:-8] + bytes(8)), Reason.DECODING
    ),
    "gzip, with garbage": Hostile(coded(b"gzip", gzip.compress(PAGE) + b"garbage"), Reason.OK),
    "gzip, unasked twice": Hostile(
        coded(b"gzip, gzip", gzip.compress(gzip.compress(PAGE))), Reason.OK
    ),
    "gzip, four deep": Hostile(coded(b"gzip, gzip, gzip, gzip", PAGE), Reason.DECODING),
    "gzip, of 10,001 members": Hostile(
        coded(b"gzip", gzip.compress(b"") * 10_001), Reason.TOO_LARGE
    ),
    "br, unasked": Hostile(coded(b"br", brotli.compress(PAGE)), Reason.OK),
    "zstd, unasked": Hostile(coded(b"zstd", zstd.compress(PAGE)), Reason.OK),
    "zstd, a wide window": Hostile(
        coded(b"zstd", zstd.compress(ZEROS, options={zstd.CompressionParameter.window_log: 27})),
        Reason.DECODING,
    ),
    "a gzip bomb": Hostile(coded(b"gzip", GZIP_BOMB), Reason.TOO_LARGE),
    "a deflate bomb": Hostile(coded(b"deflate", zlib.compress(ZEROS)), Reason.TOO_LARGE),
    "a br bomb": Hostile(coded(b"br", brotli.compress(ZEROS, quality=1)), Reason.TOO_LARGE),
    "a zstd bomb": Hostile(coded(b"zstd", zstd.compress(ZEROS)), Reason.TOO_LARGE),
    "a bomb in a bomb": Hostile(coded(b"gzip, gzip", gzip.compress(GZIP_BOMB)), Reason.TOO_LARGE),
    "a bomb in chunks": Hostile(
        [OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", chunk(GZIP_BOMB)],
        Reason.TOO_LARGE,
    ),
    "an endless gzip of nothing": Hostile(
        [
            OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03",
            Endless((b"\0\0\0\xff\xff" * 9_999,)),
        ],
        Reason.TOO_LARGE,
    ),
}
KINDS = {
    "before the answer": BEFORE_THE_ANSWER,
    "headers": HEADERS,
    "a length": LENGTHS,
    "chunks": CHUNKS,
    "a body": BODIES,
    "a coding": CODINGS,
    "a redirect": REDIRECTS,
}
HOSTILE = {f"{kind}: {name}": one for kind, rows in KINDS.items() for name, one in rows.items()}
