"""A page, read back from where it stands in the archive: by any process that has the store.

In: a place. Out: the page, its body decoded. Sizes and offsets are in bytes.
"""

from dataclasses import dataclass

from scraper.archive.warc import http_message, read_records
from scraper.fetch.page import decoded_page
from scraper.models import Attempt, Page
from scraper.store import Store

__all__ = ["Place", "read_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a response record stands: bytes of one archive part."""

    part: str
    offset: int
    length: int


def read_page(store: Store, place: Place, attempt: Attempt, *, max_bytes: int) -> Page:
    """Read a flushed page back, its body decoded.

    Raises:
        StoreError: the store failed, or has no such piece.
        ScraperError: the body can't be decoded; it could be when it was fetched.
    """
    data = store.get_range(place.part, place.offset, place.length)
    record = next(read_records([data]))
    http_status, headers, body = http_message(record.block)
    return decoded_page(attempt, headers, body, http_status=http_status, max_bytes=max_bytes)
