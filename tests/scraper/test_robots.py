import asyncio
import errno
import gzip
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import httpx
import pytest

from scraper.fetch.addresses import BlockedAddress
from scraper.models import Exchange, Reason, RobotsAnswer
from scraper.robots import MAX_ROBOTS_BYTES, RobotsCache, RobotsRules, reason_of_robots
from scraper.stopping import StopFlag, Stopped
from scraper.urls import ParsedUrl, parse_url
from tests.scraper.batches import (
    AT,
    Website,
    moved,
    polite_on,
    response,
    robots_txt,
    website,
)

pytestmark = pytest.mark.anyio

TOKEN = "flyte-scraper"
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


# RFC 9309, section 2.2: what the records say, a path, and whether it may be asked.
RULES = {
    "no records": ("", "/x", True),
    "no group": ("Disallow: /", "/x", True),
    "an empty rule": ("User-agent: *\nDisallow:", "/x", True),
    "everything": ("User-agent: *\nDisallow: /", "/x", False),
    "robots.txt itself": ("User-agent: *\nDisallow: /", "/robots.txt", True),
    "the longer allow": ("User-agent: *\nDisallow: /\nAllow: /x", "/xy", True),
    "the longer disallow": ("User-agent: *\nAllow: /\nDisallow: /x", "/xy", False),
    "allow wins a tie": ("User-agent: *\nDisallow: /x\nAllow: /x", "/x", True),
    "length is of octets": ("User-agent: *\nAllow: /ツ\nDisallow: /%E3%83", "/%E3%83%84", True),
    "a star": ("User-agent: *\nDisallow: /*.gif", "/a/b.gif?c", False),
    "a star and an end": ("User-agent: *\nDisallow: /*.gif$", "/a/b.gif?c", True),
    "an end": ("User-agent: *\nDisallow: /*.gif$", "/a/b.gif", False),
    "a star at the end": ("User-agent: *\nDisallow: /fish*", "/fishing", False),
    "a dollar inside": ("User-agent: *\nDisallow: /a$b", "/a$b", False),
    "a query": ("User-agent: *\nDisallow: /*?", "/a?b", False),
    "case of a path": ("User-agent: *\nDisallow: /A", "/a", True),
    "encoded in the file": ("User-agent: *\nDisallow: /%7Ejoe", "/~joe", False),
    "encoded in the URL": ("User-agent: *\nDisallow: /~joe", "/%7Ejoe", False),
    "case of an encoding": ("User-agent: *\nDisallow: /a%3cd", "/a%3Cd", False),
    "raw in the file": ("User-agent: *\nDisallow: /foo/ツ", "/foo/%E3%83%84", False),
    "an encoded slash": ("User-agent: *\nDisallow: /a/b", "/a%2Fb", True),
    "our own group": (f"User-agent: *\nDisallow: /\nUser-agent: {TOKEN}\nDisallow: /y", "/x", True),
    "no case in our name": ("USER-AGENT: Flyte-Scraper\nDISALLOW: /", "/x", False),
    "our name, versioned": (f"User-agent: {TOKEN}/2.0 (+x)\nDisallow: /", "/x", False),
    "another's name in ours": ("User-agent: scraper\nDisallow: /", "/x", True),
    "another's name before ours": ("User-agent: flyte\nDisallow: /", "/x", True),
    "ours in another's name": (f"User-agent: {TOKEN}-news\nDisallow: /", "/x", True),
    "ours allows, all are barred": (
        f"User-agent: fl\nAllow: /\nUser-agent: *\nDisallow: /x\nUser-agent: {TOKEN}x\nAllow: /",
        "/x",
        False,
    ),
    "our groups are merged": (
        f"User-agent: {TOKEN}\nDisallow: /a\n\nUser-agent: b\nDisallow: /b\n\n"
        f"User-agent: {TOKEN}\nDisallow: /x",
        "/x",
        False,
    ),
    "the first of our groups still counts": (
        f"User-agent: {TOKEN}\nDisallow: /a\n\nUser-agent: {TOKEN}\nDisallow: /x",
        "/a",
        False,
    ),
    "names in a row": (f"User-agent: b\nUser-agent: {TOKEN}\nDisallow: /", "/x", False),
    "a crawl-delay between names": (
        f"User-agent: {TOKEN}\nCrawl-delay: 3\nUser-agent: b\nDisallow: /",
        "/x",
        False,
    ),
    "a sitemap between rules": (
        "User-agent: *\nDisallow: /a\nSitemap: http://a.test/s.xml\nDisallow: /x",
        "/x",
        False,
    ),
    "an unknown record between names": (
        f"User-agent: {TOKEN}\nNoindex: /y\nUser-agent: b\nDisallow: /",
        "/x",
        False,
    ),
    "comments and spaces": ("  user-agent :  *  # all\n Disallow : /x # no", "/x", False),
    "lines that end in CR": ("User-agent: *\rDisallow: /x\r", "/x", False),
    "an HTML page": ("<!DOCTYPE html>\n<p>User-agent: *</p>\n<p>Disallow: /</p>", "/x", True),
}


