"""Content-Encoding, undone under a cap: a small body may say that it is a very large one.

In: a body as received and its Content-Encoding. Out: the decoded body, or only the word that it
can be decoded. Sizes in bytes. Codings: gzip, x-gzip, deflate (zlib's or raw), one inside another
up to three deep. Others that compress can't be undone; a word that is none is passed over, as
browsers do. Errors: those below.

Source: RFC 9110, section 8.4 (Content-Encoding); RFC 1950 to 1952.
"""

from collections.abc import Iterator
from typing import BinaryIO

from isal import isal_zlib

from scraper.errors import ScraperError

__all__ = [
    "BodyCheck",
    "TooLarge",
    "Truncated",
    "Undecodable",
    "decode_body",
    "decode_prefix",
]

_DEFLATES = frozenset({"gzip", "x-gzip", "deflate"})
_NOT_ASKED_FOR = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
_MAX_DEPTH = 3
_MAX_MEMBERS = 10_000
_PIECE_BYTES = 65_536
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = 31, 15, -15


class TooLarge(ScraperError):
    """The body is over its cap."""


class Undecodable(ScraperError):
    """The body isn't what its Content-Encoding says, or nothing that we can undo."""


class Truncated(ScraperError):
    """The compressed body stops before its end."""


class BodyCheck:
    """Checks a body while it comes in; holds at most 64 KiB of it decoded, for each coding.

    Args:
        content_encoding: the header's value; several headers are joined by commas.
        max_bytes: of the decoded body. On the wire it may be larger by what deflate adds.
        sink: takes the decoded body, piece by piece.
    """

    def __init__(
        self, content_encoding: str | None, max_bytes: int, *, sink: BinaryIO | None = None
    ) -> None:
        self._decoder, self._sink = _Decoder(content_encoding, max_bytes), sink

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk as received.

        Raises:
            TooLarge: as soon as the cap is passed.
            Undecodable: as soon as that is seen.
        """
        for piece in self._decoder.feed(chunk):
            if self._sink is not None:
                self._sink.write(piece)

    def finish(self) -> None:
        """The body is through.

        Raises:
            Truncated: it should go on.
            Undecodable: nothing was found in it.
        """
        self._decoder.finish()


def decode_body(body: bytes, content_encoding: str | None, max_bytes: int) -> bytes:
    """Decode a whole body.

    Raises:
        TooLarge, Undecodable, Truncated: as for `BodyCheck`.
    """
    decoder = _Decoder(content_encoding, max_bytes)
    pieces = list(decoder.feed(body))
    decoder.finish()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def decode_prefix(body: bytes, content_encoding: str | None, max_bytes: int) -> bytes:
    """Decode the beginning of a body that may be cut or broken, up to the cap. Raises: nothing."""
    decoded = bytearray()
    # What passes the cap is an error, so the cap is set further on than we read.
    pieces = _Decoder(content_encoding, max_bytes + len(body) + _PIECE_BYTES).feed(body)
    try:
        for piece in pieces:
            decoded += piece
            if len(decoded) >= max_bytes:
                break
    except (TooLarge, Undecodable):
        pass
    return bytes(decoded[:max_bytes])


class _Decoder:
    """All codings of a body, the last one applied undone first."""

    def __init__(self, content_encoding: str | None, max_bytes: int) -> None:
        words = [word.strip().lower() for word in (content_encoding or "").split(",")]
        codings = [word for word in words if word in _DEFLATES or word in _NOT_ASKED_FOR]
        self._refused = len(codings) > _MAX_DEPTH or not _DEFLATES.issuperset(codings)
        self._coding_names = ", ".join(codings)
        self._layers = [_Layer(coding) for coding in reversed(codings)]
        # What each stage may still take in. All but the last are compressed, yet have a cap too:
        # a body may grow between two codings, or be endless and decode to nothing.
        compressed = max_bytes + max_bytes // 1000 + _PIECE_BYTES
        self._left = [compressed] * len(codings) + [max_bytes]

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The decoded pieces of a chunk, none larger than 64 KiB if it was compressed."""
        if self._refused and chunk:
            raise Undecodable(f"Content-Encoding {self._coding_names} can't be undone")
        step = _PIECE_BYTES if self._layers else max(len(chunk), 1)
        for start in range(0, len(chunk), step):
            yield from self._through(0, chunk[start : start + step])

    def finish(self) -> None:
        for layer in self._layers:
            layer.finish()

    def _through(self, stage: int, data: bytes) -> Iterator[bytes]:
        self._left[stage] -= len(data)
        if self._left[stage] < 0:
            raise TooLarge("the body is larger than its cap")
        if stage == len(self._layers):
            yield data
            return
        for piece in self._layers[stage].feed(data):
            yield from self._through(stage + 1, piece)


class _Layer:
    """One coding. A gzip body may have several members; what comes after is passed over."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._inflater: isal_zlib.Decompress | None = None
        self._head = b""
        self._members = 0
        self._done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that come out. Raises: Undecodable."""
        while data and not self._done:
            if self._inflater is None:
                # Two bytes tell what begins here; they may come one at a time.
                data, self._head = self._head + data, b""
                if len(data) < 2:
                    self._head = data
                    return
                self._inflater = self._begin(data[:2])
            if self._inflater is not None:
                yield from self._inflate(self._inflater, data)
                data = self._rest(self._inflater)

    def finish(self) -> None:
        """Raises: Truncated, or Undecodable if not even a beginning was there."""
        if self._inflater is not None:
            raise Truncated(f"the {self._coding} body stops before its end")
        if self._head and not self._members:
            raise Undecodable(f"a body of one byte isn't {self._coding}")

    def _begin(self, head: bytes) -> "isal_zlib.Decompress | None":
        self._members += 1
        if self._coding == "deflate":
            is_zlib = head[0] & 0x0F == 8 and int.from_bytes(head) % 31 == 0
            return isal_zlib.decompressobj(wbits=_ZLIB if is_zlib else _RAW)
        self._done = self._members > 1 and head != _GZIP_MAGIC
        if self._members > _MAX_MEMBERS:
            raise Undecodable(f"more than {_MAX_MEMBERS} gzip members")
        return None if self._done else isal_zlib.decompressobj(wbits=_GZIP)

    def _inflate(self, inflater: "isal_zlib.Decompress", data: bytes) -> Iterator[bytes]:
        """Until the data is used up or the member ends; a full piece may have more behind it."""
        piece = b""
        while not inflater.eof and (data or len(piece) == _PIECE_BYTES):
            try:
                piece = inflater.decompress(data, _PIECE_BYTES)
            except isal_zlib.error as error:  # type: ignore[misc]  # it is a class, not an error
                raise Undecodable(f"the body isn't {self._coding}: {error}") from error
            if piece:
                yield piece
            data = inflater.unconsumed_tail

    def _rest(self, inflater: "isal_zlib.Decompress") -> bytes:
        """What stands behind the end of a member, if it ended."""
        if not inflater.eof:
            return b""
        self._inflater = None
        self._done = self._coding == "deflate"
        return inflater.unused_data
