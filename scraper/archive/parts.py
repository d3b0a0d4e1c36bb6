"""The parts of one batch's archive in the store: which count, what is written next, one of many.

In: a batch's folder. Out: its parts in order, each as long as its whole records. A folder's part
is appended to, an object store's is put once; when the batch is at its end `compact` makes one of
them. Sizes and offsets are in bytes.

Raises `StoreError` when the store does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile

from scraper.archive.progress import Progress
from scraper.archive.warc import WarcRecord, read_records
from scraper.errors import StoreError
from scraper.layout import archive_key, archive_numbers, archive_parts
from scraper.store import Store

__all__ = ["Compacted", "Parts", "Stamps"]

Stamps = dict[str, tuple[int, str]]
"""The parts that count, each with its size and a tag that every write changes."""

_IN_MEMORY_BYTES = 8_388_608


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """The one part that an archive is in now, and where in it each former part begins."""

    part: str
    starts: Mapping[str, int]

    def moved(self, progress: Progress) -> Progress:
        """The same of a row, its page where it stands now. Raises: nothing."""
        if progress.place is None:
            return progress
        offset = self.starts[progress.place.part] + progress.place.offset
        return replace(progress, place=replace(progress.place, part=self.part, offset=offset))


class Parts:
    """The parts of an archive, as far as this process knows them.

    Args:
        store: where they are.
        prefix: key of the batch's folder.
    """

    def __init__(self, store: Store, prefix: str) -> None:
        self._store, self._prefix = store, prefix
        self.key = archive_key(prefix, 0)
        """The part that is written to next: one text, which all places in it share."""
        self.sizes: dict[str, int] = {}

    def stamps(self) -> Stamps:
        """The parts that count now. Raises: `StoreError`."""
        found = self._store.stamps(self._prefix)
        return {key: found[key] for key in archive_parts(found)[0]}

    def know(self, stamps: Stamps) -> None:
        """Take the parts to be these, as they are: nothing is read. Raises: nothing."""
        self.sizes = _sizes(stamps)

    def are_known(self, stamps: Stamps) -> bool:
        """Whether nobody but us has written to them. Raises: nothing."""
        return _sizes(stamps) == self.sizes

    def begin(self) -> None:
        """Go on to a part that nobody has written. Raises: nothing."""
        last = max((archive_numbers(key)[1] for key in self.sizes), default=0)
        self.key = archive_key(self._prefix, last + 1)

    def read(self, part: str) -> Iterator[WarcRecord]:
        """The whole records of a part; then a torn tail is cut off. Raises: `StoreError`."""
        end = 0
        for record in read_records(self._store.stream(part)):
            end = record.offset + record.length
            yield record
        self._cut(part, end)
        self.sizes[part] = end

    def writing(self, data: bytes) -> Callable[[], None]:
        """What is to be done in a thread to add to the part; it counts as written from now on."""
        part = self.key
        at = self.sizes.get(part, 0)
        self.sizes[part] = at + len(data)
        if self._store.can_append:
            return partial(self._store.append, part, data, at=at)
        return partial(self._store.put, part, data)

    def compact(self, copy: Path) -> Compacted | None:
        """Make one part of all, and a local copy of it; what it covers goes once it is there.

        None if another process has written meanwhile: then nothing is touched.

        Args:
            copy: the file that is made.

        Raises:
            StoreError: the store failed, or a part isn't as long as it was.
            OSError: the copy can't be written.
        """
        found = self._store.sizes(self._prefix)
        parts, covered = archive_parts(found)
        if not parts or {part: found[part] for part in parts} != self.sizes:
            return None
        starts = self._copy(parts, copy)
        whole = parts[0]
        if len(parts) > 1:
            first, last = archive_numbers(parts[0])[0], archive_numbers(parts[-1])[1]
            whole = archive_key(self._prefix, first, last)
            self._store.put_file(whole, copy)
            covered += parts
        self._store.delete(*covered)
        self.sizes = {whole: copy.stat().st_size}
        return Compacted(part=whole, starts=starts)

    def _copy(self, parts: list[str], copy: Path) -> dict[str, int]:
        """Each record is a gzip member of its own: so parts that follow one another are one."""
        starts: dict[str, int] = {}
        with copy.open("wb") as file:
            for part in parts:
                starts[part] = file.tell()
                file.writelines(self._store.stream(part))
                if file.tell() - starts[part] != self.sizes[part]:
                    raise StoreError(f"store: {part}: it has changed while it was read")
        return starts

    def _cut(self, part: str, end: int) -> None:
        """Cut a torn tail off: the part is written anew without it, piece by piece."""
        head = self._store.head(part)
        if head is not None and end < head.size:
            with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as whole:
                whole.writelines(_first(self._store.stream(part), end))
                whole.seek(0)
                self._store.put(part, whole)


def _sizes(stamps: Stamps) -> dict[str, int]:
    return {part: size for part, (size, _) in stamps.items()}


def _first(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        if size <= 0:
            return
        yield chunk[:size]
        size -= len(chunk)
