import asyncio
import errno
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from scraper.fetch.addresses import BlockedAddress
from scraper.models import Exchange, Reason, RobotsAnswer
from scraper.robots import MAX_ROBOTS_BYTES, RobotsCache
from scraper.stopping import StopFlag, Stopped
from scraper.throttle import HostRefused
from scraper.urls import ParsedUrl, parse_url
from tests.scraper.batches import (
    Website,
    moved,
    polite_on,
    response,
    robots_txt,
    website,
)
from tests.scraper.robots_answers import BARRED, TOKEN, answer_of

pytestmark = pytest.mark.anyio

ROBOTS = "http://a.test/robots.txt"


DISALLOW = robots_txt("User-agent: *", "Disallow: /no")


@dataclass
class Kept:
    answers: list[RobotsAnswer] = field(default_factory=list)
    exchanges: list[Exchange | None] = field(default_factory=list)

    def keep(self, answer: RobotsAnswer, exchange: Exchange | None) -> None:
        self.answers.append(answer)
        self.exchanges.append(exchange)


@asynccontextmanager
async def robots_on(
    site: Website, *flags: str, kept: Kept | None = None, stop: StopFlag | None = None
) -> AsyncIterator[RobotsCache]:
    async with polite_on(site, *flags, stop=stop) as polite:
        yield RobotsCache(polite, TOKEN, keep=(kept or Kept()).keep)


def url(text: str) -> ParsedUrl:
    parsed = parse_url(text)
    assert parsed is not None
    return parsed


async def reason_for(robots: RobotsCache, text: str, *, again: bool = False) -> Reason:
    return (await robots.verdict(url(text), again=again))[0]


def unconnected(cause: Exception) -> httpx.ConnectError:
    error = httpx.ConnectError("no")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (DISALLOW, Reason.ROBOTS_DISALLOWED),
        (response(404, "User-agent: *\nDisallow: /"), Reason.OK),
        (response(403), Reason.OK),
        (response(503), Reason.ROBOTS_UNREACHABLE),
        (response(429), Reason.ROBOTS_UNREACHABLE),
        (httpx.ReadTimeout("slow"), Reason.ROBOTS_UNREACHABLE),
        (httpx.RemoteProtocolError("odd"), Reason.ROBOTS_UNREACHABLE),
        (unconnected(OSError(errno.ECONNREFUSED, "no")), Reason.CONNECT),
        (unconnected(socket.gaierror(socket.EAI_NONAME, "no")), Reason.DNS),
        (unconnected(ssl.SSLCertVerificationError("no")), Reason.TLS),
        (unconnected(BlockedAddress("a.test", "blocked")), Reason.BLOCKED_ADDRESS),
        (unconnected(BlockedAddress("a.test", "out_of_scope")), Reason.OUT_OF_SCOPE),
    ],
    ids=lambda value: str(getattr(value, "status_code", value)),
)
async def test_what_becomes_of_a_page(answer, reason):
    site = website({ROBOTS: answer})
    async with robots_on(site) as robots:
        assert await reason_for(robots, "http://a.test/no") is reason
        assert await reason_for(robots, "http://a.test/no") is reason

    assert site.urls == [ROBOTS]


async def test_robots_txt_that_hangs_is_unreachable():
    site = website({ROBOTS: DISALLOW}, latency_s=10)
    async with robots_on(site, "http.deadline_s=0.02") as robots:
        assert await reason_for(robots, "http://a.test/") is Reason.ROBOTS_UNREACHABLE


async def test_trouble_of_our_own_is_no_answer():
    async with robots_on(website({ROBOTS: RuntimeError("a bug")})) as robots:
        with pytest.raises(RuntimeError, match="a bug"):
            await reason_for(robots, "http://a.test/")


async def test_many_rows_of_an_origin_ask_once():
    site = website({ROBOTS: DISALLOW}, latency_s=0.005)
    async with robots_on(site, "throttle.concurrency=9") as robots:
        found = await asyncio.gather(
            *(reason_for(robots, f"http://a.test/{n}", again=n % 2 > 0) for n in range(30))
        )

    assert set(found) == {Reason.OK}
    assert site.urls == [ROBOTS]


async def test_each_origin_is_asked_for_its_own():
    site = website({ROBOTS: DISALLOW})
    async with robots_on(site) as robots:
        for origin in ("http://a.test", "https://a.test", "http://a.test:8080", "http://b.test"):
            await reason_for(robots, f"{origin}/no")
            await reason_for(robots, f"{origin}/no")

    assert site.urls == [
        ROBOTS,
        "https://a.test/robots.txt",
        "http://a.test:8080/robots.txt",
        "http://b.test/robots.txt",
    ]


