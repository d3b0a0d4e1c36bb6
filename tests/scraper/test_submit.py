import asyncio
from collections.abc import Callable
from itertools import pairwise

import httpx
import pytest

from scraper.archive import Archive
from scraper.errors import StoreError
from scraper.layout import batch_key
from scraper.models import Attempt, BatchJob, PhaseResult, Reason
from scraper.open_batch import open_batch
from scraper.poll import poll
from scraper.run import RunInfo
from scraper.session import Session
from scraper.settings_table import Archive as ArchiveSettings
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.submit import fetch_lacking, submit
from tests.scraper.batches import (
    Website,
    jobs,
    moved,
    outcomes,
    page,
    plan,
    reasons,
    response,
    run_batch,
    session_on,
    store_in,
    website,
)

pytestmark = pytest.mark.anyio

ROWS = [f"http://a.test/{n}" for n in range(6)]
SPREAD = [f"http://{host}.test/{n}" for n in range(5) for host in "abcd"]


class Bug(RuntimeError):
    pass


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


def pages_at(urls: list[str]) -> Website:
    return website({url: page(url) for url in urls})


def archived(store: Store, job: BatchJob) -> dict[int, Attempt]:
    """What a batch's archive has: the last attempt of each row."""
    archive = Archive(store, batch_key(job.run, job.batch), ArchiveSettings(), software="x")
    archive.recover()
    return {row: progress.last for row, progress in archive.progress.items()}


async def submitted(
    site: Website, info: RunInfo, store: Store, *, stop: StopFlag | None = None
) -> PhaseResult:
    (job,) = jobs(info, store)
    async with session_on(site, info, store, stop=stop) as session:
        return await submit(session, job)


def at_request(number: int, site: Website, act: Callable[[], object]) -> None:
    """Do something when the website is asked for the so-manieth time."""

    def before(_url: str) -> None:
        if len(site.log) == number:
            act()

    site.before = before


def fail() -> None:
    raise Bug("killed here")


async def test_every_seed_is_asked_for_once(store):
    info = plan(store, SPREAD)
    site = pages_at(SPREAD)

    result = await submitted(site, info, store)

    assert result == PhaseResult(attempts=20, pending=0)
    assert sorted(site.urls) == sorted(SPREAD)
    assert {attempt.reason for attempt in archived(store, jobs(info, store)[0]).values()} == {
        Reason.OK
    }


async def test_duplicates_and_invalid_rows_are_not_asked_for(store):
    info = plan(store, [ROWS[0], f"{ROWS[0]}#x", "nonsense", "HTTP://A.test:80/0", ROWS[1]])
    site = pages_at(ROWS)

    assert (await submitted(site, info, store)).attempts == 2
    assert site.urls == ROWS[:2]


@pytest.mark.parametrize(
    "answer",
    [page(), response(404), response(503), response(202), httpx.ReadTimeout("slow")],
    ids=["page", "404", "503", "202", "timeout"],
)
async def test_submit_again_asks_nothing_again(store, answer):
    info = plan(store, ROWS, "throttle.give_up_after=99")
    site = website(dict.fromkeys(ROWS, answer))

    first = await submitted(site, info, store)
    again = [await submitted(site, info, store) for _ in range(2)]

    assert again == [first, first]
    assert site.urls == ROWS


async def test_what_is_transient_is_pending_and_asked_for_once(store):
    info = plan(store, ROWS[:4])
    site = website(
        {
            ROWS[0]: response(503),
            ROWS[1]: response(404),
            ROWS[2]: httpx.ReadError("gone"),
            ROWS[3]: page(),
        }
    )

    assert await submitted(site, info, store) == PhaseResult(attempts=4, pending=2)
    assert site.urls == ROWS[:4]


