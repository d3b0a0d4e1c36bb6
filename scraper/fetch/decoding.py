"""Content-Encoding, undone under a cap: a small body may say that it is a very large one.

In: a body as received and its Content-Encoding. Out: the decoded body, or only the word that it
can be decoded. Sizes in bytes. Codings: those of `scraper.fetch.layers`, one inside another up to
three deep. Others that compress can't be undone; a word that is none is passed over, as browsers
do. Errors: those below, and those of the layers.

Source: RFC 9110, section 8.4 (Content-Encoding).
"""

from collections.abc import Iterator
from typing import BinaryIO

from scraper.errors import ScraperError
from scraper.fetch.layers import PIECE_BYTES, Truncated, Undecodable, known_codings, new_layer

__all__ = [
    "BodyCheck",
    "TooLarge",
    "Truncated",
    "Undecodable",
    "decode_body",
    "decode_prefix",
]

_KNOWN = known_codings()
_COMPRESSING = _KNOWN | {"br", "compress", "x-compress", "dcb", "dcz"}
_MAX_DEPTH = 3


class TooLarge(ScraperError):
    """The body is over its cap."""


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
    pieces = _Decoder(content_encoding, max_bytes + len(body) + PIECE_BYTES).feed(body)
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
        codings = [word for word in words if word in _COMPRESSING]
        self._refused = len(codings) > _MAX_DEPTH or not _KNOWN.issuperset(codings)
        self._coding_names = ", ".join(codings)
        self._layers = [] if self._refused else [new_layer(word) for word in reversed(codings)]
        # What each stage may still take in. All but the last are compressed, yet have a cap too:
        # a body may grow between two codings, or be endless and decode to nothing.
        compressed = max_bytes + max_bytes // 1000 + PIECE_BYTES
        self._left = [compressed] * len(self._layers) + [max_bytes]

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The decoded pieces of a chunk, none larger than 64 KiB if it was compressed."""
        if self._refused and chunk:
            raise Undecodable(f"Content-Encoding {self._coding_names} can't be undone")
        step = PIECE_BYTES if self._layers else max(len(chunk), 1)
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