async def test_an_answer_that_failed_is_asked_for_once_more():
    site = website({ROBOTS: [response(503), response(503), DISALLOW]})
    async with robots_on(site) as robots:
        found = [await reason_for(robots, "http://a.test/no", again=n > 1) for n in range(6)]

    assert found == [Reason.ROBOTS_UNREACHABLE] * 6
    assert site.urls == [ROBOTS] * 2


async def test_many_rows_that_try_again_ask_once_more_together():
    site = website({ROBOTS: [response(503), DISALLOW]}, latency_s=0.005)
    async with robots_on(site, "throttle.concurrency=9") as robots:
        await reason_for(robots, "http://a.test/no")
        found = await asyncio.gather(
            *(reason_for(robots, "http://a.test/no", again=True) for _ in range(9))
        )

    assert set(found) == {Reason.ROBOTS_DISALLOWED}
    assert site.urls == [ROBOTS] * 2


async def test_a_good_answer_is_not_asked_for_again():
    site = website({ROBOTS: DISALLOW})
    async with robots_on(site) as robots:
        for _ in range(3):
            assert await reason_for(robots, "http://a.test/yes", again=True) is Reason.OK

    assert site.urls == [ROBOTS]


@pytest.mark.parametrize(
    ("saved", "asked", "reason"),
    [
        ([answer_of(BARRED)], 0, Reason.ROBOTS_DISALLOWED),
        ([answer_of(b"", http_status=404)], 0, Reason.OK),
        ([answer_of(b"", reason=Reason.ROBOTS_UNREACHABLE, http_status=503)], 1, Reason.OK),
        ([answer_of(b"", reason=Reason.DNS, http_status=None)] * 2, 0, Reason.DNS),
    ],
    ids=["rules", "none", "failed", "failed twice"],
)
async def test_answers_of_a_former_batch_are_taken_over(saved, asked, reason):
    site = website({})
    async with robots_on(site) as robots:
        robots.load(saved)
        assert await reason_for(robots, "http://a.test/no", again=True) is reason
        kept = robots.answers()

    assert site.urls == [ROBOTS] * asked
    assert asked or kept == [saved[0]]


@pytest.mark.parametrize(
    ("hours", "asked"), [(23.9, 0), (24.1, 1)], ids=["within a day", "after a day"]
)
@pytest.mark.parametrize("http_status", [200, 404])
async def test_an_answer_is_used_for_a_day(hours, asked, http_status):
    site = website({ROBOTS: DISALLOW})
    at = datetime.now(UTC) - timedelta(hours=hours)
    async with robots_on(site) as robots:
        robots.load([answer_of(b"User-agent: x", http_status=http_status, at=at)])
        reasons = {await reason_for(robots, "http://a.test/no", again=False) for _ in range(3)}

    assert site.urls == [ROBOTS] * asked
    assert reasons == {Reason.ROBOTS_DISALLOWED if asked else Reason.OK}


async def test_rules_that_are_old_give_no_leave_when_their_host_says_no_more():
    site = website({ROBOTS: response(503)})
    async with robots_on(site) as robots:
        robots.load([answer_of(b"", at=datetime.now(UTC) - timedelta(days=2))])
        assert await reason_for(robots, "http://a.test/x", again=False) is Reason.ROBOTS_UNREACHABLE


async def test_every_answer_is_handed_on_with_its_exchange():
    kept = Kept()
    site = website(
        {ROBOTS: [response(503), DISALLOW], "http://b.test/robots.txt": httpx.ReadTimeout("slow")}
    )
    async with robots_on(site, kept=kept) as robots:
        await reason_for(robots, "http://a.test/")
        await reason_for(robots, "http://a.test/", again=True)
        await reason_for(robots, "http://b.test/")
        answers = robots.answers()

    assert [(a.origin, a.reason, a.http_status, a.body) for a in kept.answers] == [
        ("http://a.test", Reason.ROBOTS_UNREACHABLE, 503, b""),
        ("http://a.test", Reason.OK, 200, DISALLOW.content),
        ("http://b.test", Reason.ROBOTS_UNREACHABLE, None, b""),
    ]
    assert [e.http_status if e else None for e in kept.exchanges] == [503, 200, None]
    assert answers == kept.answers[1:]


def hops(count: int) -> Website:
    """A robots.txt at the end of so many redirects, each on another host."""
    places = [ROBOTS, *(f"http://h{n}.test/r" for n in range(count))]
    table = {here: moved(there, 301) for here, there in pairwise(places)}
    return website(table | {places[-1]: DISALLOW})


