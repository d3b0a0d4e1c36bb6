"""WARC 1.1 records: bytes out, bytes in, one gzip member a record.

Out: `response` or `revisit` (each with its paired `request`), `metadata` and `warcinfo` records.
In: any prefix of such a file yields exactly its whole records; a torn tail is where reading ends.
Sizes and offsets are in bytes of the file. Digests are SHA-1 in base32.

The bookkeeping of an attempt rides on its last record in the header `WARC-JSON-Metadata`.

Source: ISO 28500:2017 (WARC 1.1), sections 5 and 6 (6.7 for revisits), annex D for gzip.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import orjson
from isal import isal_zlib

from scraper.fetch.conditions import payload_digest
from scraper.memory import Known
from scraper.models import Exchange

__all__ = [
    "JSON_HEADER",
    "WarcRecord",
    "http_message",
    "metadata_record",
    "page_records",
    "read_records",
    "warcinfo_record",
]

JSON_HEADER = "WARC-JSON-Metadata"
_GZIP = 31  # window bits that ask for a gzip member
_LEVEL = 1  # a tenth of the time of the usual level 9, a fifth more bytes
_IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
_HOP_BY_HOP = frozenset({b"transfer-encoding", b"connection", b"keep-alive"})

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarcRecord:
    """A record as read: its named fields (lower case), its block, where it stands in the file."""

    fields: dict[str, str]
    block: bytes
    offset: int
    length: int

    @property
    def kind(self) -> str:
        """The WARC-Type."""
        return self.fields.get("warc-type", "")

    @property
    def metadata(self) -> dict[str, object] | None:
        """The attempt that this record ends, if it ends one."""
        text = self.fields.get(JSON_HEADER.lower())
        return None if text is None else orjson.loads(text)


def page_records(
    exchange: Exchange, metadata: dict[str, object] | None, *, revisits: Known | None = None
) -> bytes:
    """The response and request records of one exchange, compressed.

    Args:
        exchange: what went over the wire.
        metadata: given with the exchange that ends an attempt.
        revisits: the page that is as it was: instead of a response with its body, a `revisit`
            record says where that one is.
    """
    response_id = f"<urn:uuid:{uuid4()}>"
    status_line = b"HTTP/1.1 %d %s" % (exchange.http_status, exchange.http_reason)
    head = _http_head(status_line, _stored_headers(exchange))
    fields = [
        ("WARC-Type", "response" if revisits is None else "revisit"),
        ("WARC-Record-ID", response_id),
        ("WARC-Date", _date(exchange.at)),
        ("WARC-Target-URI", exchange.url),
        ("Content-Type", "application/http;msgtype=response"),
    ]
    if revisits is not None:
        fields += _revisit_fields(exchange, revisits)
    if exchange.http_status != 304:
        fields.append(("WARC-Payload-Digest", payload_digest(exchange.body)))
    if exchange.ip is not None:
        fields.append(("WARC-IP-Address", exchange.ip))
    if metadata is not None:
        fields.append((JSON_HEADER, orjson.dumps(metadata).decode()))
    block = head + exchange.body if revisits is None else head
    return _member(fields, block) + _request_member(exchange, response_id)


def metadata_record(url: str, at: datetime, metadata: dict[str, object]) -> bytes:
    """The record of an attempt that ended in no answer."""
    text = orjson.dumps(metadata)
    fields = [
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", f"<urn:uuid:{uuid4()}>"),
        ("WARC-Date", _date(at)),
        ("WARC-Target-URI", url),
        ("Content-Type", "application/json"),
        (JSON_HEADER, text.decode()),
    ]
    return _member(fields, text)


def warcinfo_record(at: datetime, info: dict[str, str]) -> bytes:
    """The first record of a file: who wrote it, and how."""
    block = "".join(f"{key}: {value}\r\n" for key, value in info.items()).encode()
    fields = [
        ("WARC-Type", "warcinfo"),
        ("WARC-Record-ID", f"<urn:uuid:{uuid4()}>"),
        ("WARC-Date", _date(at)),
        ("Content-Type", "application/warc-fields"),
    ]
    return _member(fields, block)


def read_records(chunks: Iterable[bytes]) -> Iterator[WarcRecord]:
    """The whole records at the start of a file, read in pieces of any size.

    The records end where the bytes do, or at the first member that is torn or no record.
    Raises: nothing.
    """
    offset = length = 0
    member, pieces = isal_zlib.decompressobj(wbits=_GZIP), []
    for chunk in chunks:
        rest = chunk
        while rest:
            try:
                pieces.append(member.decompress(rest))
            except isal_zlib.error:  # type: ignore[misc]  # an exception, whatever its stub says
                return
            length += len(rest) - len(member.unused_data)
            rest = member.unused_data
            if not member.eof:
                break
            record = _parse(b"".join(pieces), offset, length)
            if record is None:
                return
            yield record
            offset, length = offset + length, 0
            member, pieces = isal_zlib.decompressobj(wbits=_GZIP), []


def http_message(block: bytes) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """Take a response record's block apart: status code, headers, body as received."""
    head, _, body = block.partition(b"\r\n\r\n")
    status_line, *lines = head.split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    headers = tuple(
        (key.decode("latin-1"), value.strip().decode("latin-1")) for key, _, value in pairs
    )
    return int(status_line.split(b" ", 2)[1]), headers, body


