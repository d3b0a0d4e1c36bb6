import time

import httpx
import pytest

from scraper.fetch.hops import Fetcher
from scraper.models import Hop, Reason
from scraper.product import PRODUCT
from scraper.robots import RobotsCache
from scraper.stopping import StopFlag, Stopped
from scraper.throttle import HostHeld, HostRefused
from tests.scraper.batches import (
    moved,
    page,
    polite_on,
    response,
    robots_txt,
    seed,
    website,
)
from tests.scraper.fetch.attempts import OBEY, URL, attempt_at, chain, fetcher_on, hops

pytestmark = pytest.mark.anyio


async def test_robots_txt_is_asked_for_on_every_hop():
    site = website(
        {
            URL: moved("http://b.test/2"),
            "http://b.test/2": moved("https://b.test/3"),
            "https://b.test/3": page(),
        }
    )

    attempt, _ = await attempt_at(site, OBEY)

    assert attempt.reason is Reason.OK
    assert site.urls == [
        "http://a.test/robots.txt",
        "http://a.test/1",
        "http://b.test/robots.txt",
        "http://b.test/2",
        "https://b.test/robots.txt",
        "https://b.test/3",
    ]


async def test_a_redirect_to_what_robots_txt_forbids_is_not_followed():
    site = website(
        {
            URL: moved("http://b.test/no/2"),
            "http://b.test/robots.txt": robots_txt("User-agent: *", "Disallow: /no"),
        }
    )

    attempt, exchanges = await attempt_at(site, OBEY)

    assert (attempt.reason, attempt.number, attempt.final_url, attempt.redirects) == (
        Reason.ROBOTS_DISALLOWED,
        1,
        "http://b.test/no/2",
        hops(URL),
    )
    assert [exchange.url for exchange in exchanges] == [URL]
    assert "http://b.test/no/2" not in site.urls


@pytest.mark.parametrize(
    ("robots", "reason", "number"),
    [
        (robots_txt("User-agent: *", "Disallow: /"), Reason.ROBOTS_DISALLOWED, 0),
        (robots_txt("User-agent: *", "Crawl-delay: 31"), Reason.CRAWL_DELAY, 0),
        (response(503), Reason.ROBOTS_UNREACHABLE, 1),
        (httpx.ConnectError("no"), Reason.CONNECT, 1),
    ],
    ids=["disallowed", "crawl delay", "unreachable", "connect"],
)
async def test_what_robots_txt_ends(robots, reason, number):
    site = website({"http://a.test/robots.txt": robots})

    attempt, exchanges = await attempt_at(site, OBEY)

    assert (attempt.reason, attempt.number, attempt.final_url) == (reason, number, URL)
    assert (exchanges, site.urls) == ([], ["http://a.test/robots.txt"])


async def test_only_a_later_attempt_asks_for_robots_txt_again():
    site = website({"http://a.test/robots.txt": [response(503), robots_txt()], URL: page()})
    async with fetcher_on(site, OBEY) as fetcher:
        found = [(await fetcher.attempt(seed(URL), number))[0] for number in (1, 1, 2)]

    assert [(attempt.reason, attempt.number) for attempt in found] == [
        (Reason.ROBOTS_UNREACHABLE, 1),
        (Reason.ROBOTS_UNREACHABLE, 1),
        (Reason.OK, 2),
    ]
    assert len(site.log) == 3


async def test_robots_txt_can_be_ignored_visibly():
    site = website({"http://a.test/robots.txt": robots_txt("User-agent: *", "Disallow: /")})

    await attempt_at(site, "robots.obey=false")

    assert site.urls == [URL]


async def test_robots_txt_can_be_ignored_for_one_host():
    site = website({URL: moved("http://b.test/")})

    await attempt_at(site, OBEY, "hosts.a.test.robots.obey=false")

    assert site.urls == [URL, "http://b.test/robots.txt", "http://b.test/"]


