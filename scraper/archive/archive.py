"""The archive of one batch: append attempts, flush often, recover all of it.

In: attempts with their exchanges. Out: after any crash, every flushed attempt, in order, and
each page by its place. A folder store appends to one part a process; an object store gets a new
part a flush, less often, and one part of all when the batch is at its end. A part is never
appended to by a second process: what a crash tore off is cut.

Raises `StoreError` when the store does.

Source: WARC 1.1; img2dataset's shard as the unit of work, storage and restart.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from scraper.archive.parts import Parts, Stamps
from scraper.archive.progress import Progress, progress_of
from scraper.archive.reading import Place, read_page
from scraper.archive.told import robots_from
from scraper.archive.warc import (
    WarcRecord,
    metadata_record,
    page_records,
    warcinfo_record,
)
from scraper.models import Attempt, Exchange, Known, Page, RobotsAnswer, Status
from scraper.settings_table import Archive as ArchiveSettings
from scraper.store import Store

__all__ = ["Archive", "ArchiveMemory"]

_MIN_FLUSH_S = 0.05
_FIRST_FLUSH_S = 0.1
_FIRST_PUT_SHARE = 1 / 8
"""Of the interval on an object store: three more parts, not the nine that 0.1 s would make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveMemory:
    """All that an archive holds but its pages, and how its parts were when it was so."""

    stamps: Stamps
    progress: dict[int, Progress]
    robots: list[RobotsAnswer]
    attempts: list[Attempt]


