"""Archives for tests, and what is added to them."""

from pathlib import Path

from scraper.archive import Archive
from scraper.models import Attempt, Exchange, Reason
from scraper.settings_table import Archive as ArchiveSettings
from scraper.store import Store
from tests.scraper.batches import AT

PREFIX = "shop/run/batches/1-0001-00001"
PART_1, PART_2 = (f"{PREFIX}/archive-0000{n}.warc.gz" for n in (1, 2))
BODY = b"<p>hello"


def open_archive(store: Store, **settings: object) -> Archive:
    quick = ArchiveSettings.model_validate({"flush_s": 60, "flush_bytes": 1_000_000} | settings)
    if store.can_append:
        # A batch's folder is there, with its rows in it, before its archive.
        (Path(store.url) / PREFIX).mkdir(parents=True, exist_ok=True)
    archive = Archive(store, PREFIX, quick, software="x/1")
    archive.recover()
    return archive


def recovered(store: Store) -> tuple[Archive, list[Attempt]]:
    archive = Archive(store, PREFIX, ArchiveSettings(), software="x/2")
    return archive, archive.recover()


def exchange(url: str, body: bytes = BODY, **fields: object) -> Exchange:
    known: dict[str, object] = {
        "url": url,
        "request_headers": ((b"Host", b"a.test"),),
        "http_status": 200,
        "http_reason": b"OK",
        "response_headers": ((b"Content-Type", b"text/html"),),
        "body": body,
        "at": AT,
        "elapsed_s": 0.25,
    }
    return Exchange(**(known | fields))  # type: ignore[arg-type]


def attempt(row: int, reason: Reason = Reason.OK, **fields: object) -> Attempt:
    known: dict[str, object] = {
        "row": row,
        "url": f"http://a.test/{row}",
        "number": 1,
        "reason": reason,
        "at": AT,
        "elapsed_s": 0.25,
        "http_status": 200 if reason is Reason.OK else None,
        "final_url": f"http://a.test/{row}",
    }
    return Attempt(**(known | fields))  # type: ignore[arg-type]


def add_page(archive: Archive, row: int, body: bytes = BODY) -> Attempt:
    made = attempt(row, wire_bytes=len(body))
    archive.add(made, [exchange(made.url, body)])
    return made


def body_of(archive: Archive, row: int) -> bytes:
    progress = archive.progress[row]
    assert progress.place is not None
    return archive.read_page(progress.place, progress.last, max_bytes=1000).body
