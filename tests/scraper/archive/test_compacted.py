"""An object store's parts become one at the end of a batch; nothing is lost or counted twice."""

import asyncio
import threading

import pytest
from warcio.checker import Checker

from scraper.archive import Archive, read_page
from scraper.archive.progress import local_parts, read_progress
from scraper.archive.warc import read_records
from scraper.errors import StoreError
from scraper.models import Reason
from scraper.settings_table import Archive as ArchiveSettings
from scraper.store import Store
from tests.scraper.archive.archives import (
    PART_1,
    PREFIX,
    add_page,
    attempt,
    body_of,
    open_archive,
    recovered,
)
from tests.scraper.batches import store_in

pytestmark = pytest.mark.anyio

WHOLE = f"{PREFIX}/archive-00001-00003.warc.gz"
BODIES = {row: b"<p>" + b"page %d " % row * row for row in (1, 2, 4)}


@pytest.fixture
def store():
    return Store("memory://")


async def filled(store: Store) -> Archive:
    """Three parts: of row 2 a first attempt that failed, of row 3 nothing else."""
    archive = open_archive(store)
    for rows in ((1,), (2, 3), (2, 4)):
        for row in rows:
            if row == 3 or rows == (2, 3):
                archive.add(attempt(row, Reason.TIMEOUT), [])
            else:
                add_page(archive, row, BODIES[row])
        await archive.flush()
    assert len(store.list(PREFIX)) == 3
    return archive


def known(archive: Archive) -> dict[int, object]:
    return {row: progress.last for row, progress in archive.progress.items()}


def pages(archive: Archive) -> dict[int, bytes]:
    return {row: body_of(archive, row) for row, one in archive.progress.items() if one.place}


async def test_the_parts_become_one_and_every_page_is_found_in_it(store, tmp_path):
    archive = await filled(store)
    before = {key: store.get(key) or b"" for key in store.list(PREFIX)}
    rows = known(archive)
    async with archive.compacted() as copy:
        assert store.list(PREFIX) == [WHOLE]
        assert store.get(WHOLE) == b"".join(before.values()) == copy.read_bytes()
        assert (known(archive), pages(archive)) == (rows, BODIES)
        places = [one.place for one in archive.progress.values() if one.place]
        data = copy.read_bytes()
        for place in places:
            record = next(read_records([data[place.offset : place.offset + place.length]]))
            assert record.kind == "response"
    assert not copy.parent.exists()
    again, attempts = recovered(store)
    assert (known(again), pages(again), len(attempts)) == (rows, BODIES, 5)
    assert {
        row: one.last for row, one in read_progress(local_parts(store, PREFIX, tmp_path)).items()
    } == rows


async def test_what_is_made_of_the_parts_is_a_warc_file_to_others(store, tmp_path):
    async with (await filled(store)).compacted() as copy:
        checker = Checker(type("Arguments", (), {"inputs": [str(copy)], "verbose": False})())
        checker.process_all()
        assert checker.exit_value == 0


async def test_one_part_is_not_written_again_but_copied(store):
    archive = open_archive(store)
    add_page(archive, 1, BODIES[1])
    await archive.flush()
    stamps = store.stamps(PREFIX)
    async with archive.compacted() as copy:
        assert copy.read_bytes() == store.get(PART_1)
        assert pages(archive) == {1: BODIES[1]}
    assert store.stamps(PREFIX) == stamps


async def test_a_folder_stays_as_it_is(tmp_path):
    store = store_in(tmp_path)
    for row in (1, 2):
        archive = open_archive(store)
        add_page(archive, row, BODIES[row])
        await archive.flush()
    stamps = store.stamps(PREFIX)
    async with archive.compacted() as copy:
        assert copy is None
    assert store.stamps(PREFIX) == stamps


async def test_an_archive_of_nothing_is_compacted_to_nothing(store):
    async with open_archive(store).compacted() as copy:
        assert copy is None
    assert store.list(PREFIX) == []


