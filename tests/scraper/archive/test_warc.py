import base64
import hashlib
import io
import json
import zlib
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from scraper.archive.warc import (
    WarcRecord,
    http_message,
    metadata_record,
    page_records,
    read_records,
    warcinfo_record,
)
from scraper.models import Exchange
from scraper.urls import parse_url

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
URL = "http://a.test:8080/dir/caf%C3%A9?q=%22"
MANDATORY = {"warc-type", "warc-record-id", "warc-date", "content-length"}


def exchange(
    body: bytes = b"<p>hello",
    *,
    headers: tuple[tuple[bytes, bytes], ...] = ((b"Content-Type", b"text/html"),),
    ip: str | None = "127.0.0.1",
    http_reason: bytes = b"OK",
    url: str = URL,
) -> Exchange:
    return Exchange(
        url=url,
        request_headers=((b"Host", b"a.test:8080"), (b"User-Agent", b"x/1")),
        http_status=200,
        http_reason=http_reason,
        response_headers=headers,
        body=body,
        at=AT,
        elapsed_s=0.5,
        ip=ip,
    )


def digest(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def members(data: bytes) -> list[bytes]:
    """The gzip members of a file, each decompressed."""
    found = []
    while data:
        member = zlib.decompressobj(wbits=31)
        found.append(member.decompress(data))
        assert member.eof
        data = member.unused_data
    return found


def check_with_warcio(data: bytes) -> list[str]:
    """The types of the records, as another implementation reads them; all digests must hold."""
    kinds = []
    for record in ArchiveIterator(io.BytesIO(data), check_digests=True, verify_http=True):
        record.content_stream().read()
        assert record.digest_checker.passed is not False, record.digest_checker.problems
        kinds.append(record.rec_type)
    return kinds


def without_ids(record: WarcRecord) -> dict[str, str]:
    ids = ("warc-record-id", "warc-concurrent-to")
    return {key: value for key, value in record.fields.items() if key not in ids}


def test_a_page_is_a_response_and_its_request():
    response, request = read_records([page_records(exchange(), {"row": 7})])
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    asked = b"GET /dir/caf%C3%A9?q=%22 HTTP/1.1\r\nHost: a.test:8080\r\nUser-Agent: x/1\r\n\r\n"

    assert response.block == head + b"<p>hello"
    assert without_ids(response) == {
        "warc-type": "response",
        "warc-date": "2026-01-02T03:04:05.678901Z",
        "warc-target-uri": URL,
        "content-type": "application/http;msgtype=response",
        "warc-payload-digest": digest(b"<p>hello"),
        "warc-ip-address": "127.0.0.1",
        "warc-json-metadata": '{"row":7}',
        "warc-block-digest": digest(head + b"<p>hello"),
        "content-length": str(len(head) + 8),
    }
    assert request.block == asked
    assert without_ids(request) == {
        "warc-type": "request",
        "warc-date": "2026-01-02T03:04:05.678901Z",
        "warc-target-uri": URL,
        "content-type": "application/http;msgtype=request",
        "warc-block-digest": digest(asked),
        "content-length": str(len(asked)),
    }
    assert request.fields["warc-concurrent-to"] == response.fields["warc-record-id"]
    assert (response.metadata, request.metadata) == ({"row": 7}, None)


def test_what_isnt_known_isnt_written():
    response, _ = read_records([page_records(exchange(ip=None), None)])

    assert response.metadata is None
    assert "warc-ip-address" not in response.fields


def test_metadata_of_an_attempt_without_an_answer():
    (record,) = read_records([metadata_record(URL, AT, {"row": 1, "detail": "ü\r\n\0"})])

    assert record.kind == "metadata"
    assert record.metadata == json.loads(record.block) == {"row": 1, "detail": "ü\r\n\0"}
    assert record.fields["warc-target-uri"] == URL


def test_warcinfo():
    (record,) = read_records([warcinfo_record(AT, {"software": "x/1", "format": "WARC 1.1"})])

    assert (record.kind, record.block) == ("warcinfo", b"software: x/1\r\nformat: WARC 1.1\r\n")


def test_the_head_is_that_of_the_stored_body():
    headers = (
        (b"Transfer-Encoding", b"chunked"),
        (b"Connection", b"close"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Content-Encoding", b"gzip"),
        (b"CONTENT-LENGTH", b"99"),
        (b"Set-Cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    )
    response, _ = read_records([page_records(exchange(b"packed", headers=headers), None)])

    assert http_message(response.block) == (
        200,
        (
            ("Content-Encoding", "gzip"),
            ("CONTENT-LENGTH", "6"),
            ("Set-Cookie", "a=1"),
            ("set-cookie", "b=2"),
        ),
        b"packed",
    )


NASTY = b"x\r\nWARC-Type: warcinfo\r\n\r\nWARC/1.1\r\n"


@pytest.mark.parametrize(
    "odd",
    [
        exchange(headers=((b"X-A", NASTY), (b"X-B", b"1"))),
        exchange(headers=((NASTY, b"x"), (b"X-B", b"1"))),
        exchange(http_reason=NASTY, headers=((b"X-B", b"1"),)),
        exchange(headers=((b"X-\xff", b"\xfe"), (b"X-B", b"1"))),
    ],
    ids=["value", "name", "reason", "no text"],
)
def test_no_header_can_break_a_record(odd):
    data = page_records(odd, {"detail": NASTY.decode("latin-1")})
    response, request = read_records([data])

    http_status, headers, body = http_message(response.block)
    assert (http_status, body) == (200, b"<p>hello")
    assert headers[-1] == ("X-B", "1")
    assert len(headers) <= 2
    assert response.metadata == {"detail": NASTY.decode("latin-1")}
    assert request.kind == "request"
    assert check_with_warcio(data) == ["response", "request"]


@pytest.mark.parametrize(
    "text",
    [
        "http://a.test/\r\nWARC-Type: warcinfo\r\n\r\nx",
        "http://a.test/?\r\n\r\nWARC/1.1",
        "http://a.test/\x00\x1b\x85\u2028",
        "http://a.test\r\n/x",
    ],
)
def test_no_url_can_break_a_record(text):
    url = parse_url(text)
    assert url is not None
    data = page_records(exchange(url=url.href), {"final_url": text, "redirects": [text]})
    response, request = read_records([data])

    assert response.fields["warc-target-uri"] == request.fields["warc-target-uri"] == url.href
    assert (response.kind, request.kind) == ("response", "request")
    assert response.metadata == {"final_url": text, "redirects": [text]}
    assert check_with_warcio(data) == ["response", "request"]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", (200, (), b"")),
        (b"HTTP/1.1 299 \r\nA: b\r\n\r\nbody", (299, (("A", "b"),), b"body")),
        (b"HTTP/1.1 999\r\nA: b:c \r\n\r\n", (999, (("A", "b:c"),), b"")),
        (b"HTTP/1.1 200 Very OK\r\nA:\r\nA: 2\r\n\r\n", (200, (("A", ""), ("A", "2")), b"")),
        (b"HTTP/1.1 200 OK\r\n\r\na\r\n\r\nb", (200, (), b"a\r\n\r\nb")),
        (b"HTTP/1.1 200 OK\r\nA: \xe9\r\n\r\n\xff", (200, (("A", "é"),), b"\xff")),
    ],
)
def test_http_message(block, message):
    assert http_message(block) == message


@cache
def whole_file() -> tuple[bytes, tuple[WarcRecord, ...]]:
    """A file with records of every kind, some of them large, and what is in it."""
    bodies = [b"", b"x", b"\0" * 100_000, bytes(range(256)) * 300, b"WARC/1.1\r\n\r\n" * 5]
    data = warcinfo_record(AT, {"software": "x/1"})
    for place, body in enumerate(bodies):
        data += page_records(exchange(body), {"row": place} if place % 2 else None)
        data += metadata_record(URL, AT, {"row": place, "detail": "é" * place})
    return data, tuple(read_records([data]))


def test_the_whole_file_is_read():
    data, records = whole_file()

    assert [record.kind for record in records] == [
        "warcinfo",
        *["response", "request", "metadata"] * 5,
    ]
    assert sum(record.length for record in records) == len(data)
    assert all(record.fields.keys() >= MANDATORY for record in records)
    assert len({record.fields["warc-record-id"] for record in records}) == len(records)


def test_another_implementation_reads_it_and_its_digests_hold():
    data, records = whole_file()

    assert check_with_warcio(data) == [record.kind for record in records]


def test_every_record_is_one_gzip_member():
    data, records = whole_file()

    assert len(members(data)) == len(records)
    for record in records:
        (text,) = members(data[record.offset : record.offset + record.length])
        assert text.startswith(b"WARC/1.1\r\n")
        assert text.endswith(record.block + b"\r\n\r\n")


def chunked(data: bytes, sizes: list[int]) -> list[bytes]:
    """The data in pieces of these sizes, in turn."""
    chunks, turn = [], 0
    while data:
        size = sizes[turn % len(sizes)]
        chunks.append(data[:size])
        data, turn = data[size:], turn + 1
    return chunks


@given(
    cut=st.integers(0, len(whole_file()[0])),
    sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=5),
)
def test_any_prefix_yields_exactly_its_whole_records(cut, sizes):
    data, records = whole_file()

    found = tuple(read_records(chunked(data[:cut], sizes)))

    assert found == tuple(r for r in records if r.offset + r.length <= cut)


@pytest.mark.parametrize("cut", [-1, 0, 1], ids=["a byte less", "whole", "a byte more"])
def test_a_cut_at_the_edge_of_a_record(cut):
    data, records = whole_file()
    for number, record in enumerate(records):
        found = list(read_records([data[: record.offset + record.length + cut]]))
        assert len(found) == number + (cut >= 0)


@given(
    place=st.integers(0, len(whole_file()[0]) - 1),
    change=st.integers(1, 255),
    sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=3),
)
def test_a_damaged_byte_never_yields_another_record(place, change, sizes):
    data, records = whole_file()
    damaged = data[:place] + bytes([data[place] ^ change]) + data[place + 1 :]

    found = tuple(read_records(chunked(damaged, sizes)))

    sound = tuple(r for r in records if r.offset + r.length <= place)
    assert found[: len(sound)] == sound
    assert found == records[: len(found)]


@given(st.binary(max_size=300))
def test_what_is_no_archive_has_no_records(data):
    assert list(read_records([data])) == []
    assert list(read_records([zlib.compress(data, wbits=31)])) == []


@pytest.mark.parametrize(
    "text",
    [
        b"WARC/1.1\r\nContent-Length: 2\r\n\r\nabc\r\n\r\n",
        b"WARC/1.1\r\nContent-Length: x\r\n\r\nabc\r\n\r\n",
        b"WARC/1.1\r\nContent-Length: -3\r\n\r\nabc\r\n\r\n",
        b"WARC/1.1\r\nWARC-Type: response\r\n\r\nabc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n",
        b"",
    ],
)
def test_a_member_that_is_no_record_ends_the_file(text):
    good = warcinfo_record(AT, {"a": "b"})

    found = list(read_records([good + zlib.compress(text, wbits=31) + good]))

    assert [record.kind for record in found] == ["warcinfo"]
