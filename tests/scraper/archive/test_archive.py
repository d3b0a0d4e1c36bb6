import gzip
from pathlib import Path

import pytest
from warcio.checker import Checker

from scraper.archive import Archive, Progress
from scraper.archive.warc import read_records
from scraper.errors import StoreError
from scraper.models import Attempt, Hop, Page, Reason, RobotsAnswer
from scraper.store import Store
from tests.scraper.archive.archives import (
    BODY,
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


class ObjectStore(Store):
    """A folder that behaves like an object store."""

    @property
    def can_append(self) -> bool:
        return False

    def append(self, key: str, data: bytes) -> None:
        raise StoreError("an object store can't append")


def add_failure(archive: Archive, row: int) -> Attempt:
    made = attempt(row, Reason.TIMEOUT)
    archive.add(made, [])
    return made


def places(archive: Archive) -> dict[int, tuple[str, int] | None]:
    """Where the pages begin; how much is read behind that doesn't matter."""
    return {
        row: (progress.place.part, progress.place.offset) if progress.place else None
        for row, progress in archive.progress.items()
    }


def kinds(store: Store, part: str) -> list[str]:
    return [record.kind for record in read_records(store.stream(part))]


def check_with_warcio(store: Store, *parts: str) -> None:
    class Command:
        inputs = tuple(str(Path(store.url) / part) for part in parts)
        verbose = False

    checker = Checker(Command())
    checker.process_all()
    assert checker.exit_value == 0


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


@pytest.fixture(params=[Store, ObjectStore], ids=["folder", "object store"])
def either(request, tmp_path) -> Store:
    return request.param(str(tmp_path / "store"))


async def test_an_empty_archive_writes_nothing(either):
    archive = open_archive(either)
    async with archive.kept_flushed():
        pass

    assert either.list(PREFIX) == []
    assert recovered(either)[1] == []


async def test_what_was_added_is_recovered_as_it_was(either):
    archive = open_archive(either)
    odd = attempt(
        3,
        Reason.BAD_REDIRECT,
        number=2,
        http_status=302,
        redirects=(Hop(url="http://a.test/3", status=302),),
        retry_after_s=1.5,
        carry_to="http://b.test/",
        detail="Location: é\r\nX: \0",
        wire_bytes=7,
    )
    archive.add(odd, [exchange("http://a.test/3", http_status=302)])
    made = [odd, add_page(archive, 1), add_failure(archive, 2)]
    await archive.flush()

    again, attempts = recovered(either)

    assert attempts == made
    assert {row: progress.last for row, progress in again.progress.items()} == {
        1: made[1],
        2: made[2],
        3: odd,
    }
    assert places(again) == places(archive)
    assert [row for row, place in places(again).items() if place] == [1]


async def test_a_page_is_read_back_by_its_place(either):
    archive = open_archive(either)
    made = attempt(
        1,
        redirects=(Hop(url="http://a.test/1", status=301),),
        final_url="http://a.test/2",
        url="http://a.test/1",
    )
    headers = (
        (b"Content-Encoding", b"gzip"),
        (b"Set-Cookie", b"a"),
        (b"Set-Cookie", b"b"),
        (b"Transfer-Encoding", b"chunked"),
    )
    last = exchange("http://a.test/2", gzip.compress(BODY), response_headers=headers)
    archive.add(made, [exchange("http://a.test/1", http_status=301), last])
    await archive.flush()
    place = archive.progress[1].place
    assert place is not None

    assert archive.read_page(place, made, max_bytes=1000) == Page(
        url="http://a.test/1",
        final_url="http://a.test/2",
        redirects=(Hop(url="http://a.test/1", status=301),),
        http_status=200,
        headers=(("Content-Encoding", "gzip"), ("Set-Cookie", "a"), ("Set-Cookie", "b")),
        body=BODY,
        fetched_at=AT,
        elapsed_s=0.25,
    )


@pytest.mark.parametrize(
    ("codings", "body"),
    [
        ((b"gzip", b"gzip"), gzip.compress(gzip.compress(BODY))),
        ((b"identity", b"gzip"), gzip.compress(BODY)),
        ((b"gzip, gzip",), gzip.compress(gzip.compress(BODY))),
    ],
    ids=["two headers", "none and one", "one header"],
)
async def test_all_codings_of_a_page_are_undone(store, codings, body):
    archive = open_archive(store)
    headers = tuple((b"Content-Encoding", coding) for coding in codings)
    archive.add(attempt(1), [exchange("http://a.test/1", body, response_headers=headers)])
    await archive.flush()

    assert body_of(archive, 1) == BODY


async def test_all_pages_are_readable_after_each_flush_and_each_life(either):
    archive = open_archive(either)
    bodies = {row: b"%d " % row * 100 for row in range(12)}
    for row, body in bodies.items():
        add_page(archive, row, body)
        if row % 3 == 0:
            await archive.flush()
            assert body_of(archive, row) == body
    await archive.flush()

    assert {row: body_of(archive, row) for row in bodies} == bodies
    assert {row: body_of(recovered(either)[0], row) for row in bodies} == bodies


async def test_the_order_of_the_attempts_is_kept(either):
    archive = open_archive(either)
    made = []
    for number in range(1, 15):
        made.append(attempt(5, Reason.TIMEOUT, number=number))
        archive.add(made[-1], [])
        if number % 4 == 0:
            await archive.flush()
    await archive.flush()

    again, attempts = recovered(either)

    assert attempts == made
    assert again.progress[5].last == made[-1]


async def test_a_later_attempt_without_a_page_has_no_place(store):
    archive = open_archive(store)
    add_page(archive, 1)
    last = add_failure(archive, 1)
    await archive.flush()

    assert archive.progress == {1: Progress(last=last, place=None)}
    assert recovered(store)[0].progress == archive.progress


async def test_the_records_of_a_part(store):
    archive = open_archive(store)
    add_page(archive, 1)
    add_failure(archive, 2)
    led_on = attempt(3, Reason.TIMEOUT, redirects=(Hop(url="http://a.test/3", status=302),))
    archive.add(led_on, [exchange("http://a.test/3", b"", http_status=302)])
    archive.add(attempt(4, Reason.HTTP_4XX, http_status=404), [exchange("http://a.test/4")])
    await archive.flush()

    records = list(read_records(store.stream(PART_1)))

    assert [(record.kind, record.metadata is not None) for record in records] == [
        ("warcinfo", False),
        ("response", True),
        ("request", False),
        ("metadata", True),
        ("response", False),
        ("request", False),
        ("metadata", True),
        ("response", True),
        ("request", False),
    ]
    assert b"software: x/1" in records[0].block
    check_with_warcio(store, PART_1)


async def test_an_object_store_gets_a_new_part_a_flush(tmp_path):
    store = ObjectStore(str(tmp_path / "store"))
    archive = open_archive(store)
    for row in (1, 2):
        add_page(archive, row)
        await archive.flush()
        await archive.flush()

    assert store.list(PREFIX) == [PART_1, PART_2]
    assert kinds(store, PART_1) == kinds(store, PART_2) == ["warcinfo", "response", "request"]


async def test_a_folder_store_has_one_part_a_life(store):
    for life in (1, 2):
        archive = open_archive(store)
        for row in (1, 2):
            add_page(archive, 10 * life + row)
            await archive.flush()

    pages = ["response", "request"] * 2
    assert {part: kinds(store, part) for part in store.list(PREFIX)} == {
        PART_1: ["warcinfo", *pages],
        PART_2: ["warcinfo", *pages],
    }


async def test_a_second_life_never_touches_the_parts_of_the_first(store):
    archive = open_archive(store)
    add_page(archive, 1)
    await archive.flush()
    before = store.get(PART_1)

    second = open_archive(store)
    add_page(second, 2)
    await second.flush()

    assert store.get(PART_1) == before
    assert store.list(PREFIX) == [PART_1, PART_2]
    assert [made.row for made in recovered(store)[1]] == [1, 2]


async def test_a_life_that_wrote_nothing_leaves_no_part(store):
    for _ in range(3):
        open_archive(store)
    archive = open_archive(store)
    add_page(archive, 1)
    await archive.flush()

    assert store.list(PREFIX) == [PART_1]


@pytest.mark.parametrize("torn", range(1, 9), ids=lambda part: f"{part} eighths short")
async def test_a_torn_tail_is_cut_and_the_file_is_valid_again(store, torn):
    archive = open_archive(store)
    add_page(archive, 1)
    await archive.flush()
    whole = store.get(PART_1) or b""
    add_page(archive, 2, bytes(range(256)) * 4)
    await archive.flush()
    both = store.get(PART_1) or b""
    page_end = list(read_records([both]))[-2]
    left = len(both) - (len(both) - len(whole)) * torn // 8
    store.put(PART_1, both[:left])

    second = open_archive(store)

    # A torn request record costs nothing: its page stands before it.
    has_both = left >= page_end.offset + page_end.length
    assert store.get(PART_1) == (both[: page_end.offset + page_end.length] if has_both else whole)
    check_with_warcio(store, PART_1)
    add_page(second, 3)
    await second.flush()
    assert [made.row for made in recovered(store)[1]] == ([1, 2, 3] if has_both else [1, 3])
    assert store.list(PREFIX) == [PART_1, PART_2]


@pytest.mark.parametrize("rest", [b"", b"WARC", b"\0" * 5000], ids=["empty", "text", "zeros"])
async def test_a_part_without_a_record_is_emptied_and_left(store, rest):
    store.put(PART_1, rest)

    archive = open_archive(store)
    add_page(archive, 1)
    await archive.flush()

    assert store.get(PART_1) == b""
    assert store.list(PREFIX) == [PART_1, PART_2]
    assert [made.row for made in recovered(store)[1]] == [1]


async def test_other_files_of_the_batch_are_no_parts(store):
    store.put(f"{PREFIX}/outcomes.jsonl.gz", b"x")
    store.put(f"{PREFIX}/seeds.parquet", b"x")

    assert recovered(store)[1] == []


async def test_a_whole_part_is_not_written_again(store, monkeypatch):
    archive = open_archive(store)
    add_page(archive, 1)
    await archive.flush()
    monkeypatch.setattr(store, "put", None)

    assert len(recovered(store)[1]) == 1


def answer(**fields: object) -> RobotsAnswer:
    known: dict[str, object] = {
        "origin": "http://a.test:81",
        "reason": Reason.OK,
        "http_status": 200,
        "body": b"",
        "content_encoding": None,
        "at": AT,
    }
    return RobotsAnswer(**(known | fields))  # type: ignore[arg-type]


ROBOTS_URL = "http://a.test:81/robots.txt"


PACKED = gzip.compress(b"User-agent: *")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (answer(body=b"User-agent: *"), exchange(ROBOTS_URL, b"User-agent: *")),
        (
            answer(body=PACKED, content_encoding="gzip"),
            exchange(ROBOTS_URL, PACKED, response_headers=((b"content-encoding", b"gzip"),)),
        ),
        (
            answer(reason=Reason.ROBOTS_UNREACHABLE, http_status=503, body=b"x"),
            exchange(ROBOTS_URL, b"x", http_status=503),
        ),
        (answer(reason=Reason.DNS, http_status=None), None),
    ],
    ids=["rules", "compressed", "503", "no answer"],
)
async def test_robots_answers_are_recovered(either, given, found):
    archive = open_archive(either)
    archive.add_robots(given, found)
    add_page(archive, 1)
    await archive.flush()

    again, attempts = recovered(either)

    assert again.robots == [given]
    assert [made.row for made in attempts] == [1]
    assert [kind for part in either.list(PREFIX) for kind in kinds(either, part)][1] == (
        "metadata" if found is None else "response"
    )
