import asyncio

import httpx
import pytest

from scraper.layout import batch_key
from scraper.models import PhaseResult
from scraper.open_batch import open_batch
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.submit import fetch_lacking, submit
from tests.scraper.batches import (
    jobs,
    outcomes,
    page,
    plan,
    response,
    run_batch,
    session_on,
    store_in,
    website,
)
from tests.scraper.submitted import (
    ROWS,
    SPREAD,
    Bug,
    archived,
    at_request,
    fail,
    pages_at,
    submitted,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


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


async def test_what_hangs_at_a_stop_is_cut_short_and_asked_again(store, monkeypatch):
    monkeypatch.setattr("scraper.stopping.DRAIN_S", 0.02)
    stop = StopFlag()
    info = plan(store, SPREAD)
    (job,) = jobs(info, store)
    first, second = pages_at(SPREAD), pages_at(SPREAD)
    at_request(2, first, stop.set)
    first.latency_s = 600

    async with asyncio.timeout(5):
        stopped = await submitted(first, info, store, stop=stop)

    assert (stopped.attempts, stopped.stopped) == (0, True)
    assert archived(store, job) == {}
    assert (await submitted(second, info, store)).attempts == 20
    assert sorted(second.urls) == sorted(SPREAD)


async def test_a_stop_ends_the_wait_for_a_host(store):
    stop = StopFlag()
    info = plan(store, ROWS, "throttle.delay_s=30")
    site = pages_at(ROWS)
    at_request(1, site, lambda: asyncio.get_running_loop().call_later(0.01, stop.set))

    async with asyncio.timeout(5):
        result = await submitted(site, info, store, stop=stop)

    assert result == PhaseResult(attempts=1, pending=0, stopped=True)


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
