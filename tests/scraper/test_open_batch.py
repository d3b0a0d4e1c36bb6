import asyncio
import time
from contextlib import suppress

import pytest

from scraper.errors import StoreError
from scraper.hosts import load_hosts
from scraper.layout import batch_key, hosts_key, partition_of
from scraper.models import Attempt, BatchJob, Hop, HostState, Reason, Seed
from scraper.open_batch import open_batch
from scraper.run import RunInfo, begin_life
from scraper.stopping import StopFlag, Stopped
from scraper.store import Store
from scraper.submit import submit
from scraper.throttle import HostHeld
from tests.scraper.batches import (
    AT,
    Website,
    jobs,
    moved,
    page,
    plan,
    response,
    robots_txt,
    session_on,
    store_in,
    website,
)

pytestmark = pytest.mark.anyio

URL = "http://a.test/1"


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


async def attempt_all(site: Website, info: RunInfo, store: Store, job: BatchJob) -> list[Attempt]:
    """One attempt for each seed of a batch, its hosts saved, as poll would at the end."""
    async with session_on(site, info, store) as session, open_batch(session, job) as batch:
        made = [await batch.attempt(seed, 1) for seed in batch.seeds]
        batch.save_hosts()
        return made


def made(**fields: object) -> Attempt:
    known: dict[str, object] = {"row": 1, "url": URL, "number": 1, "reason": Reason.OK, "at": AT}
    return Attempt(**(known | fields))  # type: ignore[arg-type]


async def test_a_batch_has_its_seeds_with_their_columns(store):
    info = plan(store, [{"url": " HTTP://A.test/1 ", "sku": 7}, URL, "http://b.test/2"])
    (job,) = jobs(info, store)

    async with session_on(website({}), info, store) as session, open_batch(session, job) as batch:
        assert batch.seeds == [
            Seed(
                row=1,
                url="HTTP://A.test/1",
                fetch_url=URL,
                host="a.test",
                domain="a.test",
                columns={"sku": 7},
            ),
            Seed(
                row=3,
                url="http://b.test/2",
                fetch_url="http://b.test/2",
                host="b.test",
                domain="b.test",
                columns={"sku": None},
            ),
        ]


async def test_an_attempt_is_archived_counted_and_learned_from(store):
    info = plan(store, [URL])
    (job,) = jobs(info, store)
    site = website({URL: response(503, retry_after="9")})

    async with session_on(site, info, store) as session, open_batch(session, job) as batch:
        made = await batch.attempt(batch.seeds[0], 1)

        assert batch.archive.progress[1].last == made
        assert session.tally == {"seeds": 1, "asked": 1, "attempts": 1}
        assert batch.throttles.states() == [
            HostState(
                host="a.test", failures=1, asked=1, next_at=made.at.timestamp() + made.elapsed_s + 9
            )
        ]


async def test_a_second_life_knows_what_the_first_archived(store):
    rows = [f"http://a.test/{n}" for n in range(3)]
    info = plan(store, rows, "throttle.give_up_after=3", "robots.obey=true")
    (job,) = jobs(info, store)
    site = website(dict.fromkeys(rows, response(500)))
    async with session_on(site, info, store) as session, open_batch(session, job) as batch:
        made = [await batch.attempt(seed, 1) for seed in batch.seeds]
        before = batch.throttles.states()

    async with session_on(site, info, store) as session, open_batch(session, job) as batch:
        assert [batch.archive.progress[seed.row].last for seed in batch.seeds] == made
        assert batch.refused(batch.seeds[0]) is Reason.HOST_GIVEN_UP
        (state,) = batch.throttles.states()
        assert (state.failures, state.refused) == (3, before[0].refused)
        assert [answer.origin for answer in batch.robots.answers()] == ["http://a.test"]

    assert site.urls == ["http://a.test/robots.txt", *rows]


