"""A part: gzipped JSON Lines, gathered in memory or on disk, put into the store in one piece."""

import gzip
from collections.abc import Iterator
from io import BufferedIOBase
from tempfile import SpooledTemporaryFile
from types import TracebackType

import orjson
from isal import igzip

from scraper.store import Store

__all__ = ["MAX_LINE_BYTES", "PartWriter", "packed", "read_part"]

MAX_LINE_BYTES = 8_388_608
"""Longer lines than twice this DuckDB doesn't read, unless it gets far more memory for all."""

_IN_MEMORY_BYTES = 8_388_608
_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


def packed(line: dict[str, object]) -> bytes:
    """A line of a part."""
    return orjson.dumps(line, option=_OPTIONS)


class PartWriter:
    """Lines in, one value in the store out. Nothing is there before `put`."""

    def __init__(self) -> None:
        self._spool = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  # see __exit__
        self._gzip: BufferedIOBase = igzip.IGzipFile(  # type: ignore[no-untyped-call]  # no stub
            fileobj=self._spool, mode="wb", compresslevel=1, mtime=0
        )
        self.lines = 0

    def __enter__(self) -> "PartWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._spool.close()

    def write(self, line: bytes) -> None:
        """Add a line, as `packed` gives it."""
        self._gzip.write(line)
        self.lines += 1

    def put(self, store: Store, key: str) -> None:
        """Put the lines under a key; no line, no value, not even a former one.

        Raises:
            StoreError: nothing was put.
        """
        self._gzip.close()
        if not self.lines:
            store.delete(key)
            return
        self._spool.seek(0)
        store.put(key, self._spool)


def read_part(store: Store, key: str) -> Iterator[dict[str, object]]:
    """The lines of a part; none if there is no such key. Raises: `StoreError`."""
    data = store.get(key)
    for line in gzip.decompress(data).splitlines() if data else ():
        yield orjson.loads(line)
