import gzip
import io
import sys
import tracemalloc
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from scraper.fetch.decoding import (
    BodyCheck,
    TooLarge,
    Truncated,
    Undecodable,
    decode_body,
    decode_prefix,
)
from scraper.fetch.layers import known_codings

TEXT = b"<p>hello</p>" * 1000
CAP = 1_000_000


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw": raw_deflate,
    "zstd": zstd.compress,
    "br": lambda body: brotli.compress(body, quality=1),
}


WIDE_ZSTD = zstd.compress(bytes(20_000_000), options={zstd.CompressionParameter.window_log: 27})


def check(body: bytes, content_encoding: str | None, *, cap: int = CAP, step: int = 1000) -> None:
    """As the client does it: chunk by chunk, then the end."""
    checker = BodyCheck(content_encoding, cap)
    for start in range(0, len(body), step):
        checker.feed(body[start : start + step])
    checker.finish()


@pytest.mark.parametrize(
    ("content_encoding", "body"),
    [
        (None, TEXT),
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        (" GZip ", gzip.compress(TEXT)),
        ("identity, gzip, ", gzip.compress(TEXT)),
        ("UTF-8", TEXT),
        ("aws-chunked, gzip", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT))),
        ("deflate, gzip", gzip.compress(raw_deflate(TEXT))),
        ("gzip, deflate", zlib.compress(gzip.compress(TEXT))),
        ("gzip, deflate, x-gzip", gzip.compress(zlib.compress(gzip.compress(TEXT)))),
        ("gzip", gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:])),
        ("gzip", gzip.compress(TEXT) + b"\0\0\0 trailing garbage"),
        ("gzip", gzip.compress(TEXT) + b"\x1f"),
        ("deflate", zlib.compress(TEXT) + b"trailing"),
        ("zstd", zstd.compress(TEXT)),
        ("zstd", zstd.compress(TEXT[:5000]) + zstd.compress(TEXT[5000:])),
        ("zstd", zstd.compress(TEXT) + b"trailing"),
        ("br", brotli.compress(TEXT)),
        ("zstd, br, gzip", gzip.compress(brotli.compress(zstd.compress(TEXT)))),
    ],
    ids=[
        "none",
        "empty",
        "identity",
        "gzip",
        "x_gzip",
        "upper_case_and_blanks",
        "identity_among_others",
        "a_charset_by_mistake",
        "no_compression",
        "zlib",
        "raw",
        "gzip_twice",
        "deflate_in_gzip",
        "gzip_in_deflate",
        "three_deep",
        "two_members",
        "garbage_behind_gzip",
        "one_byte_behind_gzip",
        "garbage_behind_deflate",
        "zstandard",
        "two_frames",
        "garbage_behind_zstandard",
        "brotli",
        "three_kinds_deep",
    ],
)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_a_right_body_is_decoded(content_encoding, body, step):
    assert decode_body(body, content_encoding, CAP) == TEXT
    assert decode_prefix(body, content_encoding, 100) == TEXT[:100]
    check(body, content_encoding, step=step)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 65_600, 131_072, 200_000])
def test_what_is_still_to_come_after_all_input_is_read(size: int):
    assert decode_body(raw_deflate(b"a" * size), "deflate", CAP) == b"a" * size


@pytest.mark.parametrize("content_encoding", [None, "gzip", "deflate", "gzip, gzip", "br", "a,b,c"])
def test_an_empty_body_is_right_in_any_coding(content_encoding):
    assert decode_body(b"", content_encoding, CAP) == b""
    check(b"", content_encoding)


