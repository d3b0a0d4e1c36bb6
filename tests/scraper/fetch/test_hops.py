import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from scraper.fetch.hops import Fetcher
from scraper.models import Attempt, Exchange, Hop, Reason
from scraper.product import PRODUCT
from scraper.robots import RobotsCache
from scraper.stopping import StopFlag, Stopped
from tests.scraper.batches import (
    Website,
    moved,
    page,
    polite_on,
    response,
    robots_txt,
    seed,
    website,
)

pytestmark = pytest.mark.anyio

URL = "http://a.test/1"
OBEY = "robots.obey=true"


@asynccontextmanager
async def fetcher_on(
    site: Website, *flags: str, stays: Callable[[str, str], bool] = lambda _d, _t: True
) -> AsyncIterator[Fetcher]:
    async with polite_on(site, *flags) as polite:
        robots = RobotsCache(polite, PRODUCT, keep=lambda _answer, _exchange: None)
        yield Fetcher(polite, robots, stays=stays)


async def attempt_at(
    site: Website, *flags: str, url: str = URL, number: int = 1
) -> tuple[Attempt, list[Exchange]]:
    async with fetcher_on(site, *flags) as fetcher:
        return await fetcher.attempt(seed(url), number)


def chain(count: int, end: httpx.Response | Exception | None = None) -> Website:
    """So many redirects from URL on, and what stands at their end."""
    table: dict[str, httpx.Response | Exception] = {
        f"http://a.test/{n}": moved(f"/{n + 1}", 301 + n % 2) for n in range(1, count + 1)
    }
    return website(table | {f"http://a.test/{count + 1}": end or page()})


def hops(*urls: str, http_status: int = 302) -> tuple[Hop, ...]:
    return tuple(Hop(url=url, status=http_status) for url in urls)


async def test_a_page():
    site = website({URL: page("hello")})

    attempt, exchanges = await attempt_at(site)

    assert attempt == Attempt(
        row=1,
        url=URL,
        number=1,
        reason=Reason.OK,
        at=exchanges[0].at,
        elapsed_s=attempt.elapsed_s,
        http_status=200,
        final_url=URL,
        wire_bytes=len(page("hello").content),
    )
    assert attempt.elapsed_s == pytest.approx(exchanges[0].elapsed_s, abs=1e-5)


async def test_redirects_are_followed_and_recorded_in_order():
    attempt, exchanges = await attempt_at(chain(3, response(404, "gone")))

    assert attempt == Attempt(
        row=1,
        url=URL,
        number=1,
        reason=Reason.HTTP_4XX,
        at=exchanges[-1].at,
        elapsed_s=attempt.elapsed_s,
        http_status=404,
        final_url="http://a.test/4",
        redirects=(
            Hop(url="http://a.test/1", status=302),
            Hop(url="http://a.test/2", status=301),
            Hop(url="http://a.test/3", status=302),
        ),
        wire_bytes=4,
    )
    assert [exchange.url for exchange in exchanges] == [f"http://a.test/{n}" for n in (1, 2, 3, 4)]


async def test_the_chain_of_an_earlier_wave_is_gone_on_with():
    before = hops("http://old.test/")
    site = website({URL: moved("/2"), "http://a.test/2": page()})
    async with fetcher_on(site) as fetcher:
        attempt, _ = await fetcher.attempt(seed(URL, redirects=before), 1)

    assert attempt.redirects == (*before, *hops(URL))


@pytest.mark.parametrize(
    ("count", "reason"), [(2, Reason.OK), (3, Reason.REDIRECT_LOOP)], ids=["as many", "one more"]
)
async def test_max_redirects(count, reason):
    site = chain(count)

    attempt, _ = await attempt_at(site, "http.max_redirects=2")

    assert attempt.reason is reason
    assert len(attempt.redirects) == count
    assert len(site.log) == 3


async def test_no_redirect_may_be_followed():
    site = chain(1)

    attempt, _ = await attempt_at(site, "http.max_redirects=0")

    assert (attempt.reason, attempt.final_url) == (Reason.REDIRECT_LOOP, "http://a.test/2")
    assert site.urls == [URL]


@pytest.mark.parametrize(
    ("locations", "asked"),
    [
        (["/1"], 1),
        (["http://a.test:80/1#x"], 1),
        (["/2", "/3", "/2"], 3),
        (["//b.test/", "http://a.test/1"], 2),
    ],
    ids=["itself", "itself, spelled otherwise", "a ring", "over another host"],
)
async def test_a_loop_is_left_where_it_closes(locations, asked):
    table, here = {}, URL
    for location in locations:
        table[here] = moved(location)
        here = str(httpx.URL(here).join(location))
    site = website(table)

    attempt, exchanges = await attempt_at(site)

    assert (attempt.reason, attempt.http_status, attempt.carry_to) == (
        Reason.REDIRECT_LOOP,
        302,
        None,
    )
    assert (len(site.log), len(exchanges), len(attempt.redirects)) == (asked, asked, asked)


