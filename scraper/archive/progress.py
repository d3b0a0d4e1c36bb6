"""What the archive of a finished batch knows of each row, read without touching it.

In: a batch's folder, of any run. Out: each row's last attempt, and its page's place. Unlike
`Archive.recover` this cuts nothing and begins nothing: the archive is another run's.
"""

from dataclasses import dataclass

from scraper.archive.reading import Place
from scraper.archive.told import attempt_from
from scraper.archive.warc import WarcRecord, read_records
from scraper.layout import archive_parts
from scraper.models import Attempt
from scraper.store import Store

__all__ = ["Progress", "progress_of", "read_progress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the archive knows of one seed: its last attempt, and its page if it has one."""

    last: Attempt
    place: Place | None


def read_progress(store: Store, prefix: str) -> dict[int, Progress]:
    """What the archive in a batch's folder knows, by row.

    Raises:
        StoreError: the store failed.
    """
    progress: dict[int, Progress] = {}
    for part in archive_parts(store.list(prefix))[0]:
        for record in read_records(store.stream(part)):
            if record.metadata is not None and "robots" not in record.metadata:
                found = progress_of(part, record, record.metadata)
                progress[found.last.row] = found
    return progress


def progress_of(part: str, record: WarcRecord, metadata: dict[str, object]) -> Progress:
    """What one record of an attempt tells. Raises: nothing, of what `Archive.add` wrote."""
    attempt = attempt_from(metadata)
    place = Place(part=part, offset=record.offset, length=record.length)
    return Progress(last=attempt, place=place if attempt.has_page else None)