@pytest.mark.usefixtures("unpaused")
async def test_crawl_delay_slows_the_host():
    site = website({"http://a.test/robots.txt": robots_txt("User-agent: *", "Crawl-delay: 0.05")})
    async with fetcher_on(site, OBEY) as fetcher:
        for _ in range(2):
            await fetcher.attempt(seed(URL), 1)

    robots_s, first_s, second_s = site.times_s("a.test")
    assert min(first_s - robots_s, second_s - first_s) >= 0.04


async def test_crawl_delay_at_the_cap_is_obeyed():
    site = website({"http://a.test/robots.txt": robots_txt("User-agent: *", "Crawl-delay: 0.03")})

    attempt, _ = await attempt_at(site, OBEY, "robots.max_crawl_delay_s=0.03")

    assert attempt.reason is Reason.HTTP_4XX


@pytest.mark.usefixtures("unpaused")
@pytest.mark.parametrize(
    ("asked_s", "kept_s"), [("0.01", 0.01), ("99", 0.02)], ids=["below the cap", "above it"]
)
async def test_a_longer_crawl_delay_can_be_clamped(asked_s, kept_s):
    robots = robots_txt("User-agent: *", f"Crawl-delay: {asked_s}")
    site = website({"http://a.test/robots.txt": robots, URL: page()})
    flags = (OBEY, "robots.max_crawl_delay_s=0.02", "robots.over_max_crawl_delay=clamp")
    async with polite_on(site, *flags) as polite:
        cache = RobotsCache(polite, PRODUCT, keep=lambda _answer, _exchange: None)
        made, _ = await Fetcher(polite, cache, stays=lambda _d, _t: True).attempt(seed(URL), 1)

        assert made.reason is Reason.OK
        assert polite.throttles.of("a.test").state.delay_s == kept_s


async def test_every_hop_waits_for_its_hosts_turn():
    site = chain(2)

    await attempt_at(site, "throttle.delay_s=0.05")

    first, second, third = site.times_s("a.test")
    assert min(second - first, third - second) >= 0.04


async def test_a_redirect_to_a_host_that_is_given_up_is_not_followed():
    site = website({URL: moved("http://b.test/2")})
    async with polite_on(site, OBEY) as polite:
        robots = RobotsCache(polite, PRODUCT, keep=lambda _answer, _exchange: None)
        polite.throttles.of("b.test").wait_for(301, since_s=0)
        attempt, exchanges = await Fetcher(polite, robots, stays=lambda _d, _t: True).attempt(
            seed(URL), 1
        )

    assert (attempt.reason, attempt.final_url, attempt.redirects, attempt.carry_to) == (
        Reason.DEFERRED,
        "http://b.test/2",
        hops(URL),
        None,
    )
    assert len(exchanges) == 1
    assert site.urls == ["http://a.test/robots.txt", URL]


async def test_an_attempt_that_robots_txt_forbids_now_doesnt_count():
    site = website({"http://a.test/robots.txt": robots_txt("User-agent: *", "Disallow: /")})

    attempt, _ = await attempt_at(site, OBEY, number=3)

    assert (attempt.reason, attempt.number) == (Reason.ROBOTS_DISALLOWED, 2)


@pytest.mark.parametrize(
    ("answer", "reason", "wait_s"),
    [
        (response(429, retry_after="7"), Reason.HTTP_429, 7.0),
        (response(503, retry_after="7"), Reason.HTTP_5XX, 7.0),
        (response(202, retry_after="7"), Reason.NOT_READY, 7.0),
        (response(503, retry_after="300"), Reason.HTTP_5XX, 300.0),
        (response(503, retry_after="301"), Reason.DEFERRED, 301.0),
        (response(429, retry_after="99999999999"), Reason.DEFERRED, 365 * 86_400.0),
        (response(503, retry_after="-1"), Reason.HTTP_5XX, 0.0),
        (response(503, retry_after="soon"), Reason.HTTP_5XX, None),
        (response(503), Reason.HTTP_5XX, None),
        (response(200, "x", retry_after="7"), Reason.OK, None),
        (response(200, "x", retry_after="301"), Reason.OK, None),
    ],
    ids=lambda value: str(getattr(value, "status_code", value)),
)
async def test_retry_after(answer, reason, wait_s):
    attempt, _ = await attempt_at(website({URL: answer}))

    assert (attempt.reason, attempt.retry_after_s) == (reason, wait_s)


