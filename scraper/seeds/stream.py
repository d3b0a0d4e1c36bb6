"""The bytes of a list, and its lines: each with its number, none longer than its cap.

Nothing is held but one block and one line. What can't be read or decompressed is a
`ConfigError` that names the list and the line that was reached.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from isal import isal_zlib

from scraper.errors import ConfigError
from scraper.seeds.zstd import ZstdError

__all__ = ["Capped", "Line", "ListStream", "Readable"]

_HEAD_BYTES = 65_536
_BLOCK_BYTES = 262_144
_BROKEN: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ZstdError,
    isal_zlib.error,  # type: ignore[assignment]  # is a class
)
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line without its end. `is_cut`: it was longer than the cap, its rest is skipped."""

    number: int
    data: bytes
    is_cut: bool


class Readable(Protocol):
    """A file, a pipe, a decompressor: whatever gives its next bytes."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, none at the end."""
        ...


class Capped:
    """A file that may not be longer than so many bytes: whoever sent it may mean harm."""

    def __init__(self, rest: Readable, max_bytes: int, name: str) -> None:
        self._rest, self._left, self._max_bytes, self._name = rest, max_bytes, max_bytes, name

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            ConfigError: they are too many.
        """
        piece = self._rest.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise ConfigError(f"{self._name}: is longer than {self._max_bytes} bytes, decompressed")
        return piece


class ListStream:
    """The bytes of a list, from a file, a pipe or a decompressor: it is never sought in.

    `name` is what errors call the list, `head` its first 64 KiB, which are still to be read;
    `line` is the line that was reached, from 1. `path` is the file that has just these bytes, if
    there is one.
    """

    def __init__(self, name: str, rest: Readable, *, path: Path | None = None) -> None:
        self.name = name
        self.path = path
        self.line = 0
        self._rest = rest
        self._error: Exception | None = None
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
        self.line += 1
        return Line(self.line, data.removeprefix(_BOM), is_cut)

    def _first_bytes(self) -> bytes:
        head = b""
        # A pipe gives what it has: one read may be a single byte.
        try:
            while len(head) < _HEAD_BYTES and (piece := self._rest.read(_HEAD_BYTES - len(head))):
                head += piece
        except _BROKEN as error:
            # What came before is still to be read, and says which line was reached.
            self._error = error
            if not head:
                self._pull(0)
        return head

    def _pull(self, size: int) -> bytes:
        error = self._error
        if error is None:
            try:
                return self._rest.read(size)
            except _BROKEN as caught:
                error = caught
        reached = f" after line {self.line}" if self.line else ""
        raise ConfigError(f"{self.name}: can't be read{reached}: {error}") from error
