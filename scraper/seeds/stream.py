"""The bytes of a list, and its lines: each with its number, none longer than its cap.

Nothing is held but one block and one line. What can't be read or decompressed is a
`ConfigError` that names the list and the line that was reached.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from isal import isal_zlib

from scraper.errors import ConfigError

__all__ = ["Line", "ListStream"]

_HEAD_BYTES = 4096
_BLOCK_BYTES = 262_144
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line without its end. `is_cut`: it was longer than the cap, its rest is skipped."""

    number: int
    data: bytes
    is_cut: bool


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class ListStream:
    """The bytes of a list, from a file, a pipe or a decompressor: it is never sought in.

    `name` is what errors call the list, `head` its first 4 KiB, which are still to be read.
    """

    def __init__(self, name: str, rest: _Readable) -> None:
        self.name = name
        self._rest = rest
        self._line = 0
        self.head = self._first_bytes()
        self._unread = self.head

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; none at the end.

        Raises:
            ConfigError: they can't be read or decompressed.
        """
        if self._unread:
            piece, self._unread = self._unread[:size], self._unread[size:]
            return piece
        return self._pull(size)

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer, which is how a decompressor asks. Raises: as `read` does."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def lines(self, *, cap: int) -> Iterator[Line]:
        r"""The lines, ended by `\n`, `\r` or `\r\n`, counted from 1; at most `cap` bytes of each.

        A byte order mark at the beginning of a line is dropped: joined files have several.

        Raises:
            ConfigError: as `read` does.
        """
        kept, is_cut, after_cr = b"", False, False
        while block := self.read(_BLOCK_BYTES):
            if after_cr:
                block = block.removeprefix(b"\n")
            after_cr = block.endswith(b"\r")
            for piece in block.splitlines(keepends=True):
                data = piece.rstrip(b"\r\n")
                is_cut = is_cut or len(kept) + len(data) > cap
                kept += data[: cap - len(kept)]
                if len(data) < len(piece):
                    yield self._next_line(kept, is_cut)
                    kept, is_cut = b"", False
        if kept:
            yield self._next_line(kept, is_cut)

    def _next_line(self, data: bytes, is_cut: bool) -> Line:
        self._line += 1
        return Line(self._line, data.removeprefix(_BOM), is_cut)

    def _first_bytes(self) -> bytes:
        head = b""
        # A pipe gives what it has: one read may be a single byte.
        while len(head) < _HEAD_BYTES and (piece := self._pull(_HEAD_BYTES - len(head))):
            head += piece
        return head

    def _pull(self, size: int) -> bytes:
        try:
            return self._rest.read(size)
        except (OSError, EOFError, isal_zlib.error) as error:  # type: ignore[misc]  # is a class
            reached = f" after line {self._line}" if self._line else ""
            raise ConfigError(f"{self.name}: can't be read{reached}: {error}") from error