@pytest.mark.parametrize("number", [1, 3, 6])
async def test_killed_by_a_bug_only_what_the_archive_lacks_is_asked_again(store, number):
    info = plan(store, ROWS)
    (job,) = jobs(info, store)
    first, second = pages_at(ROWS), pages_at(ROWS)
    at_request(number, first, fail)

    with pytest.raises(Bug):
        await submitted(first, info, store)
    result = await submitted(second, info, store)

    assert first.urls == ROWS[:number]
    assert second.urls == ROWS[number - 1 :]
    assert result == PhaseResult(attempts=6, pending=0)
    assert sorted(archived(store, job)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("number", [1, 7, 19])
async def test_cancelled_only_what_the_archive_lacks_is_asked_again(store, number):
    info = plan(store, SPREAD)
    (job,) = jobs(info, store)
    first, second = pages_at(SPREAD), pages_at(SPREAD)
    first.latency_s = 0.002
    task = asyncio.create_task(submitted(first, info, store))
    at_request(number, first, task.cancel)

    with pytest.raises(asyncio.CancelledError):
        await task
    known = {SPREAD[row - 1] for row in archived(store, job)}
    await submitted(second, info, store)

    assert known <= set(first.urls)
    assert sorted(second.urls) == sorted(set(SPREAD) - known)
    assert len(archived(store, job)) == 20


@pytest.mark.parametrize("eighths", range(9))
async def test_torn_anywhere_only_what_is_lacking_is_asked_again(store, eighths):
    """`kill -9`: no end was written, the last bytes of the archive may be any."""
    info = plan(store, ROWS)
    (job,) = jobs(info, store)
    first, second = pages_at(ROWS), pages_at(ROWS)
    await submitted(first, info, store)
    key = batch_key(job.run, job.batch, "archive-00001.warc.gz")
    data = store.get(key) or b""
    store.put(key, data[: len(data) * eighths // 8])
    known = [ROWS[row - 1] for row in archived(store, job)]

    result = await run_batch(second, info, store, job)

    assert second.urls == [url for url in ROWS if url not in known]
    assert (len(known) > 0) is (eighths > 1)
    assert result.outcomes == 6
    assert {o["final_url"]: o["items"] for o in outcomes(store, job).values()} == dict.fromkeys(
        ROWS, 1
    )


async def test_a_resumed_batch_ends_like_an_undisturbed_one(tmp_path):
    table = {url: page(url) for url in SPREAD} | {
        SPREAD[3]: response(404),
        SPREAD[5]: response(503),
        SPREAD[9]: httpx.ReadTimeout("slow"),
    }
    found = []
    for name, number in (("undisturbed", 0), ("disturbed", 9)):
        store = store_in(tmp_path / name)
        info = plan(store, SPREAD, "robots.obey=true")
        (job,) = jobs(info, store)
        site = website(table)
        at_request(number, site, fail)
        if number:
            with pytest.raises(Bug):
                await run_batch(site, info, store, job)
        await run_batch(website(table), info, store, job)
        times = {"fetched_at", "elapsed_s"}
        found.append(
            [{k: v for k, v in o.items() if k not in times} for o in outcomes(store, job).values()]
        )

    assert found[0] == found[1]
    assert len(found[0]) == 20


@pytest.mark.parametrize("way", ["bug", "cancel"])
async def test_nothing_runs_on_after_the_end(store, way):
    info = plan(store, SPREAD, "http.connections=3")
    (job,) = jobs(info, store)
    site = pages_at(SPREAD)
    site.latency_s = 0.002

    before = asyncio.all_tasks()
    async with session_on(site, info, store) as session:
        task = asyncio.create_task(submit(session, job))
        at_request(4, site, fail if way == "bug" else task.cancel)
        with pytest.raises((Bug, asyncio.CancelledError)):
            await task

        assert asyncio.all_tasks() == before
        assert site.in_flight == 0
        for _ in range(3):
            assert not session.connections.locked()
            await session.connections.acquire()
        assert session.connections.locked()


async def test_the_store_that_fails_ends_the_phase(store):
    info = plan(store, ROWS, "archive.flush_bytes=1")
    site = pages_at(ROWS)

    def full(_key: str, _data: bytes) -> None:
        raise StoreError("no space left")

    store.append = full  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="no space left"):
        await submitted(site, info, store)

    assert site.urls == ROWS[:1]


async def test_hosts_run_side_by_side_each_at_its_own_pace(store):
    info = plan(store, SPREAD, "throttle.delay_s=0.02")
    site = pages_at(SPREAD)
    site.latency_s = 0.005

    await submitted(site, info, store)

    assert site.most_in_flight > 1
    for host in "abcd":
        times = site.times_s(f"{host}.test")
        assert min(later - earlier for earlier, later in pairwise(times)) >= 0.015


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_hosts_concurrency_is_used_and_never_exceeded(store, concurrency):
    rows = [f"http://a.test/{n}" for n in range(12)]
    info = plan(store, rows, f"throttle.concurrency={concurrency}")
    site = pages_at(rows)
    site.latency_s = 0.002

    await submitted(site, info, store)

    assert site.most_in_flight == concurrency


async def test_unit_domain_counts_all_hosts_together(store):
    info = plan(
        store,
        ["http://a.shop.test/", "http://b.shop.test/", "http://c.shop.test/"],
        "throttle.unit=domain",
        "throttle.delay_s=0.02",
    )
    site = website({}, latency_s=0.002)

    await submitted(site, info, store)

    times = [asked.at_s for asked in site.log]
    assert site.most_in_flight == 1
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.015


async def test_a_held_host_keeps_its_rows_and_others_go_on(store):
    info = plan(store, SPREAD)
    (job,) = jobs(info, store)
    site = pages_at(SPREAD)
    site.answers["http://a.test/0"] = [response(429, retry_after="100")]

    async with asyncio.timeout(5):
        result = await submitted(site, info, store)

    assert result == PhaseResult(attempts=16, pending=1)
    assert [url for url in site.urls if "//a." in url] == ["http://a.test/0"]
    assert len(archived(store, job)) == 16


@pytest.mark.parametrize(
    ("answer", "asked", "reason"),
    [
        (response(500), 3, Reason.HOST_GIVEN_UP),
        (response(429), 3, Reason.HOST_GIVEN_UP),
        (httpx.ConnectError("no"), 3, Reason.HOST_GIVEN_UP),
        (response(503, retry_after="301"), 1, Reason.DEFERRED),
    ],
    ids=["500", "429", "connect", "long Retry-After"],
)
async def test_the_rows_of_a_host_that_is_left_are_marked_without_asking(
    store, answer, asked, reason
):
    others = [f"http://b.test/{n}" for n in range(6)]
    info = plan(store, ROWS + others, "throttle.give_up_after=3")
    (job,) = jobs(info, store)
    site = website(dict.fromkeys(ROWS, answer) | {url: page() for url in others})

    await submitted(site, info, store)

    assert [url for url in site.urls if "//a." in url] == ROWS[:asked]
    last = [attempt for _, attempt in sorted(archived(store, job).items())]
    marked = [a for a in last if a.reason is reason and a.number == 0]
    assert [attempt.url for attempt in marked] == ROWS[asked:]
    assert sum(attempt.reason is Reason.OK for attempt in last) == 6


async def test_4xx_never_gives_a_host_up(store):
    info = plan(store, ROWS, "throttle.give_up_after=1")
    site = website({})

    assert await submitted(site, info, store) == PhaseResult(attempts=6, pending=0)
    assert site.urls == ROWS


async def test_robots_txt_that_cant_be_reached_speaks_for_all_rows(store):
    info = plan(store, ROWS, "robots.obey=true", "throttle.give_up_after=99")
    (job,) = jobs(info, store)
    site = website({"http://a.test/robots.txt": response(503)})

    assert await submitted(site, info, store) == PhaseResult(attempts=6, pending=6)
    assert {a.reason for a in archived(store, job).values()} == {Reason.ROBOTS_UNREACHABLE}
    assert site.urls == ["http://a.test/robots.txt"]


async def test_a_resumed_batch_doesnt_ask_for_robots_txt_again(store):
    info = plan(store, ROWS, "robots.obey=true")
    first, second = pages_at(ROWS), pages_at(ROWS)
    at_request(4, first, fail)

    with pytest.raises(Bug):
        await submitted(first, info, store)
    await submitted(second, info, store)

    assert first.urls == ["http://a.test/robots.txt", *ROWS[:3]]
    assert second.urls == ROWS[2:]


async def test_a_stop_finishes_what_is_under_way_and_begins_nothing_new(store):
    stop = StopFlag()
    info = plan(store, SPREAD)
    (job,) = jobs(info, store)
    first, second = pages_at(SPREAD), pages_at(SPREAD)
    first.latency_s = 0.01
    at_request(6, first, stop.set)

    stopped = await submitted(first, info, store, stop=stop)
    kept = archived(store, job)
    resumed = await submitted(second, info, store)

    assert stopped == PhaseResult(attempts=len(first.log), pending=0, stopped=True)
    assert {SPREAD[row - 1] for row in kept} == set(first.urls)
    assert 6 <= len(first.log) <= 8
    assert resumed == PhaseResult(attempts=20, pending=0)
    assert sorted(first.urls + second.urls) == sorted(SPREAD)


async def test_a_stop_ends_the_wait_for_a_host(store):
    stop = StopFlag()
    info = plan(store, ROWS, "throttle.delay_s=30")
    site = pages_at(ROWS)
    at_request(1, site, lambda: asyncio.get_running_loop().call_later(0.01, stop.set))

    async with asyncio.timeout(5):
        result = await submitted(site, info, store, stop=stop)

    assert result == PhaseResult(attempts=1, pending=0, stopped=True)


async def lacking(session: Session, job: BatchJob, **policy: int) -> None:
    async with open_batch(session, job) as batch:
        await fetch_lacking(batch, **policy)


@pytest.mark.parametrize("policy", [{"attempts": 4}, {}], ids=["by argument", "by setting"])
async def test_fetch_lacking_goes_on_until_nothing_is_pending(store, policy):
    info = plan(store, [ROWS[0], "http://b.test/"], "retry.attempts=4")
    (job,) = jobs(info, store)
    site = website({ROWS[0]: response(503), "http://b.test/": [response(503)] * 2 + [page()]})

    async with session_on(site, info, store) as session:
        await submit(session, job)
        await lacking(session, job, **policy)
        await lacking(session, job, **policy)

    assert sorted(site.urls) == [ROWS[0]] * 4 + ["http://b.test/"] * 3
    assert {row: (a.reason, a.number) for row, a in archived(store, job).items()} == {
        1: (Reason.HTTP_5XX, 4),
        2: (Reason.OK, 3),
    }


async def test_a_hosts_own_number_of_attempts_counts(store):
    rows = ["http://a.test/", "http://b.test/", "http://c.test/"]
    info = plan(store, rows, "hosts.a.test.retry.attempts=1", "hosts.c.test.retry.attempts=5")
    (job,) = jobs(info, store)
    site = website(dict.fromkeys(rows, response(502)))

    result = await run_batch(site, info, store, job)

    assert [site.urls.count(url) for url in rows] == [1, 3, 5]
    assert (result.outcomes, result.carried) == (3, 0)


async def test_who_waits_when_a_host_is_given_up_is_not_asked_any_more(store):
    rows = [f"http://a.test/{n}" for n in range(10)]
    info = plan(store, rows, "throttle.give_up_after=12", "throttle.delay_s=0.005")
    (job,) = jobs(info, store)
    site = website(dict.fromkeys(rows, response(503)))

    async with session_on(site, info, store) as session:
        await submit(session, job)
        result = await poll(session, job)

    assert len(site.log) == 12
    assert (result.outcomes, result.carried) == (10, 0)
    assert set(reasons(store, job).values()) == {"http_5xx"}
    assert sum(int(str(o["attempts"])) for o in outcomes(store, job).values()) == 12


async def test_rows_that_waited_when_their_host_was_given_up_are_marked(store):
    rows = [f"http://a.test/{n}" for n in range(9)]
    flags = ("throttle.give_up_after=3", "throttle.delay_s=0.01", "throttle.concurrency=3")
    info = plan(store, rows, *flags)
    (job,) = jobs(info, store)
    site = website(dict.fromkeys(rows, response(500)))

    await submitted(site, info, store)

    found = [attempt.reason for attempt in archived(store, job).values()]
    assert len(site.log) == found.count(Reason.HTTP_5XX) == 3
    assert found.count(Reason.HOST_GIVEN_UP) == 6


async def test_a_row_that_led_to_a_host_that_was_given_up_is_not_asked_for_again(store):
    target = "http://b.test/x"
    info = plan(store, [ROWS[0]], "throttle.give_up_after=1")
    (job,) = jobs(info, store)
    site = website({ROWS[0]: moved(target), target: response(503)})

    result = await run_batch(site, info, store, job)

    assert site.urls == [ROWS[0], target]
    assert (result.outcomes, result.carried) == (1, 0)
    assert reasons(store, job) == {ROWS[0]: "http_5xx"}


async def test_rows_that_lead_to_a_host_that_was_given_up_end_there(store):
    target = "http://b.test/x"
    info = plan(store, ROWS, "throttle.give_up_after=2")
    (job,) = jobs(info, store)
    site = website(dict.fromkeys(ROWS, moved(target)) | {target: response(500)})

    await run_batch(site, info, store, job)

    assert site.urls.count(target) == 2
    assert list(reasons(store, job).values()) == ["http_5xx"] * 2 + ["host_given_up"] * 4


async def test_no_lane_outlives_the_one_that_failed(store):
    info = plan(store, SPREAD)
    (job,) = jobs(info, store)
    site = pages_at(SPREAD)
    site.latency_s = 0.005
    at_request(6, site, fail)

    async with session_on(site, info, store) as session, open_batch(session, job) as batch:
        before = asyncio.all_tasks()
        with pytest.raises(Bug):
            await fetch_lacking(batch, attempts=1)
        assert asyncio.all_tasks() == before
        assert site.in_flight == 0
