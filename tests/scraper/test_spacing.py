"""Law 3, from the origin's own log: over the batches of a partition, its phases and its lives."""

from itertools import groupby, pairwise

import httpx
import pytest

from scraper.plan.cut import load_wave
from scraper.plan.waves import next_wave
from scraper.run import RunInfo
from scraper.stopping import StopFlag
from scraper.store import Store
from tests.scraper.batches import (
    Website,
    jobs,
    moved,
    page,
    plan,
    response,
    robots_txt,
    run_batch,
    session_on,
    store_in,
    website,
)
from tests.scraper.submitted import at_request, pages_at, submit
from tests.scraper.throttles import EARLY_S

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("unpaused")]

DELAY_S = 0.04
ROWS = [f"http://a.test/{n}" for n in range(6)]


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


async def run_all(site: Website, info: RunInfo, store: Store, *, wave: int = 1) -> None:
    for job in jobs(info, store, wave):
        await run_batch(site, info, store, job)


def gaps(site: Website, host: str = "a.test") -> list[float]:
    return [later - earlier for earlier, later in pairwise(site.times_s(host))]


@pytest.mark.parametrize("concurrency", [1, 2])
async def test_over_batches_with_robots_retries_and_redirects(store, concurrency):
    """Every request counts: robots.txt, each hop, each attempt, in three batches."""
    flags = ("robots.obey=true", "batch.size=2", f"throttle.concurrency={concurrency}")
    info = plan(store, ROWS, f"throttle.delay_s={DELAY_S}", *flags)
    site = website(
        {url: page() for url in ROWS}
        | {
            "http://a.test/robots.txt": robots_txt("User-agent: *"),
            ROWS[1]: moved("/x"),
            "http://a.test/x": page(),
            ROWS[3]: [response(503), httpx.ReadError("lost"), page()],
        },
        latency_s=DELAY_S * 1.5,
    )

    await run_all(site, info, store)

    assert len(site.log) == 1 + 6 + 1 + 2
    assert min(gaps(site)) >= DELAY_S - EARLY_S
    assert site.most_in_flight == concurrency


async def test_over_lives(store):
    info = plan(store, ROWS, f"throttle.delay_s={DELAY_S}", "batch.size=3")
    site, stop = pages_at(ROWS), StopFlag()
    at_request(2, site, stop.set)
    first, _ = jobs(info, store)
    async with session_on(site, info, store, stop=stop) as session:
        assert (await submit(session, first)).stopped

    await run_all(site, info, store)

    assert sorted(site.urls) == ROWS
    assert min(gaps(site)) >= DELAY_S - EARLY_S


async def test_over_waves(store):
    """Hosts of other partitions lead to the one that was asked last in the wave before."""
    rows = ["http://c.test/0", "http://b.test/0", "http://a.test/0"]
    flags = ("batch.size=1", "batch.max_in_flight=3", "throttle.delay_s=0.3")
    info = plan(store, rows, *flags)
    leading = {row: moved(f"http://a.test/{n}") for n, row in enumerate(rows[:2], 1)}
    there = {f"http://a.test/{n}": page() for n in range(3)}
    site = website(leading | there)

    await run_all(site, info, store)
    assert next_wave(info, store, load_wave(store, info.run, 1)) is not None
    await run_all(site, info, store, wave=2)

    assert sum("a.test" in url for url in site.urls) == 3
    assert min(gaps(site)) >= 0.3 - EARLY_S


async def test_a_host_that_is_busy_is_asked_ever_less_over_its_batches(store):
    """No Retry-After: what 503 alone makes of the delay, from one batch to the next."""
    flags = ("batch.size=2", "retry.attempts=1", "throttle.give_up_after=99")
    info = plan(store, ROWS[:4], "throttle.delay_s=0.02", "throttle.max_delay_s=9", *flags)
    site = website(dict.fromkeys(ROWS, response(503)))

    await run_all(site, info, store)

    # 0.02 s doubled is less than where a widened delay begins.
    widened = (0.25, 0.5, 1.0)
    early = [gap < delay_s - EARLY_S for gap, delay_s in zip(gaps(site), widened, strict=True)]
    assert early == [False, False, False]


async def test_unit_domain_spaces_the_hosts_of_a_domain_over_batches(store):
    rows = [f"http://{host}.shop.test/{n}" for n in range(3) for host in "ab"]
    info = plan(store, rows, f"throttle.delay_s={DELAY_S}", "throttle.unit=domain", "batch.size=2")
    site = pages_at(rows)

    await run_all(site, info, store)

    times = [asked.at_s for asked in site.log]
    assert len(times) == 6
    assert min(later - earlier for earlier, later in pairwise(times)) >= DELAY_S - EARLY_S


@pytest.mark.parametrize("unit", ["host", "domain"])
async def test_a_large_host_starves_no_small_one(store, unit):
    """Thirty rows of one host, three of another of its domain, in one batch."""
    rows = [f"http://large.shop.test/{n}" for n in range(30)]
    rows += [f"http://small.shop.test/{n}" for n in range(3)]
    info = plan(store, rows, f"throttle.unit={unit}", "throttle.delay_s=0.005")
    site = pages_at(rows)

    await run_all(site, info, store)

    places = [place for place, url in enumerate(site.urls) if "small" in url]
    assert max(places) < 12


async def test_the_hosts_of_a_batch_take_turns(store):
    rows = [f"http://{host}.test/{n}" for host in "abc" for n in range(8)]
    info = plan(store, rows, "batch.size=6")
    site = pages_at(rows)

    await run_all(site, info, store)

    batches = [site.urls[start : start + 6] for start in range(0, 24, 6)]
    for urls in batches:
        assert {httpx.URL(url).host for url in urls} == {"a.test", "b.test", "c.test"}
    runs = [len(list(same)) for _, same in groupby(httpx.URL(url).host for url in site.urls)]
    assert max(runs) <= 2