def _revisit_fields(exchange: Exchange, revisits: Known) -> list[tuple[str, str]]:
    is_304 = exchange.http_status == 304
    return [
        ("WARC-Profile", _NOT_MODIFIED if is_304 else _IDENTICAL),
        ("WARC-Refers-To-Target-URI", revisits.url),
        ("WARC-Refers-To-Date", _date(revisits.fetched_at)),
    ]


def _request_member(exchange: Exchange, response_id: str) -> bytes:
    path = "/" + exchange.url.split("://", 1)[1].partition("/")[2]
    head = _http_head(b"GET %s HTTP/1.1" % path.encode(), exchange.request_headers)
    fields = [
        ("WARC-Type", "request"),
        ("WARC-Record-ID", f"<urn:uuid:{uuid4()}>"),
        ("WARC-Date", _date(exchange.at)),
        ("WARC-Target-URI", exchange.url),
        ("WARC-Concurrent-To", response_id),
        ("Content-Type", "application/http;msgtype=request"),
    ]
    return _member(fields, head)


def _stored_headers(exchange: Exchange) -> Headers:
    """The headers that are true of the stored body: not of how it was framed on the wire."""
    return [
        (key, b"%d" % len(exchange.body) if key.lower() == b"content-length" else value)
        for key, value in exchange.response_headers
        if key.lower() not in _HOP_BY_HOP
    ]


def _http_head(first_line: bytes, headers: Headers) -> bytes:
    lines = [first_line, *(key + b": " + value for key, value in headers)]
    return b"\r\n".join(map(_one_line, lines)) + b"\r\n\r\n"


def _one_line(line: bytes) -> bytes:
    return line.replace(b"\r", b" ").replace(b"\n", b" ")


def _member(fields: Sequence[tuple[str, str]], block: bytes) -> bytes:
    lines = ["WARC/1.1", *(f"{key}: {value}" for key, value in fields)]
    lines.append(f"WARC-Block-Digest: {payload_digest(block)}")
    lines.append(f"Content-Length: {len(block)}\r\n\r\n")
    record = "\r\n".join(lines).encode() + block + b"\r\n\r\n"
    compressed: bytes = isal_zlib.compress(record, _LEVEL, _GZIP)
    return compressed


def _date(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _parse(text: bytes, offset: int, length: int) -> WarcRecord | None:
    head, separator, rest = text.partition(b"\r\n\r\n")
    if not separator or not head.startswith(b"WARC/1."):
        return None
    lines = head.decode("utf-8", "replace").split("\r\n")[1:]
    fields = {
        key.strip().lower(): value.strip() for key, _, value in (s.partition(":") for s in lines)
    }
    size = fields.get("content-length", "")
    if not size.isascii() or not size.isdigit() or len(rest) != int(size) + 4:
        return None
    return WarcRecord(fields=fields, block=rest[:-4], offset=offset, length=length)