async def test_a_second_life_keeps_a_retry_after(store):
    info = plan(store, [URL])
    (job,) = jobs(info, store)
    site = website({URL: response(429, retry_after="200")})
    async with session_on(site, info, store) as session, open_batch(session, job) as batch:
        made = await batch.attempt(batch.seeds[0], 1)

    async with session_on(site, info, store) as session, open_batch(session, job) as batch:
        assert batch.throttles.of("a.test").state.next_at == (
            made.at.timestamp() + made.elapsed_s + 200
        )
        with pytest.raises(HostHeld):
            await batch.attempt(batch.seeds[0], 2)

    assert len(site.log) == 1


@pytest.mark.parametrize("obey", ["true", "false"], ids=["robots.txt", "a page"])
async def test_a_second_life_keeps_the_delay_to_the_last_request_of_the_first(store, obey):
    stop, site = StopFlag(), website({})
    site.before = lambda url: stop.set() if url.endswith("robots.txt") else None
    info = plan(store, [URL], "throttle.delay_s=100", f"robots.obey={obey}")
    (job,) = jobs(info, store)
    async with (
        session_on(site, info, store, stop=stop) as session,
        open_batch(session, job) as batch,
    ):
        with suppress(Stopped):
            await batch.attempt(batch.seeds[0], 1)
    (asked_s,) = site.times_s("a.test")

    async with session_on(site, info, store) as session, open_batch(session, job) as batch:
        next_at = batch.throttles.of("a.test").state.next_at

    assert asked_s + 100 <= next_at <= time.time() + 100


async def test_the_next_batch_of_the_partition_starts_where_the_former_ended(store):
    rows = [URL, "http://a.test/2"]
    info = plan(store, rows, "batch.size=1", "robots.obey=true", "throttle.give_up_after=9")
    first, second = jobs(info, store)
    site = website(
        {
            "http://a.test/robots.txt": robots_txt("User-agent: *", "Crawl-delay: 0.01"),
            URL: response(503, retry_after="50"),
        }
    )
    (made,) = await attempt_all(site, info, store, first)

    async with session_on(site, info, store) as session, open_batch(session, second) as batch:
        assert batch.throttles.states() == [
            HostState(
                host="a.test",
                delay_s=0.01,
                failures=1,
                asked=1,
                next_at=made.at.timestamp() + made.elapsed_s + 50,
            )
        ]

    assert site.urls == ["http://a.test/robots.txt", URL]


async def test_the_next_batch_doesnt_ask_for_robots_txt_again(store):
    rows = [URL, "http://a.test/2"]
    info = plan(store, rows, "batch.size=1", "robots.obey=true")
    site = website({})
    for job in jobs(info, store):
        await attempt_all(site, info, store, job)

    assert site.urls == ["http://a.test/robots.txt", *rows]


@pytest.mark.parametrize(
    ("others", "host"),
    [([], "b.test"), (["http://z.test/"], "www.a.test")],
    ids=["one partition", "one of many"],
)
async def test_the_state_of_redirect_targets_is_taken_over_too(store, others, host):
    rows = [f"http://a.test/{n}" for n in range(2)]
    info = plan(store, [*rows, *others], "batch.size=1", f"batch.max_in_flight={1 + len(others)}")
    site = website(dict.fromkeys(rows, moved(f"http://{host}/x")))
    site.answers[f"http://{host}/x"] = [response(503, retry_after="50")]
    first, second = (job for job in jobs(info, store) if partition_of(job.batch) == "1-0001")
    await attempt_all(site, info, store, first)

    async with session_on(site, info, store) as session, open_batch(session, second) as batch:
        assert batch.throttles.of(host).wait_s > 40


async def test_the_hosts_of_other_batches_are_kept(store):
    info = plan(store, [URL, "http://b.test/2"], "batch.size=1")
    site = website({})
    for job in jobs(info, store):
        await attempt_all(site, info, store, job)

    memories = load_hosts(store, hosts_key(info.run, "1-0001"), None)

    assert [memory.host for memory in memories] == ["a.test", "b.test"]


