"""What the archive of a finished batch knows of each row, read without touching it.

In: a batch's folder, of any run. Out: its parts as local files, of each row its last attempt, and
its page's place. Unlike `Archive.recover` this cuts nothing and begins nothing: the archive is
another run's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scraper.archive.reading import Place
from scraper.archive.told import attempt_from
from scraper.archive.warc import WarcRecord, read_records
from scraper.errors import StoreError
from scraper.layout import archive_parts
from scraper.models import Attempt
from scraper.store import Store

__all__ = ["Progress", "local_parts", "progress_of", "read_progress"]

_CHUNK_BYTES = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the archive knows of one seed: its last attempt, and its page if it has one."""

    last: Attempt
    place: Place | None


def local_parts(store: Store, prefix: str, scratch: Path) -> dict[str, Path]:
    """The parts in a batch's folder that count, in order: a folder's own files, or copies.

    Raises:
        StoreError: the store failed.
    """
    found = (
        (part, store.local_file(part, scratch)) for part in archive_parts(store.list(prefix))[0]
    )
    return {part: path for part, path in found if path is not None}


def read_progress(parts: Mapping[str, Path]) -> dict[int, Progress]:
    """What the archive in these parts knows, by row.

    Raises:
        StoreError: a file can't be read.
    """
    progress: dict[int, Progress] = {}
    for part, path in parts.items():
        for record in read_records(_chunks(part, path)):
            if record.metadata is not None and "robots" not in record.metadata:
                found = progress_of(part, record, record.metadata)
                progress[found.last.row] = found
    return progress


def _chunks(part: str, path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from iter(partial(file.read, _CHUNK_BYTES), b"")
    except OSError as error:
        raise StoreError(f"store: {part}: {error}") from error


def progress_of(part: str, record: WarcRecord, metadata: dict[str, object]) -> Progress:
    """What one record of an attempt tells. Raises: nothing, of what `Archive.add` wrote."""
    attempt = attempt_from(metadata)
    place = Place(part=part, offset=record.offset, length=record.length)
    return Progress(last=attempt, place=place if attempt.has_page else None)