@pytest.mark.parametrize(("text", "path", "allowed"), RULES.values(), ids=RULES)
async def test_what_the_rules_allow(text, path, allowed):
    assert RobotsRules(text, TOKEN).allows(f"http://a.test{path}") is allowed


@pytest.mark.parametrize(
    ("text", "delay_s"),
    [
        ("User-agent: *\nDisallow: /a", 0.0),
        ("User-agent: *\nCrawl-delay: 2.5", 2.5),
        (f"User-agent: *\nCrawl-delay: 9\nUser-agent: {TOKEN}\nDisallow: /a", 0.0),
        (f"User-agent: *\nCrawl-delay: 9\nUser-agent: {TOKEN}\nCrawl-delay: 4", 4.0),
        (f"User-agent: {TOKEN}/1.0\nCrawl-delay: 4", 4.0),
        ("User-agent: *\nSitemap: http://a.test/s.xml\nCrawl-delay: 3", 3.0),
        ("User-agent: *\nCrawl-delay: soon", 0.0),
        ("User-agent: *\nCrawl-delay: -3", 0.0),
        ("User-agent: *\nCrawl-delay: nan", 0.0),
        ("Crawl-delay: 5", 0.0),
    ],
)
async def test_crawl_delay(text, delay_s):
    assert RobotsRules(text, TOKEN).crawl_delay_s == delay_s


def answer_of(body: bytes, **fields: object) -> RobotsAnswer:
    known: dict[str, object] = {
        "origin": "http://a.test",
        "reason": Reason.OK,
        "http_status": 200,
        "body": body,
        "content_encoding": None,
        "at": AT,
    }
    return RobotsAnswer(**(known | fields))  # type: ignore[arg-type]


BARRED = b"User-agent: *\nDisallow: /"


@pytest.mark.parametrize(
    ("body", "content_encoding", "allowed"),
    [
        (BARRED, None, False),
        (b"\xef\xbb\xbf" + BARRED, None, False),
        (gzip.compress(BARRED), "gzip", False),
        (gzip.compress(b"\xef\xbb\xbf" + BARRED), "gzip", False),
        (gzip.compress(BARRED)[:-9], "gzip", False),
        (b"# caf\xe9\n" + BARRED, None, False),
        (b"not gzip", "gzip", True),
        (b"#" * (MAX_ROBOTS_BYTES - 100) + b"\n" + BARRED, None, False),
        (b"#" * MAX_ROBOTS_BYTES + b"\n" + BARRED, None, True),
        (gzip.compress(b"#" * MAX_ROBOTS_BYTES + b"\n" + BARRED), "gzip", True),
    ],
    ids=[
        "plain",
        "BOM",
        "gzip",
        "BOM in gzip",
        "torn gzip",
        "not UTF-8",
        "undecodable",
        "within the cap",
        "over the cap",
        "over the cap, decoded",
    ],
)
async def test_an_answers_body(body, content_encoding, allowed):
    rules = RobotsRules.from_answer(answer_of(body, content_encoding=content_encoding), TOKEN)

    assert rules.allows("http://a.test/x") is allowed


@pytest.mark.parametrize(
    ("reason", "http_status", "meaning"),
    [
        (Reason.OK, 200, Reason.OK),
        (Reason.NO_CONTENT, 204, Reason.OK),
        (Reason.NOT_READY, 202, Reason.OK),
        (Reason.HTTP_4XX, 401, Reason.OK),
        (Reason.HTTP_4XX, 403, Reason.OK),
        (Reason.HTTP_4XX, 404, Reason.OK),
        (Reason.HTTP_4XX, 410, Reason.OK),
        (Reason.HTTP_429, 429, Reason.ROBOTS_UNREACHABLE),
        (Reason.HTTP_5XX, 500, Reason.ROBOTS_UNREACHABLE),
        (Reason.HTTP_5XX, 503, Reason.ROBOTS_UNREACHABLE),
        (Reason.HTTP_OTHER, 304, Reason.ROBOTS_UNREACHABLE),
        (Reason.HTTP_OTHER, 999, Reason.ROBOTS_UNREACHABLE),
        (Reason.TIMEOUT, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.DEADLINE, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.CONNECTION_LOST, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.PROTOCOL, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.REDIRECT_LOOP, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.BAD_REDIRECT, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.DNS, None, Reason.DNS),
        (Reason.CONNECT, None, Reason.CONNECT),
        (Reason.TLS, None, Reason.TLS),
        (Reason.BLOCKED_ADDRESS, None, Reason.BLOCKED_ADDRESS),
        (Reason.OUT_OF_SCOPE, None, Reason.OUT_OF_SCOPE),
    ],
)
async def test_what_an_answer_means_for_the_pages(reason, http_status, meaning):
    assert reason_of_robots(reason, http_status) is meaning


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


async def test_robots_txt_is_asked_for_through_the_throttle():
    site = website({})
    async with polite_on(site, "throttle.delay_s=0.03") as polite:
        robots = RobotsCache(polite, TOKEN, keep=Kept().keep)
        for origin in ("http://a.test", "https://a.test", "http://a.test:81"):
            await reason_for(robots, f"{origin}/")

    first, second, third = site.times_s("a.test")
    assert min(second - first, third - second) >= 0.025


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