async def test_a_failed_robots_answer_is_asked_for_once_more_by_a_later_life(store):
    info = plan(store, [URL], "robots.obey=true")
    (job,) = jobs(info, store)
    site = website({"http://a.test/robots.txt": [response(503), response(503), robots_txt()]})
    for number in (1, 2, 3):
        async with session_on(site, info, store) as session, open_batch(session, job) as batch:
            made = await batch.attempt(batch.seeds[0], number)
            assert made.reason is Reason.ROBOTS_UNREACHABLE

    assert len(site.log) == 2


CARRIED = {
    "reason": Reason.DEFERRED,
    "final_url": "http://b.test/2",
    "carry_to": "http://b.test/2",
    "redirects": (Hop(url="http://www.a.test/1", status=302),),
}


@pytest.mark.parametrize(
    ("fields", "host"),
    [
        ({}, "a.test"),
        ({"final_url": "http://b.test/2"}, "b.test"),
        (CARRIED, "www.a.test"),
    ],
    ids=["no redirect", "redirected", "carried"],
)
async def test_an_attempt_is_put_down_to_the_host_that_was_asked_last(store, fields, host):
    info = plan(store, [URL])
    (job,) = jobs(info, store)

    async with session_on(website({}), info, store) as session, open_batch(session, job) as batch:
        assert batch.throttle_of(made(**fields)).state.host == host


async def test_redirects_that_leave_the_partition_tell_nothing_of_their_target(store):
    rows = [f"http://a.test/{n}" for n in range(6)]
    info = plan(store, [*rows, "http://b.test/"], "batch.size=6", "batch.max_in_flight=2")
    job = jobs(info, store)[0]
    site = website(dict.fromkeys(rows, moved("http://b.test/")))

    made = await attempt_all(site, info, store, job)
    memories = load_hosts(store, hosts_key(info.run, partition_of(job.batch)), None)

    assert {attempt.carry_to for attempt in made} == {"http://b.test/"}
    assert [memory.state.host for memory in memories] == ["a.test"]
    assert memories[0].state.refused is None


@pytest.mark.parametrize(
    ("alone", "asked"),
    [(True, ["http://b.test/"]), (False, [])],
    ids=["one partition", "one of many"],
)
async def test_a_redirect_stays_where_all_hosts_are_at_hand(store, alone, asked):
    rows = [URL] if alone else [URL, "http://z.test/"]
    info = plan(store, rows, "batch.size=1", "batch.max_in_flight=2")
    job = jobs(info, store)[0]
    site = website({URL: moved("http://b.test/")})

    await attempt_all(site, info, store, job)

    assert job.alone is alone
    assert site.urls == [URL, *asked]


@pytest.mark.parametrize(("wave", "hold_s"), [(1, 5.0), (2, 0.05)])
async def test_a_later_wave_waits_a_hold_out(store, wave, hold_s):
    info = plan(store, [URL])
    (first,) = jobs(info, store)
    batch_id = f"{wave}-0001-00001"
    job = BatchJob(store=store.url, run=info.run, batch=batch_id, alone=True, code_version="1")
    seeds = store.get(batch_key(info.run, first.batch, "seeds.parquet"))
    store.put(batch_key(info.run, batch_id, "seeds.parquet"), seeds or b"")

    async with session_on(website({}), info, store) as session, open_batch(session, job) as batch:
        batch.throttles.of("a.test").wait_for(hold_s, since_s=time.time())
        if wave == 1:
            with pytest.raises(HostHeld):
                await batch.attempt(batch.seeds[0], 1)
        else:
            assert (await batch.attempt(batch.seeds[0], 1)).number == 1


async def test_what_is_under_way_is_flushed_at_the_end_whatever_happens(store):
    info = plan(store, [URL])
    (job,) = jobs(info, store)

    async def use() -> None:
        async with (
            session_on(website({URL: page()}), info, store) as session,
            open_batch(session, job) as batch,
        ):
            await batch.attempt(batch.seeds[0], 1)
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await use()
    async with session_on(website({}), info, store) as session, open_batch(session, job) as batch:
        assert batch.archive.progress[1].last.reason is Reason.OK