@pytest.mark.parametrize("deleted", [0, 1, 2])
async def test_between_put_and_deletes_nothing_is_lost_and_nothing_counted_twice(
    store, monkeypatch, tmp_path, deleted
):
    archive = await filled(store)
    rows = known(archive)

    def delete(*keys: str) -> None:
        Store.delete(store, *keys[:deleted])
        raise StoreError("killed")

    monkeypatch.setattr(store, "delete", delete)
    with pytest.raises(StoreError, match="killed"):
        async with archive.compacted():
            pytest.fail("it went on")
    monkeypatch.undo()

    assert len(store.list(PREFIX)) == 4 - deleted
    assert {
        row: one.last for row, one in read_progress(local_parts(store, PREFIX, tmp_path)).items()
    } == rows
    again, attempts = recovered(store)
    assert (known(again), pages(again), len(attempts)) == (rows, BODIES, 5)
    async with again.compacted():
        assert store.list(PREFIX) == [WHOLE]
    assert pages(again) == BODIES


async def test_a_batch_that_goes_on_after_it_is_compacted_again(store):
    async with (await filled(store)).compacted():
        pass
    archive = open_archive(store)
    add_page(archive, 5, b"more")
    await archive.flush()
    assert store.list(PREFIX) == [WHOLE, f"{PREFIX}/archive-00004.warc.gz"]
    async with archive.compacted():
        assert store.list(PREFIX) == [f"{PREFIX}/archive-00001-00004.warc.gz"]
    assert pages(archive) == pages(recovered(store)[0]) == BODIES | {5: b"more"}


async def test_a_put_that_fails_leaves_all_as_it_was(store, monkeypatch):
    archive = await filled(store)
    before = store.stamps(PREFIX)

    def put_file(key: str, path: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(store, "put_file", put_file)
    with pytest.raises(StoreError, match="gone"):
        async with archive.compacted():
            pytest.fail("it went on")
    assert store.stamps(PREFIX) == before


async def test_parts_that_another_has_written_are_left_alone(store):
    archive = await filled(store)
    store.put(f"{PREFIX}/archive-00004.warc.gz", b"another's")
    before = store.stamps(PREFIX)
    async with archive.compacted() as copy:
        assert copy is None
        assert pages(archive) == BODIES
    assert store.stamps(PREFIX) == before


async def test_a_part_that_is_gone_when_it_is_read_is_told(store, monkeypatch):
    archive = await filled(store)
    monkeypatch.setattr(store, "stream", lambda key: iter(()))
    with pytest.raises(StoreError, match=r"archive-00001\.warc\.gz: it has changed"):
        async with archive.compacted():
            pytest.fail("it went on")
    assert len(store.list(PREFIX)) == 3


async def test_who_is_cancelled_waits_until_it_is_done(store, monkeypatch):
    archive = await filled(store)
    begun, go_on = threading.Event(), threading.Event()
    put_file = store.put_file

    def slow(key: str, path: object) -> None:
        begun.set()
        assert go_on.wait(10)
        put_file(key, path)

    monkeypatch.setattr(store, "put_file", slow)

    async def compact() -> None:
        async with archive.compacted():
            pytest.fail("it went on")

    task = asyncio.create_task(compact())
    assert await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.list(PREFIX) == [WHOLE]


async def test_a_page_is_read_from_the_copy_and_from_the_store_when_that_is_gone(
    store, monkeypatch
):
    archive = await filled(store)
    asked: list[str] = []
    get_range = store.get_range
    monkeypatch.setattr(
        store, "get_range", lambda key, *place: asked.append(key) or get_range(key, *place)
    )
    async with archive.compacted() as copy:
        one = archive.progress[4]
        for gone in (False, True):
            if gone:
                copy.unlink()
            page = read_page(store, one.place, one.last, max_bytes=1000, copy=copy)
            assert (page.body, asked) == (BODIES[4], [WHOLE] if gone else [])


async def test_an_object_store_is_flushed_less_often(store, monkeypatch):
    pauses: list[float] = []
    awake = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 6:
            awake.set()
            await asyncio.Event().wait()

    monkeypatch.setattr("scraper.archive.archive.asyncio.sleep", sleep)
    archive = Archive(store, PREFIX, ArchiveSettings(), software="x/1")
    archive.recover()
    async with archive.kept_flushed():
        await asyncio.wait_for(awake.wait(), 10)
    assert pauses == [3.75, 7.5, 15, 30, 30, 30]
