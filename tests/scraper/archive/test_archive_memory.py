"""What one phase remembers spares the next one reading, and never hides what the file says."""

import pytest

from scraper.archive import Archive, ArchiveMemory
from scraper.models import Reason, RobotsAnswer
from scraper.settings_table import Archive as ArchiveSettings
from scraper.store import Store
from tests.scraper.archive.archives import (
    PART_1,
    PART_2,
    PREFIX,
    add_page,
    attempt,
    body_of,
    exchange,
    open_archive,
    recovered,
)
from tests.scraper.batches import AT, store_in

pytestmark = pytest.mark.anyio

ROBOTS = RobotsAnswer(
    origin="http://a.test",
    reason=Reason.OK,
    http_status=200,
    body=b"User-agent: *",
    content_encoding=None,
    at=AT,
)


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


async def remembered(archive: Archive) -> ArchiveMemory:
    await archive.flush()
    memory = archive.memory()
    assert memory is not None
    return memory


async def filled(store: Store) -> Archive:
    """A folder's archive of two lives, with all that an archive may hold."""
    archive = open_archive(store)
    add_page(archive, 1)
    archive.add(attempt(2, Reason.TIMEOUT), [])
    await archive.flush()
    archive = open_archive(store)
    archive.add_robots(ROBOTS, exchange("http://a.test/robots.txt", b"User-agent: *"))
    add_page(archive, 2)
    add_page(archive, 3, b"<p>more")
    return archive


def known(archive: Archive) -> dict[int, tuple[object, ...]]:
    """What is known of each row; how much is read behind a page doesn't matter."""
    return {
        row: (progress.last, progress.place and (progress.place.part, progress.place.offset))
        for row, progress in archive.progress.items()
    }


def next_phase(store: Store, memory: ArchiveMemory | None) -> tuple[Archive, list[object]]:
    archive = Archive(store, PREFIX, ArchiveSettings(), software="x/2")
    return archive, list(archive.recover(memory))


async def test_what_is_remembered_is_what_would_be_read(store):
    memory = await remembered(await filled(store))

    kept, attempts = next_phase(store, memory)

    read, read_attempts = recovered(store)
    assert attempts == read_attempts
    assert (known(kept), kept.robots) == (known(read), read.robots)
    assert [body_of(kept, row) for row in (1, 3)] == [b"<p>hello", b"<p>more"]


async def test_what_is_remembered_is_not_read(store, monkeypatch):
    memory = await remembered(await filled(store))
    monkeypatch.setattr(store, "stream", None)

    assert len(next_phase(store, memory)[1]) == 4


async def test_the_next_phase_writes_a_part_of_its_own_and_remembers_both(store):
    memory = await remembered(open_archive(store))
    first = open_archive(store)
    add_page(first, 1)
    memory = await remembered(first)
    before = store.get(PART_1)

    second, _ = next_phase(store, memory)
    add_page(second, 2)
    memory = await remembered(second)

    assert store.get(PART_1) == before
    assert set(memory.stamps) == {PART_1, PART_2}
    assert known(next_phase(store, memory)[0]) == known(recovered(store)[0])


async def test_what_is_not_flushed_is_not_remembered(store):
    archive = open_archive(store)
    add_page(archive, 1)
    assert archive.memory() is None


async def test_an_empty_archive_is_remembered_as_one(store):
    memory = await remembered(open_archive(store))
    archive, attempts = next_phase(store, memory)
    assert (attempts, archive.progress) == ([], {})


def cut(store: Store) -> None:
    store.put(PART_1, (store.get(PART_1) or b"")[:-1])


def rewrite(store: Store) -> None:
    store.put(PART_1, store.get(PART_1) or b"")


def add_a_part(store: Store) -> None:
    add_page(archive := open_archive(store), 9)
    store.append(PART_2, bytes(archive._buffer), at=0)


def delete(store: Store) -> None:
    store.delete(PART_1)


@pytest.mark.parametrize(
    ("touch", "rows"),
    [(cut, {1}), (rewrite, {1, 2}), (add_a_part, {1, 2, 9}), (delete, set())],
    ids=["cut", "rewritten", "another part", "deleted"],
)
async def test_the_file_is_believed_once_somebody_touched_it(store, monkeypatch, touch, rows):
    archive = open_archive(store)
    add_page(archive, 1)
    archive.add(attempt(2, Reason.TIMEOUT), [])
    memory = await remembered(archive)
    read: list[str] = []
    stream = store.stream
    monkeypatch.setattr(store, "stream", lambda key: read.append(key) or stream(key))

    touch(store)

    assert next_phase(store, memory)[0].progress.keys() == rows
    assert bool(read) is bool(rows)


async def test_bytes_of_others_make_a_memory_unsure(store):
    archive = open_archive(store)
    add_page(archive, 1)
    await archive.flush()
    store.append(PART_1, b"x", at=len(store.get(PART_1) or b""))
    assert archive.memory() is None


async def test_a_flush_that_failed_makes_a_memory_unsure(store, monkeypatch):
    archive = open_archive(store)
    add_page(archive, 1)
    append = store.append

    def half(key: str, data: bytes, *, at: int) -> None:
        append(key, data[: len(data) // 2], at=at)
        raise OSError("full")

    monkeypatch.setattr(store, "append", half)
    with pytest.raises(OSError, match="full"):
        await archive.flush()

    assert archive.memory() is None
    assert recovered(store)[1] == []


async def test_an_object_stores_parts_are_remembered_too(store, monkeypatch):
    monkeypatch.setattr(Store, "can_append", False)
    archive = open_archive(store)
    for row in (1, 2):
        add_page(archive, row)
        await archive.flush()
    memory = await remembered(archive)
    assert set(memory.stamps) == {PART_1, PART_2}
    assert known(next_phase(store, memory)[0]) == known(recovered(store)[0])