class Archive:
    """The archive of one batch.

    Args:
        store: where the parts are put.
        prefix: key of the batch's folder.
        settings: how often to flush.
        software: who writes, for the warcinfo record.
    """

    def __init__(
        self, store: Store, prefix: str, settings: ArchiveSettings, *, software: str
    ) -> None:
        self._store, self._settings, self._software = store, settings, software
        self._parts = Parts(store, prefix)
        self._flushing = asyncio.Lock()
        self._flusher: asyncio.Task[None] | None = None
        self._buffer = bytearray()
        self._part_size = 0
        self._failure: BaseException | None = None
        self._attempts: list[Attempt] = []
        self.progress: dict[int, Progress] = {}
        self.robots: list[RobotsAnswer] = []

    def recover(self, memory: ArchiveMemory | None = None) -> list[Attempt]:
        """Read what earlier processes archived, cut torn tails, and begin a part of our own.

        Nothing is read if this process remembers it, and nobody has touched the parts since.

        Returns: the attempts, in the order in which they were made.
        """
        stamps = self._parts.stamps()
        if memory is not None and memory.stamps == stamps:
            self.progress, self.robots = memory.progress, memory.robots
            self._attempts = memory.attempts
            self._parts.know(stamps)
        else:
            for part in stamps:
                for record in self._parts.read(part):
                    self._take_in(part, record)
        self._begin_part()
        return list(self._attempts)

    def memory(self) -> ArchiveMemory | None:
        """What `recover` would read now; none if that isn't known for sure."""
        stamps = self._parts.stamps()
        if self._buffer or not self._parts.are_known(stamps):
            return None
        return ArchiveMemory(
            stamps=stamps, progress=self.progress, robots=self.robots, attempts=self._attempts
        )

    def add(
        self, attempt: Attempt, exchanges: Sequence[Exchange], known: Known | None = None
    ) -> None:
        """Take in an attempt and what went over the wire for it; `flush` makes it durable.

        `known` is what the attempt's page was compared with.
        """
        metadata = orjson.loads(orjson.dumps(attempt))
        answered = bool(exchanges) and attempt.http_status is not None
        for exchange in exchanges[:-1] if answered else exchanges:
            self._write(page_records(exchange, None))
        place = None
        if answered:
            revisits = known if attempt.reason.status is Status.UNCHANGED else None
            place = self._write(page_records(exchanges[-1], metadata, revisits=revisits))
        else:
            self._write(metadata_record(attempt.url, attempt.at, metadata))
        self._note(Progress(last=attempt, place=place if attempt.has_page else None))

    def add_robots(self, answer: RobotsAnswer, exchange: Exchange | None) -> None:
        """Take in a robots.txt, so that a resumed batch needn't ask for it again."""
        self.robots.append(answer)
        about: dict[str, object] = {
            "robots": answer.origin,
            "reason": answer.reason,
            "http_status": answer.http_status,
        }
        if exchange is not None:
            self._write(page_records(exchange, about))
        else:
            self._write(metadata_record(f"{answer.origin}/robots.txt", answer.at, about))

    async def flush(self) -> None:
        """Make all that was added durable."""
        async with self._flushing:
            if self._failure is not None:
                # Behind what that write left, nothing would be found again.
                raise self._failure
            data, self._buffer = bytes(self._buffer), bytearray()
            if not data:
                return
            write = self._parts.writing(data)
            if not self._store.can_append:
                self._begin_part()
            written = asyncio.create_task(asyncio.to_thread(write))
            try:
                await asyncio.shield(written)
            finally:
                # A thread writes on when who waits for it is cancelled: no write may overtake it.
                await asyncio.wait([written])
                self._failure = None if written.cancelled() else written.exception()

    async def flush_if_full(self) -> None:
        """Flush when more than the set number of bytes waits: whoever adds pays."""
        if self._flusher is not None and self._flusher.done():
            self._flusher.result()
        if len(self._buffer) >= self._settings.flush_bytes:
            await self.flush()

    @asynccontextmanager
    async def kept_flushed(self) -> AsyncIterator[None]:
        """Flush every so many seconds, and once more at the end, whatever happens."""
        self._flusher = asyncio.create_task(self._flush_on())
        try:
            yield
        finally:
            self._flusher.cancel()
            await asyncio.wait([self._flusher])
            if not self._flusher.cancelled():
                # It ends by itself only when the store failed; nothing is written behind that.
                self._flusher.result()
            await self.flush()

    async def _flush_on(self) -> None:
        # The first ones come sooner: a life that is cut short leaves something too.
        interval_s, pause_s = self._settings.flush_s, _FIRST_FLUSH_S
        if not self._store.can_append:
            interval_s = self._settings.object_store_flush_s
            pause_s = interval_s * _FIRST_PUT_SHARE
        while True:
            await asyncio.sleep(max(_MIN_FLUSH_S, min(pause_s, interval_s)))
            await self.flush()
            pause_s *= 2

    @asynccontextmanager
    async def compacted(self) -> AsyncIterator[Path | None]:
        """Make one part of all that is flushed; while this is open there is a local copy of it.

        A folder's parts stay as they are: no copy. Nothing may be added meanwhile.

        Raises:
            OSError: the copy can't be written.
        """
        if self._store.can_append:
            yield None
            return
        with TemporaryDirectory(prefix="scraper-") as scratch:
            copy = Path(scratch) / "archive.warc.gz"
            compacting = asyncio.create_task(asyncio.to_thread(self._parts.compact, copy))
            try:
                whole = await asyncio.shield(compacting)
            finally:
                # Whoever comes next must not read what is being deleted.
                await asyncio.wait([compacting])
            if whole is not None:
                self.progress = {row: whole.moved(one) for row, one in self.progress.items()}
            yield copy if whole is not None else None

    def read_page(self, place: Place, attempt: Attempt, *, max_bytes: int) -> Page:
        """Read a flushed page back, its body decoded."""
        return read_page(self._store, place, attempt, max_bytes=max_bytes)

    def _begin_part(self) -> None:
        self._parts.begin()
        self._part_size = 0
        info = {"software": self._software, "format": "WARC File Format 1.1"}
        self._header = warcinfo_record(datetime.now(UTC), info)

    def _write(self, data: bytes) -> Place:
        if self._part_size == 0:
            self._buffer += self._header
            self._part_size = len(self._header)
        place = Place(part=self._parts.key, offset=self._part_size, length=len(data))
        self._buffer += data
        self._part_size += len(data)
        return place

    def _take_in(self, part: str, record: WarcRecord) -> None:
        metadata = record.metadata
        if metadata is None:
            return
        if "robots" in metadata:
            self.robots.append(robots_from(record, metadata))
            return
        self._note(progress_of(part, record, metadata))

    def _note(self, found: Progress) -> None:
        self._attempts.append(found.last)
        self.progress[found.last.row] = found