@pytest.mark.parametrize(
    ("content_encoding", "body"),
    [
        ("gzip", TEXT),
        ("gzip", b"x"),
        ("gzip", zlib.compress(TEXT)),
        ("gzip", gzip.compress(TEXT)[:-8] + bytes(8)),
        ("gzip", gzip.compress(TEXT) + b"\x1f\x8bnot a member"),
        ("gzip, gzip", gzip.compress(TEXT)),
        ("deflate", b"\xff" * 100),
        ("br", TEXT),
        ("br", ENCODERS["br"](TEXT) + b"more"),
        ("zstd", TEXT),
        ("zstd", WIDE_ZSTD),
        ("zstd", zstd.compress(b"") * 10_001),
        ("gzip, br", gzip.compress(TEXT)),
        ("dcz", zstd.compress(TEXT)),
        ("compress", b"\x1f\x9d"),
        ("gzip, gzip, gzip, gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(b"") * 10_001),
    ],
    ids=[
        "text",
        "one_byte",
        "other_coding",
        "wrong_checksum",
        "second_member_broken",
        "only_once",
        "no_deflate",
        "no_brotli",
        "garbage_behind_brotli",
        "no_zstandard",
        "zstandard_of_a_wide_window",
        "frames_without_end",
        "brotli_outside",
        "with_a_dictionary",
        "compress",
        "four_deep",
        "members_without_end",
    ],
)
def test_a_wrong_body_is_undecodable(content_encoding, body):
    with pytest.raises(Undecodable):
        decode_body(body, content_encoding, CAP)
    with pytest.raises(Undecodable):
        check(body, content_encoding)


@pytest.mark.parametrize("kept", [5, 12, 50, -9, -8, -1])
@pytest.mark.parametrize("content_encoding", ["gzip", "gzip, deflate"])
def test_a_cut_body_is_truncated(content_encoding, kept):
    body = gzip.compress(TEXT)[:kept]
    body = zlib.compress(body) if "deflate" in content_encoding else body

    with pytest.raises(Truncated):
        decode_body(body, content_encoding, CAP)
    with pytest.raises(Truncated):
        check(body, content_encoding)
    assert TEXT.startswith(decode_prefix(body, content_encoding, CAP))


@pytest.mark.parametrize("content_encoding", [None, *ENCODERS])
@pytest.mark.parametrize("cap", [len(TEXT), len(TEXT) - 1])
def test_the_cap_counts_decoded_bytes_exactly(content_encoding, cap):
    body = ENCODERS[content_encoding](TEXT) if content_encoding else TEXT
    header = "deflate" if content_encoding == "raw" else content_encoding

    if cap == len(TEXT):
        assert decode_body(body, header, cap) == TEXT
        check(body, header, cap=cap)
    else:
        with pytest.raises(TooLarge):
            decode_body(body, header, cap)
        with pytest.raises(TooLarge):
            check(body, header, cap=cap)
    assert decode_prefix(body, header, cap) == TEXT[:cap]


@pytest.mark.parametrize("coding", ["zstd", "br"])
@pytest.mark.parametrize("kept", [5, 20, -3, -1])
def test_a_cut_body_of_a_coding_that_was_not_asked_for_is_truncated(coding, kept):
    body = ENCODERS[coding](TEXT)[:kept]
    with pytest.raises(Truncated):
        check(body, coding, step=1)
    with pytest.raises(Truncated):
        decode_body(body, coding, CAP)


def test_without_its_package_brotli_cant_be_undone(monkeypatch):
    monkeypatch.setattr("scraper.fetch.decoding._KNOWN", frozenset({"gzip"}))
    with pytest.raises(Undecodable, match="br can't be undone"):
        decode_body(ENCODERS["br"](TEXT), "br", CAP)


def test_what_a_package_is_missing_for_is_not_known(monkeypatch):
    monkeypatch.setitem(sys.modules, "brotli", None)
    assert known_codings() == {"gzip", "x-gzip", "deflate", "zstd"}


GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
EMPTY_BLOCKS = b"\0\0\0\xff\xff" * 400_000


@pytest.mark.parametrize(
    ("content_encoding", "body"),
    [
        ("gzip", gzip.compress(bytes(50_000_000))),
        ("gzip, gzip", gzip.compress(gzip.compress(bytes(50_000_000)))),
        ("zstd", zstd.compress(bytes(50_000_000))),
        ("zstd", zstd.compress(bytes(50_000_000)) * 1000),
        ("br", ENCODERS["br"](bytes(50_000_000))),
        ("br, zstd, gzip", gzip.compress(zstd.compress(ENCODERS["br"](bytes(50_000_000))))),
        ("gzip", GZIP_HEAD + EMPTY_BLOCKS),
        ("gzip, gzip", gzip.compress(GZIP_HEAD + EMPTY_BLOCKS)),
        ("gzip", b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + b"a" * 2_000_000),
        ("gzip", gzip.compress(TEXT) + b"garbage" * 300_000),
    ],
    ids=[
        "bomb",
        "bomb_in_a_bomb",
        "zstandard_bomb",
        "many_zstandard_bombs",
        "brotli_bomb",
        "bomb_in_a_bomb_in_a_bomb",
        "endless_nothing",
        "endless_nothing_inside",
        "endless_name",
        "endless_garbage",
    ],
)
def test_a_bomb_is_too_large_and_never_held_in_memory(content_encoding, body):
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            check(body, content_encoding, step=65_536)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content_encoding", ["gzip", "br"])
def test_a_prefix_of_what_cannot_be_decoded_is_empty(content_encoding):
    assert decode_prefix(b"User-agent: *", content_encoding, CAP) == b""


def test_a_prefix_stops_a_bomb_early():
    assert decode_prefix(gzip.compress(bytes(50_000_000)), "gzip", 1000) == bytes(1000)


@given(st.binary(max_size=3000), st.lists(st.sampled_from(sorted(ENCODERS)), max_size=3))
def test_what_was_encoded_is_decoded(body: bytes, encoders: list[str]):
    encoded = body
    for name in encoders:
        encoded = ENCODERS[name](encoded)
    header = ", ".join(encoders).replace("raw", "deflate")

    assert decode_body(encoded, header, CAP) == body


@given(
    st.binary(max_size=300),
    st.sampled_from(["gzip", "deflate", "gzip, deflate", "zstd", "br", "br, zstd"]),
)
def test_any_bytes_are_decoded_or_refused(body: bytes, content_encoding: str):
    for candidate in (body, GZIP_HEAD + body):
        try:
            decode_body(candidate, content_encoding, CAP)
        except (Undecodable, Truncated):
            assert candidate


@pytest.mark.parametrize("step", [1, 1000, 10**6])
@pytest.mark.parametrize(
    ("content_encoding", "body"),
    [
        (None, TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
    ],
    ids=["plain", "gzip", "both"],
)
def test_a_sink_takes_the_decoded_body(content_encoding, body, step):
    sink = io.BytesIO()
    checker = BodyCheck(content_encoding, CAP, sink=sink)
    for start in range(0, len(body), step):
        checker.feed(body[start : start + step])
    checker.finish()
    assert sink.getvalue() == TEXT


def test_a_sink_takes_no_more_than_the_cap():
    sink = io.BytesIO()
    checker = BodyCheck("gzip", 100_000, sink=sink)
    with pytest.raises(TooLarge):
        checker.feed(gzip.compress(bytes(10_000_000)))
    assert len(sink.getvalue()) <= 100_000