async def test_a_store_that_fails_is_told_before_anything_is_asked(store):
    info = plan(store, [URL])
    (job,) = jobs(info, store)
    store.put(hosts_key(info.run, "1-0001"), b"")
    site = website({})

    def fail(_key: str) -> None:
        raise StoreError("gone")

    store.get = fail  # type: ignore[method-assign,assignment]
    async with session_on(site, info, store) as session:
        with pytest.raises(StoreError, match="gone"):
            async with open_batch(session, job):
                pass

    assert site.urls == []


async def test_what_was_saved_is_not_learned_twice(store):
    rows = [f"http://a.test/{n}" for n in range(3)]
    info = plan(store, rows, "throttle.give_up_after=5")
    (job,) = jobs(info, store)
    site = website(dict.fromkeys(rows, response(500)))
    await attempt_all(site, info, store, job)

    for _ in range(3):
        async with session_on(site, info, store) as session, open_batch(session, job) as batch:
            assert batch.throttles.of("a.test").state.failures == 3
            batch.save_hosts()


async def test_only_the_first_life_of_the_first_batch_asks_at_once(store):
    rows = [URL, "http://a.test/2"]
    info = plan(store, rows, "batch.size=1", "throttle.delay_s=50")
    first, second = jobs(info, store)
    waits = []
    for job in (first, first, second):
        async with (
            session_on(website({}), info, store) as session,
            open_batch(session, job) as batch,
        ):
            waits.append(batch.throttles.of("a.test").wait_s)
            await batch.keep(made(url=rows[0]), [])

    assert waits[0] == 0
    assert min(waits[1:]) > 40


@pytest.mark.parametrize(("lives", "waits"), [(1, False), (2, True)], ids=["new", "resumed"])
async def test_a_life_killed_before_its_first_flush_may_have_asked_anybody(store, lives, waits):
    info = plan(store, ["http://a.test/1"], "throttle.delay_s=50")
    for _ in range(lives):
        begin_life(store, info.run)
    async with (
        session_on(website({}), info, store) as session,
        open_batch(session, jobs(info, store)[0]) as batch,
    ):
        assert (batch.throttles.of("a.test").wait_s > 40) is waits


async def test_the_next_phase_in_one_process_reads_neither_seeds_nor_archive(store, monkeypatch):
    rows = [f"http://a.test/{n}" for n in range(3)]
    info = plan(store, rows, "robots.obey=true")
    (job,) = jobs(info, store)
    site = website({rows[0]: page(), rows[1]: response(503), rows[2]: page()})

    async with session_on(site, info, store) as session:
        await submit(session, job)
        monkeypatch.setattr(store, "stream", None)
        monkeypatch.setattr("scraper.open_batch.read_seeds_part", None)
        async with open_batch(session, job) as batch:
            assert [seed.url for seed in batch.seeds] == rows
            assert [batch.archive.progress[seed.row].last.reason for seed in batch.seeds] == [
                Reason.OK,
                Reason.HTTP_5XX,
                Reason.OK,
            ]
            assert [answer.origin for answer in batch.robots.answers()] == ["http://a.test"]
            assert batch.throttles.of("a.test").state.failures == 0
        with pytest.raises(TypeError):
            # It was remembered for one phase: after that the file is read.
            await submit(session, job)


async def test_the_next_phase_learns_the_same_whether_it_remembers_or_reads(store):
    rows = [f"http://{host}.test/{n}" for n in range(2) for host in "ab"]
    info = plan(store, rows, "throttle.delay_s=0.001", "throttle.give_up_after=2")
    (job,) = jobs(info, store)
    site = website(dict.fromkeys(rows, response(500)) | {rows[0]: page()})
    async with session_on(site, info, store) as session:
        await submit(session, job)
        memory = session.recall(job.batch)
        assert memory is not None

    async with session_on(site, info, store) as session, open_batch(session, job) as batch:
        read = [(state.host, state.failures, state.refused) for state in batch.throttles.states()]
    async with session_on(site, info, store) as session:
        session.remember(job.batch, memory)
        async with open_batch(session, job) as batch:
            states = batch.throttles.states()
            assert [(state.host, state.failures, state.refused) for state in states] == read
    assert read == [("a.test", 1, None), ("b.test", 2, Reason.HOST_GIVEN_UP)]
