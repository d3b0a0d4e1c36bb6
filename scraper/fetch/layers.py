"""The codings that can be undone, each in pieces that are never large, whatever they are made of.

In: a coding's name, then compressed bytes as they come. Out: pieces of at most 64 KiB. gzip and
deflate (zlib's or raw) are asked for; zstd and br are undone where a server sends them all the
same, br only if its package is there. Errors: those below.

Source: RFC 1950 to 1952; RFC 8878 and 9659 (zstd, its window of at most 8 MiB); RFC 7932 (br).
"""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Protocol

from isal import isal_zlib

from scraper.errors import ScraperError

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

__all__ = ["PIECE_BYTES", "Layer", "Truncated", "Undecodable", "known_codings", "new_layer"]

PIECE_BYTES = 65_536

_MAX_MEMBERS = 10_000
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = 31, 15, -15
_ZSTD_WINDOW: dict[int, int] = {DecompressionParameter.window_log_max: 23}


class Undecodable(ScraperError):
    """The body isn't what its Content-Encoding says, or nothing that we can undo."""


class Truncated(ScraperError):
    """The compressed body stops before its end."""


class Layer(Protocol):
    """One coding of a body."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that come out. Raises: Undecodable."""
        ...

    def finish(self) -> None:
        """The body is through. Raises: Truncated, Undecodable."""
        ...


def known_codings() -> frozenset[str]:
    """The names of the codings that can be undone here. Raises: nothing."""
    return frozenset({"gzip", "x-gzip", "deflate", "zstd"} | ({"br"} if _brotli() else set()))


def new_layer(coding: str) -> Layer:
    """What undoes one of the known codings. Raises: nothing."""
    if coding == "zstd":
        return _Zstandard()
    return _Brotli() if coding == "br" else _Deflated(coding)


def _brotli() -> ModuleType | None:
    """The package, which nothing but this needs."""
    try:
        return importlib.import_module("brotli")
    except ImportError:
        return None


class _Deflated:
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
        while not inflater.eof and (data or len(piece) == PIECE_BYTES):
            try:
                piece = inflater.decompress(data, PIECE_BYTES)
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


class _Zstandard:
    """zstd: frames one after another; what comes after them is passed over."""

    def __init__(self) -> None:
        self._frame: ZstdDecompressor | None = None
        self._frames = 0
        self._done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self._done:
            if self._frame is None:
                self._frame = self._begin()
            try:
                piece = self._frame.decompress(data, PIECE_BYTES)
                yield from [piece] if piece else []
                while not self._frame.eof and not self._frame.needs_input:
                    yield self._frame.decompress(b"", PIECE_BYTES)
            except ZstdError as error:
                self._done = self._frames > 1
                if not self._done:
                    raise Undecodable(f"the body isn't zstd: {error}") from error
            data = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof or self._done:
                self._frame = None

    def finish(self) -> None:
        if self._frame is not None:
            raise Truncated("the zstd body stops before its end")

    def _begin(self) -> ZstdDecompressor:
        self._frames += 1
        if self._frames > _MAX_MEMBERS:
            raise Undecodable(f"more than {_MAX_MEMBERS} zstd frames")
        return ZstdDecompressor(options=_ZSTD_WINDOW)


class _Brotli:
    """br: one stream, and nothing after it."""

    def __init__(self) -> None:
        module = _brotli()
        assert module is not None, "the coding is known only with its package"
        self._module, self._stream = module, module.Decompressor()
        self._began = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data or not self._stream.can_accept_more_data():
            if self._stream.is_finished():
                raise Undecodable("there is more behind the end of the br body")
            self._began = True
            try:
                piece = self._stream.process(data, output_buffer_limit=PIECE_BYTES)
            except self._module.error as error:
                raise Undecodable(f"the body isn't br: {error}") from error
            data = b""
            # The limit is a hint: the buffer grows in blocks.
            yield from (piece[at : at + PIECE_BYTES] for at in range(0, len(piece), PIECE_BYTES))

    def finish(self) -> None:
        if self._began and not self._stream.is_finished():
            raise Truncated("the br body stops before its end")
