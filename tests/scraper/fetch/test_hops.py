import httpx
import pytest

from scraper.fetch.conditions import payload_digest
from scraper.models import Attempt, Hop, Reason
from tests.scraper.batches import (
    moved,
    page,
    response,
    seed,
    website,
)
from tests.scraper.fetch.attempts import OBEY, URL, attempt_at, chain, fetcher_on, hops

pytestmark = pytest.mark.anyio


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
        payload_digest=payload_digest(page("hello").content),
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
        (
            httpx.Response(200, content=b"x", headers={"Content-Encoding": "compress"}),
            Reason.DECODING,
            2,
        ),
    ],
    ids=["page", "503", "202", "timeout", "protocol", "too large", "undecodable"],
)
async def test_what_was_asked_counts_as_an_attempt(answer, reason, number):
    attempt, _ = await attempt_at(website({URL: answer}), "http.max_body_bytes=1000", number=2)

    assert (attempt.reason, attempt.number) == (reason, number)