@pytest.mark.parametrize(
    "location", ["mailto:a@b.test", "javascript:alert(1)", "http://[bad", "ftp://a.test/"]
)
async def test_a_redirect_to_no_url_is_a_bad_redirect(location):
    site = website({URL: moved("/2"), "http://a.test/2": moved(location)})

    attempt, exchanges = await attempt_at(site)

    assert attempt == Attempt(
        row=1,
        url=URL,
        number=1,
        reason=Reason.BAD_REDIRECT,
        at=exchanges[-1].at,
        elapsed_s=attempt.elapsed_s,
        http_status=302,
        final_url="http://a.test/2",
        redirects=hops(URL, "http://a.test/2"),
        detail=f"Location: {location}",
    )


@pytest.mark.parametrize("answer", [moved(""), httpx.Response(301), httpx.Response(304)])
async def test_a_redirect_to_nowhere_is_an_answer(answer):
    site = website({URL: answer})

    attempt, _ = await attempt_at(site)

    assert (attempt.reason, attempt.redirects, len(site.log)) == (Reason.HTTP_OTHER, (), 1)


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://localhost/",
        "http://10.0.0.1/",
    ],
)
async def test_a_redirect_to_a_private_address_is_blocked_and_not_asked(target):
    site = website({URL: moved(target)})

    attempt, exchanges = await attempt_at(site, OBEY)

    assert (attempt.reason, attempt.number, attempt.http_status) == (
        Reason.BLOCKED_ADDRESS,
        1,
        None,
    )
    assert attempt.redirects == hops(URL)
    assert len(exchanges) == 1
    assert {httpx.URL(url).host for url in site.urls} == {"a.test"}


async def test_a_redirect_to_a_denied_host_is_out_of_scope():
    site = website({URL: moved("http://www.denied.test/")})

    attempt, _ = await attempt_at(site, "network.deny=denied.test")

    assert (attempt.reason, attempt.final_url) == (Reason.OUT_OF_SCOPE, "http://www.denied.test/")
    assert site.urls == [URL]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/", Reason.BLOCKED_ADDRESS),
        ("http://denied.test/", Reason.OUT_OF_SCOPE),
    ],
)
async def test_a_host_that_may_not_be_asked_costs_no_attempt(url, reason):
    site = website({})

    attempt, exchanges = await attempt_at(site, OBEY, "network.deny=denied.test", url=url)

    assert (attempt.reason, attempt.number, attempt.final_url) == (reason, 0, url)
    assert (exchanges, site.urls) == ([], [])


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


async def test_crawl_delay_slows_the_host():
    site = website({"http://a.test/robots.txt": robots_txt("User-agent: *", "Crawl-delay: 0.04")})
    async with fetcher_on(site, OBEY) as fetcher:
        for _ in range(2):
            await fetcher.attempt(seed(URL), 1)

    robots_s, first_s, second_s = site.times_s("a.test")
    assert min(first_s - robots_s, second_s - first_s) >= 0.035


async def test_crawl_delay_at_the_cap_is_obeyed():
    site = website({"http://a.test/robots.txt": robots_txt("User-agent: *", "Crawl-delay: 0.03")})

    attempt, _ = await attempt_at(site, OBEY, "robots.max_crawl_delay_s=0.03")

    assert attempt.reason is Reason.HTTP_4XX


async def test_every_hop_waits_for_its_hosts_turn():
    site = chain(2)

    await attempt_at(site, "throttle.delay_s=0.03")

    first, second, third = site.times_s("a.test")
    assert min(second - first, third - second) >= 0.025


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


async def test_a_redirect_that_leaves_the_partition_is_carried():
    asked: list[tuple[str, str]] = []

    def stays(domain: str, target: str) -> bool:
        asked.append((domain, target))
        return domain == target

    site = website(
        {URL: moved("http://www.a.test/2"), "http://www.a.test/2": moved("http://b.test/3")}
    )
    async with fetcher_on(site, OBEY, stays=stays) as fetcher:
        attempt, exchanges = await fetcher.attempt(seed(URL), 1)

    assert asked == [("a.test", "a.test"), ("a.test", "b.test")]
    assert attempt == Attempt(
        row=1,
        url=URL,
        number=1,
        reason=Reason.DEFERRED,
        at=exchanges[-1].at,
        elapsed_s=attempt.elapsed_s,
        http_status=302,
        final_url="http://b.test/3",
        redirects=hops(URL, "http://www.a.test/2"),
        carry_to="http://b.test/3",
    )
    assert not any("b.test" in url for url in site.urls)


@pytest.mark.parametrize(
    ("answer", "reason", "number"),
    [
        (page(), Reason.OK, 2),
        (response(503), Reason.HTTP_5XX, 2),
        (response(202), Reason.NOT_READY, 2),
        (httpx.ReadTimeout("slow"), Reason.TIMEOUT, 2),
        (httpx.RemoteProtocolError("odd"), Reason.PROTOCOL, 2),
        (httpx.Response(200, content=b"x" * 2000), Reason.TOO_LARGE, 2),
        (httpx.Response(200, content=b"x", headers={"Content-Encoding": "br"}), Reason.DECODING, 2),
    ],
    ids=["page", "503", "202", "timeout", "protocol", "too large", "undecodable"],
)
async def test_what_was_asked_counts_as_an_attempt(answer, reason, number):
    attempt, _ = await attempt_at(website({URL: answer}), "http.max_body_bytes=1000", number=2)

    assert (attempt.reason, attempt.number) == (reason, number)


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
    assert 1 <= len(exchanges) <= 2
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
