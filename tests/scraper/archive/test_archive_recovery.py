"""Any prefix of an archive, with anything behind it, is recovered to exactly its whole records."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.archive.warc import read_records
from scraper.models import Attempt, Reason, RobotsAnswer
from scraper.store import Store
from tests.scraper.archive.archives import (
    BODY,
    PART_1,
    PART_2,
    add_page,
    attempt,
    body_of,
    exchange,
    open_archive,
    recovered,
)
from tests.scraper.batches import AT, store_in

page = st.binary(max_size=3000)
failure = st.sampled_from([Reason.TIMEOUT, Reason.DNS, Reason.ROBOTS_DISALLOWED])
robots = st.just(None)
added = st.lists(st.one_of(page, failure, robots), min_size=1, max_size=8)


def add(archive, row: int, what: bytes | Reason | None) -> Attempt | str:
    """Add a page, an attempt that ended in none, or a robots.txt."""
    if isinstance(what, bytes):
        return add_page(archive, row, what)
    if isinstance(what, Reason):
        made = attempt(row, what)
        archive.add(made, [])
        return made
    answer = RobotsAnswer(
        origin=f"http://{row}.test",
        reason=Reason.OK,
        http_status=200,
        body=b"",
        content_encoding=None,
        at=AT,
    )
    archive.add_robots(answer, exchange(f"{answer.origin}/robots.txt", b""))
    return answer.origin


def written(store: Store, whats: list[bytes | Reason | None]) -> list[Attempt | str]:
    """Write an archive of one part."""
    archive = open_archive(store)
    made = [add(archive, row, what) for row, what in enumerate(whats, 1)]
    asyncio.run(archive.flush())
    return made


def in_prefix(data: bytes, cut: int, made: list[Attempt | str]) -> list[Attempt | str]:
    """Those of what was added whose record ends within the prefix."""
    ends = [r.offset + r.length for r in read_records([data]) if r.metadata is not None]
    assert len(ends) == len(made)
    return [one for one, end in zip(made, ends, strict=True) if end <= cut]


@settings(deadline=None, max_examples=40)
@given(whats=added, share=st.floats(0, 1), rest=st.binary(max_size=50))
def test_any_prefix_is_recovered_to_exactly_its_whole_records(whats, share, rest):
    with TemporaryDirectory() as folder:
        store = store_in(Path(folder))
        made = written(store, whats)
        data = store.get(PART_1) or b""
        cut = round(len(data) * share)
        # What follows is garbage: it doesn't go on as the file did.
        store.put(PART_1, data[:cut] + (b"" if data[cut:].startswith(rest) else rest))
        kept = in_prefix(data, cut, made)

        archive = open_archive(store)
        known = [one for one in kept if isinstance(one, Attempt)]
        assert [progress.last for progress in archive.progress.values()] == known
        assert [answer.origin for answer in archive.robots] == [k for k in kept if k not in known]
        left = store.get(PART_1) or b""
        assert data.startswith(left)
        assert sum(record.length for record in read_records([left])) == len(left)

        # What is added from now on is found by the next life, beside all that was there.
        more = add_page(archive, 99, b"more")
        asyncio.run(archive.flush())
        again, attempts = recovered(store)
        assert attempts == [*known, more]
        assert store.get(PART_1) == left
        assert store.get(PART_2)
        for one in known:
            what = whats[one.row - 1]
            if isinstance(what, bytes):
                assert body_of_any(again, one.row) == what


def body_of_any(archive, row: int) -> bytes:
    progress = archive.progress[row]
    return archive.read_page(progress.place, progress.last, max_bytes=10_000).body


@settings(deadline=None, max_examples=10)
@given(cuts=st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_life_after_life_that_is_torn_keeps_what_was_whole(cuts):
    with TemporaryDirectory() as folder:
        store = store_in(Path(folder))
        kept: list[int] = []
        for life, share in enumerate(cuts, 1):
            archive = open_archive(store)
            assert sorted(archive.progress) == kept
            rows = [life * 10, life * 10 + 1]
            for row in rows:
                add_page(archive, row)
            asyncio.run(archive.flush())
            part = store.list("shop")[-1]
            data = store.get(part) or b""
            cut = round(len(data) * share)
            store.put(part, data[:cut])
            records = [r for r in read_records([data[:cut]]) if r.metadata is not None]
            kept += rows[: len(records)]
        archive, _ = recovered(store)
        assert sorted(archive.progress) == kept
        assert all(body_of(archive, row) == BODY for row in kept)