@pytest.mark.parametrize(
    ("count", "reason"),
    [(1, Reason.ROBOTS_DISALLOWED), (5, Reason.ROBOTS_DISALLOWED), (6, Reason.ROBOTS_UNREACHABLE)],
)
async def test_five_redirects_are_followed_and_speak_for_the_first_origin(count, reason):
    site = hops(count)
    async with robots_on(site) as robots:
        assert await reason_for(robots, "http://a.test/no") is reason
        assert [answer.origin for answer in robots.answers()] == ["http://a.test"]

    assert len(site.log) == min(count, 5) + 1


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("/here", ["http://a.test/here"]),
        ("//b.test/", ["http://b.test/"]),
        ("http://10.0.0.1/robots.txt", []),
        ("http://[::1]/", []),
        ("http://denied.test/", []),
        ("mailto:a@b", []),
        ("http://[bad", []),
    ],
)
async def test_where_redirects_may_lead(location, asked):
    site = website({ROBOTS: moved(location)} | dict.fromkeys(asked, DISALLOW))
    async with robots_on(site, "network.deny=denied.test") as robots:
        reason = await reason_for(robots, "http://a.test/no")

    assert reason is (Reason.ROBOTS_DISALLOWED if asked else Reason.ROBOTS_UNREACHABLE)
    assert site.urls == [ROBOTS, *asked]


async def test_at_most_1_mib_is_read():
    kept = Kept()
    body = BARRED + b"\n" + b"#" * (3 * MAX_ROBOTS_BYTES)
    site = website({ROBOTS: httpx.Response(200, content=body)})
    async with robots_on(site, kept=kept) as robots:
        assert await reason_for(robots, "http://a.test/x") is Reason.ROBOTS_DISALLOWED

    assert kept.answers[0].body == body[:MAX_ROBOTS_BYTES]


@pytest.mark.usefixtures("unpaused")
async def test_robots_txt_is_asked_for_through_the_throttle():
    site = website({})
    async with polite_on(site, "throttle.delay_s=0.05") as polite:
        robots = RobotsCache(polite, TOKEN, keep=Kept().keep)
        for origin in ("http://a.test", "https://a.test", "http://a.test:8081"):
            await reason_for(robots, f"{origin}/")

    first, second, third = site.times_s("a.test")
    assert min(second - first, third - second) >= 0.04


async def test_a_retry_after_on_robots_txt_holds_the_host():
    site = website({ROBOTS: response(503, retry_after="120")})
    async with polite_on(site) as polite:
        before = time.time()
        await reason_for(RobotsCache(polite, TOKEN, keep=Kept().keep), "http://a.test/")
        (state,) = polite.throttles.states()

    assert before + 120 <= state.next_at <= time.time() + 120
    assert state.refused is None


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (response(503, retry_after="301"), Reason.DEFERRED),
        (response(429, retry_after="301"), Reason.DEFERRED),
        (response(404, retry_after="301"), None),
    ],
    ids=["503", "429", "404"],
)
async def test_a_retry_after_on_robots_txt_over_the_cap_defers_the_host(answer, refused):
    async with polite_on(website({ROBOTS: answer})) as polite:
        await reason_for(RobotsCache(polite, TOKEN, keep=Kept().keep), "http://a.test/")

        assert polite.throttles.of("a.test").refused is refused


async def test_once_stopped_nothing_is_asked():
    stop, site = StopFlag(), website({})
    stop.set()
    async with robots_on(site, stop=stop) as robots:
        with pytest.raises(Stopped):
            await reason_for(robots, "http://a.test/")

    assert site.urls == []


async def test_robots_txt_at_a_host_that_is_given_up_is_unreachable_and_asked_once():
    site = website({ROBOTS: moved("http://b.test/robots.txt")})
    async with polite_on(site) as polite:
        robots = RobotsCache(polite, TOKEN, keep=Kept().keep)
        polite.throttles.of("b.test").wait_for(301, since_s=0)
        for _ in range(3):
            assert await reason_for(robots, "http://a.test/") is Reason.ROBOTS_UNREACHABLE

    assert site.urls == [ROBOTS]


async def test_a_host_that_is_given_up_is_not_asked_for_robots_txt():
    site = website({})
    async with polite_on(site) as polite:
        robots = RobotsCache(polite, TOKEN, keep=Kept().keep)
        polite.throttles.of("a.test").wait_for(301, since_s=0)
        with pytest.raises(HostRefused):
            await reason_for(robots, "http://a.test/")

    assert (site.urls, robots.answers()) == ([], [])
