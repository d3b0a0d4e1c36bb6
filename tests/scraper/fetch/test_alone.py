"""URLs that are fetched outside a batch: what one fetch learns holds for the next."""

import io

import httpx
import pytest

from scraper.errors import ConfigError
from scraper.fetch.alone import open_lone_fetcher, seed_of
from scraper.fetch.hops import Download
from scraper.models import Reason, Seed
from scraper.settings import HostSettings
from scraper.settings_table import Settings
from scraper.stopping import StopFlag, Stopped
from scraper.throttle import HostRefused
from tests.scraper.batches import moved, page, quick_settings, response, robots_txt, website

pytestmark = pytest.mark.anyio

A, B = "http://a.test/1", "http://b.test/2"


def test_a_url_by_itself_is_a_seed():
    assert seed_of(" HTTP://www.A.test/x#y ") == Seed(
        row=1,
        url=" HTTP://www.A.test/x#y ",
        fetch_url="http://www.a.test/x",
        host="www.a.test",
        domain="a.test",
    )


@pytest.mark.parametrize("url", ["nonsense", "ftp://a.test/", "http://", ""])
def test_what_is_no_url_is_told(url):
    with pytest.raises(ConfigError, match=r"is no http\(s\) URL$"):
        seed_of(url)


async def test_robots_txt_is_asked_once_for_all_fetches():
    site = website({A: page(), "http://a.test/3": page()})
    settings = quick_settings("robots.obey=true")
    async with open_lone_fetcher(settings, transport=site.transport) as fetcher:
        for url in (A, "http://a.test/3"):
            last, _ = await fetcher.fetch(seed_of(url))
            assert last.reason is Reason.OK
    assert site.urls == ["http://a.test/robots.txt", A, "http://a.test/3"]


async def test_the_delay_holds_between_fetches_and_is_remembered():
    site = website({A: page()})
    settings = quick_settings("throttle.delay_s=0.1")
    async with open_lone_fetcher(settings, transport=site.transport) as fetcher:
        await fetcher.fetch(seed_of(A))
        await fetcher.fetch(seed_of(A))
        [memory] = fetcher.memories()
    first, second = site.times_s("a.test")
    assert second - first > 0.09
    assert memory.host == "a.test"
    assert second + 0.09 < memory.state.next_at < second + 0.2


async def test_memories_hold_the_answers_to_robots_txt():
    site = website({"http://a.test/robots.txt": robots_txt("User-agent: *", "Crawl-delay: 0.01")})
    async with open_lone_fetcher(
        quick_settings("robots.obey=true"), transport=site.transport
    ) as fetcher:
        await fetcher.fetch(seed_of(A))
        [memory] = fetcher.memories()
    assert [answer.origin for answer in memory.robots] == ["http://a.test"]
    assert memory.state.delay_s == 0.01


async def test_a_retry_after_holds_the_host_that_said_it():
    """The first redirects to the second, which is the one that is busy."""
    site = website({A: moved(B), B: [response(429, retry_after="0.1"), page()]})
    site.answers[B][0].headers["retry-after"] = "1"
    async with open_lone_fetcher(quick_settings(), transport=site.transport) as fetcher:
        last, _ = await fetcher.fetch(seed_of(A))
    assert (last.reason, site.urls) == (Reason.OK, [A, B, A, B])
    first, second = site.times_s("b.test")
    assert second - first >= 0.99
    early, again = site.times_s("a.test")
    assert again - early < 0.9


async def test_a_host_that_was_refused_is_not_asked_by_a_later_fetch():
    site = website({A: response(429, retry_after="9999")})
    async with open_lone_fetcher(quick_settings(), transport=site.transport) as fetcher:
        last, _ = await fetcher.fetch(seed_of(A))
        assert last.reason is Reason.DEFERRED
        with pytest.raises(HostRefused):
            await fetcher.fetch(seed_of(A))
    assert site.urls == [A]


async def test_the_settings_of_a_host_are_its_own():
    site = website({A: httpx.ReadTimeout("slow"), B: httpx.ReadTimeout("slow")})
    settings = quick_settings("hosts.a.test.retry.attempts=1", "retry.attempts=2")
    async with open_lone_fetcher(settings, transport=site.transport) as fetcher:
        await fetcher.fetch(seed_of(A))
        await fetcher.fetch(seed_of(B))
    assert site.urls == [A, B, B]


async def test_a_download_is_emptied_before_each_answer():
    site = website({A: [response(503, "a long text that is an error"), moved(B)], B: page("x")})
    file = io.BytesIO()
    download = Download(file=file, max_bytes=1000, deadline_s=5)
    async with open_lone_fetcher(quick_settings(), transport=site.transport) as fetcher:
        last, exchanges = await fetcher.fetch(seed_of(A), download=download)
    assert last.reason is Reason.OK
    assert file.getvalue() == b"<title>x</title><p>x</p>"
    assert [exchange.body for exchange in exchanges] == [b"", b""]


async def test_no_contact_no_public_host():
    site = website({A: page()})
    async with open_lone_fetcher(HostSettings(Settings(), {}), transport=site.transport) as fetcher:
        with pytest.raises(ConfigError, match=r"^http\.contact is not set, and a\.test is"):
            await fetcher.fetch(seed_of(A))
    assert site.urls == []


async def test_the_stop_flag_ends_the_wait_for_another_attempt():
    site, stop = website({A: response(503, retry_after="30")}), StopFlag()
    site.before = lambda _url: stop.set()
    async with open_lone_fetcher(quick_settings(), stop=stop, transport=site.transport) as fetcher:
        with pytest.raises(Stopped):
            await fetcher.fetch(seed_of(A))
    assert site.urls == [A]