async def test_time_is_that_of_the_last_request_not_of_the_wait_for_it():
    site = website({URL: response(503, retry_after="7")})
    async with polite_on(site) as polite:
        robots = RobotsCache(polite, PRODUCT, keep=lambda _answer, _exchange: None)
        held_until = time.time() + 0.05
        polite.throttles.of("a.test").wait_for(0.05, since_s=held_until - 0.05)
        attempt, _ = await Fetcher(polite, robots, stays=lambda _d, _t: True).attempt(seed(URL), 1)

    assert attempt.at.timestamp() >= held_until - 0.005


async def test_the_deadline_counts_the_network_only():
    site = chain(1)
    site.latency_s = 0.01

    attempt, _ = await attempt_at(site, "throttle.delay_s=0.3", "http.deadline_s=0.25")

    assert attempt.reason is Reason.OK
    assert 0.019 <= attempt.elapsed_s < 0.25


async def test_the_deadline_is_one_for_all_hops():
    site = chain(9)
    site.latency_s = 0.03

    attempt, exchanges = await attempt_at(site, "http.deadline_s=0.08")

    assert attempt.reason is Reason.DEADLINE
    assert attempt.http_status is None
    assert len(exchanges) <= 2
    assert attempt.redirects == tuple(
        Hop(url=exchange.url, status=exchange.http_status) for exchange in exchanges
    )


async def test_a_stop_between_hops_asks_nothing_more():
    stop = StopFlag()
    site = chain(3)
    site.before = lambda url: stop.set()
    async with polite_on(site, stop=stop) as polite:
        robots = RobotsCache(polite, PRODUCT, keep=lambda _answer, _exchange: None)
        with pytest.raises(Stopped):
            await Fetcher(polite, robots, stays=lambda _d, _t: True).attempt(seed(URL), 1)

    assert site.urls == [URL]


async def test_a_redirect_to_a_host_that_is_held_is_carried_on_to_the_next_wave():
    site = website({URL: moved("http://b.test/2")})
    async with polite_on(site, patience_s=5) as polite:
        robots = RobotsCache(polite, PRODUCT, keep=lambda _answer, _exchange: None)
        polite.throttles.of("b.test").wait_for(60, since_s=time.time())
        attempt, exchanges = await Fetcher(polite, robots, stays=lambda _d, _t: True).attempt(
            seed(URL), 1
        )

    assert (attempt.reason, attempt.carry_to, attempt.number, attempt.http_status) == (
        Reason.DEFERRED,
        "http://b.test/2",
        1,
        302,
    )
    assert attempt.redirects == hops(URL)
    assert [exchange.url for exchange in exchanges] == site.urls == [URL]


@pytest.mark.parametrize(
    ("wait_s", "error"), [(60, HostHeld), (301, HostRefused)], ids=["held", "refused"]
)
@pytest.mark.parametrize("obey", ["true", "false"], ids=["robots.txt", "the page"])
async def test_a_seed_whose_own_host_isnt_asked_is_no_attempt(obey, wait_s, error):
    site = website({})
    async with polite_on(site, f"robots.obey={obey}", patience_s=5) as polite:
        robots = RobotsCache(polite, PRODUCT, keep=lambda _answer, _exchange: None)
        polite.throttles.of("a.test").wait_for(wait_s, since_s=time.time())
        with pytest.raises(error):
            await Fetcher(polite, robots, stays=lambda _d, _t: True).attempt(seed(URL), 1)

    assert site.urls == []
