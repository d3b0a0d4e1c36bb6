import asyncio
from itertools import pairwise

import httpx
import pytest

from scraper.errors import StoreError
from scraper.models import BatchJob, PhaseResult, Reason
from scraper.open_batch import open_batch
from scraper.poll import poll
from scraper.session import Session
from scraper.store import Store
from scraper.submit import fetch_lacking, submit
from tests.scraper.batches import (
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
from tests.scraper.submitted import (
    ROWS,
    SPREAD,
    archived,
    pages_at,
    submitted,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


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


async def test_the_store_that_fails_ends_the_phase(store):
    info = plan(store, ROWS, "archive.flush_bytes=1")
    site = pages_at(ROWS)

    def full(_key: str, _data: bytes, *, at: int) -> None:
        raise StoreError("no space left")

    store.append = full  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="no space left"):
        await submitted(site, info, store)

    assert site.urls == ROWS[:1]


@pytest.mark.usefixtures("unpaused")
async def test_hosts_run_side_by_side_each_at_its_own_pace(store):
    info = plan(store, SPREAD[:12], "throttle.delay_s=0.05")
    site = pages_at(SPREAD)
    site.latency_s = 0.005

    await submitted(site, info, store)

    assert site.most_in_flight > 1
    for host in "abcd":
        times = site.times_s(f"{host}.test")
        assert min(later - earlier for earlier, later in pairwise(times)) >= 0.04


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_hosts_concurrency_is_used_and_never_exceeded(store, concurrency):
    rows = [f"http://a.test/{n}" for n in range(12)]
    info = plan(store, rows, f"throttle.concurrency={concurrency}")
    site = pages_at(rows)
    site.latency_s = 0.002

    await submitted(site, info, store)

    assert site.most_in_flight == concurrency


@pytest.mark.usefixtures("unpaused")
async def test_unit_domain_counts_all_hosts_together(store):
    info = plan(
        store,
        ["http://a.shop.test/", "http://b.shop.test/", "http://c.shop.test/"],
        "throttle.unit=domain",
        "throttle.delay_s=0.05",
    )
    site = website({}, latency_s=0.002)

    await submitted(site, info, store)

    times = [asked.at_s for asked in site.log]
    assert site.most_in_flight == 1
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.04


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


async def test_a_batch_that_is_done_is_not_submitted_again(store):
    info = plan(store, ROWS)
    (job,) = jobs(info, store)
    site = pages_at(ROWS)
    await run_batch(site, info, store, job)

    assert await submitted(site, info, store) == PhaseResult(attempts=0, pending=0)
    assert site.urls == ROWS
