"""A page, read back from where it stands in the archive: by any process that has the store.

In: a place. Out: the page, its body decoded. Sizes and offsets are in bytes.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scraper.archive.warc import http_message, read_records
from scraper.fetch.page import decoded_page
from scraper.models import Attempt, Page
from scraper.store import Store
from scraper.store_folder import read_range

__all__ = ["Place", "read_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a response record stands: bytes of one archive part."""

    part: str
    offset: int
    length: int


def read_page(
    store: Store, place: Place, attempt: Attempt, *, max_bytes: int, copy: Path | None = None
) -> Page:
    """Read a flushed page back, its body decoded.

    Args:
        store: where the part is.
        place: of the page.
        attempt: that the page came of.
        max_bytes: of the decoded body.
        copy: a local file that has the part's bytes; without it they come from the store.

    Raises:
        StoreError: the store failed, or has no such piece.
        ScraperError: the body can't be decoded; it could be when it was fetched.
    """
    data = b""
    if copy is not None:
        # One that was taken away costs a request, not the page.
        with suppress(OSError):
            data = read_range(copy, place.offset, place.length)
    if len(data) < place.length:
        data = store.get_range(place.part, place.offset, place.length)
    record = next(read_records([data]))
    http_status, headers, body = http_message(record.block)
    return decoded_page(attempt, headers, body, http_status=http_status, max_bytes=max_bytes)
