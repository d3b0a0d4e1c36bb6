import asyncio
import threading

import pytest

from scraper.archive.warc import read_records
from scraper.errors import StoreError
from scraper.store import Store
from tests.scraper.archive.archives import (
    BODY,
    PART_1,
    PREFIX,
    add_page,
    body_of,
    open_archive,
    recovered,
)
from tests.scraper.batches import store_in

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


class FullStore(Store):
    """A store that takes so many writes to the archive."""

    left = 0

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.failed = threading.Event()

    def append(self, key: str, data: bytes, *, at: int) -> None:
        if self.left == 0:
            self.failed.set()
            raise StoreError("no space left")
        self.left -= 1
        super().append(key, data, at=at)


class SlowStore(Store):
    """A store whose next write begins at once and ends when it is let."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.begun, self.may_end = threading.Event(), threading.Event()

    def append(self, key: str, data: bytes, *, at: int) -> None:
        self.begun.set()
        self.may_end.wait(5)
        super().append(key, data, at=at)


async def turns_until(store: Store, row: int) -> int:
    """Look until a row is durable; say how often that was in vain."""
    for count in range(500):
        records = [record.metadata or {} for record in read_records(store.stream(PART_1))]
        if row in [metadata.get("row") for metadata in records]:
            return count
        await asyncio.sleep(0.01)
    raise TimeoutError


async def test_it_is_flushed_every_flush_s(store):
    archive = open_archive(store, flush_s=0.05)
    async with archive.kept_flushed():
        for row in (1, 2):
            add_page(archive, row)
            assert await turns_until(store, row) > 0


async def test_the_first_flushes_of_a_life_come_sooner(store):
    archive = open_archive(store, flush_s=3600)
    async with archive.kept_flushed():
        for row in (1, 2):
            add_page(archive, row)
            await turns_until(store, row)


async def test_flush_s_0_leaves_the_loop_to_others(store):
    archive = open_archive(store, flush_s=0)
    async with archive.kept_flushed():
        add_page(archive, 1)
        assert await turns_until(store, 1) > 1


async def test_it_is_flushed_when_it_is_full(store):
    archive = open_archive(store, flush_bytes=2000)
    rows = 0
    while not store.list(PREFIX):
        rows += 1
        add_page(archive, rows)
        await archive.flush_if_full()

    size = len(store.get(PART_1) or b"")
    assert rows > 1
    assert 2000 <= size < 2000 + size / rows + 500
    assert len(recovered(store)[1]) == rows


@pytest.mark.parametrize("error", [RuntimeError(), asyncio.CancelledError()], ids=repr)
async def test_it_is_flushed_at_the_end_whatever_happens(store, error):
    archive = open_archive(store)

    async def use() -> None:
        async with archive.kept_flushed():
            add_page(archive, 1)
            raise error

    with pytest.raises(type(error)):
        await use()
    assert len(recovered(store)[1]) == 1


async def use_until_it_fails(store: FullStore, *, more: bool) -> None:
    """Add a page, wait for the failure of its flush; with more, go on as if nothing were."""
    archive = open_archive(store, flush_s=0.05)
    async with archive.kept_flushed():
        add_page(archive, 1)
        assert await asyncio.to_thread(store.failed.wait, 5)
        for _ in range(5):
            await asyncio.sleep(0.001)
        if more:
            await archive.flush_if_full()
            pytest.fail("the store's failure was not told")


@pytest.mark.parametrize("more", [True, False], ids=["at the next attempt", "at the end"])
async def test_a_full_store_is_told(tmp_path, more):
    with pytest.raises(StoreError, match="no space left"):
        await use_until_it_fails(FullStore(str(tmp_path / "store")), more=more)


async def test_a_full_store_is_told_by_the_last_flush(tmp_path):
    archive = open_archive(FullStore(str(tmp_path / "store")))
    kept_flushed = archive.kept_flushed()
    await kept_flushed.__aenter__()
    add_page(archive, 1)
    with pytest.raises(StoreError, match="no space left"):
        await kept_flushed.__aexit__(None, None, None)


async def test_what_was_flushed_before_the_store_failed_stands(tmp_path):
    store = FullStore(str(tmp_path / "store"))
    store.left = 1
    archive = open_archive(store)
    add_page(archive, 1)
    await archive.flush()
    add_page(archive, 2)
    with pytest.raises(StoreError):
        await archive.flush()

    assert [made.row for made in recovered(store)[1]] == [1]


async def test_no_write_overtakes_one_whose_waiter_was_cancelled(tmp_path):
    store = SlowStore(str(tmp_path / "store"))
    archive = open_archive(store)
    add_page(archive, 1, b"one")
    first = asyncio.create_task(archive.flush())
    await asyncio.to_thread(store.begun.wait, 5)
    first.cancel()
    add_page(archive, 2)
    second = asyncio.create_task(archive.flush())
    for _ in range(5):
        await asyncio.sleep(0)

    assert not first.done()
    store.may_end.set()
    await asyncio.wait([first, second])

    assert first.cancelled()
    assert [body_of(archive, row) for row in (1, 2)] == [b"one", BODY]
    assert [made.row for made in recovered(store)[1]] == [1, 2]


async def test_the_end_waits_for_the_flush_that_is_under_way(tmp_path):
    store = SlowStore(str(tmp_path / "store"))
    archive = open_archive(store, flush_s=0.05)

    async def use() -> None:
        async with archive.kept_flushed():
            add_page(archive, 1)
            await asyncio.to_thread(store.begun.wait, 5)
            add_page(archive, 2)

    task = asyncio.create_task(use())
    await asyncio.to_thread(store.begun.wait, 5)
    await asyncio.sleep(0.02)
    assert not task.done()
    store.may_end.set()
    await task

    assert [body_of(archive, row) for row in (1, 2)] == [BODY, BODY]


async def test_nothing_is_written_behind_a_write_that_failed(tmp_path):
    store = FullStore(str(tmp_path / "store"))
    archive = open_archive(store)
    add_page(archive, 1)
    with pytest.raises(StoreError, match="no space left"):
        await archive.flush()
    store.left = 9
    add_page(archive, 2)
    with pytest.raises(StoreError, match="no space left"):
        await archive.flush()
    assert store.list(PREFIX) == []


async def test_an_end_that_another_wrote_is_not_written_to(store):
    archive = open_archive(store)
    add_page(archive, 1)
    await archive.flush()
    whole = store.get(PART_1) or b""
    store.append(PART_1, b"another's", at=len(whole))
    add_page(archive, 2)
    with pytest.raises(StoreError, match=r"archive-00001.warc.gz: it has \d+ bytes and should"):
        await archive.flush()
    assert [made.row for made in recovered(store)[1]] == [1]
