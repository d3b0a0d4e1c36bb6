"""Lists at a URL, fetched by a plain thread over real sockets."""

import gzip
import time
from itertools import pairwise

import pytest

from scraper.errors import ConfigError, ScraperError
from scraper.fetch.lists import ListFetcher
from scraper.stopping import StopFlag, Stopped
from tests.scraper.batches import quick_settings, website
from tests.scraper.fetch.origin import packed, serve_origin

pytestmark = pytest.mark.sockets

LOOPBACK = ("network.allow=127.0.0.0/8", "robots.obey=true", "retry.attempts=2")
ROWS = b"http://a.test/1\nhttp://a.test/2\n"


@pytest.fixture
def origin():
    with serve_origin() as served:
        yield served


def lists_in(folder, *flags, **more):
    return ListFetcher(quick_settings(*LOOPBACK, *flags), folder, **more)


def test_a_list_is_a_file_with_its_url_and_type(origin, tmp_path):
    origin.add("/x.txt", ROWS, content_type="text/plain; charset=utf-8")
    with lists_in(tmp_path) as fetch:
        found = fetch(origin.url("/x.txt"))
    assert (found.path.read_bytes(), found.path.parent) == (ROWS, tmp_path)
    assert found.url == origin.url("/x.txt")
    assert found.content_type == "text/plain; charset=utf-8"


def test_the_file_is_decoded_but_not_unpacked(origin, tmp_path):
    origin.add("/a.txt", **packed(ROWS))
    origin.add("/b.txt.gz", gzip.compress(ROWS))
    with lists_in(tmp_path) as fetch:
        assert fetch(origin.url("/a.txt")).path.read_bytes() == ROWS
        assert gzip.decompress(fetch(origin.url("/b.txt.gz")).path.read_bytes()) == ROWS


def test_redirects_are_followed_to_any_host(origin, tmp_path):
    origin.add("/a", http_status=302, location=origin.url("/b.csv", "lists.localhost"))
    origin.add("/b.csv", b"url\n")
    with lists_in(tmp_path) as fetch:
        found = fetch(origin.url("/a"))
    assert (found.url, found.path.read_bytes()) == (
        origin.url("/b.csv", "lists.localhost"), b"url\n",
    )  # fmt: skip
    robots = [(asked.host, asked.path) for asked in origin.log if "robots" in asked.path]
    assert robots == [("127.0.0.1", "/robots.txt"), ("lists.localhost", "/robots.txt")]


def test_several_lists_share_robots_waits_and_connections(origin, tmp_path):
    for n in range(3):
        origin.add(f"/{n}.txt", str(n).encode())
    with lists_in(tmp_path, "throttle.delay_s=0.1") as fetch:
        files = [fetch(origin.url(f"/{n}.txt")).path for n in range(3)]
        [memory] = fetch.memories()
    assert [file.read_bytes() for file in files] == [b"0", b"1", b"2"]
    assert origin.paths == ["/robots.txt", "/0.txt", "/1.txt", "/2.txt"]
    times = [asked.at_s for asked in origin.log]
    assert all(later - earlier > 0.09 for earlier, later in pairwise(times))
    assert memory.state.next_at > times[-1]
    assert [answer.http_status for answer in memory.robots] == [404]


def test_a_connection_that_was_closed_meanwhile_costs_no_attempt(origin, tmp_path):
    origin.closes = True
    for n in range(5):
        origin.add(f"/{n}.txt", b"x")
    with lists_in(tmp_path, "robots.obey=false", "retry.attempts=1") as fetch:
        for n in range(5):
            fetch(origin.url(f"/{n}.txt"))
            time.sleep(0.02)
    assert origin.paths == [f"/{n}.txt" for n in range(5)]


def test_what_is_transient_is_tried_again(origin, tmp_path):
    origin.add("/x.txt", b"not now, and rather long", http_status=503)
    origin.add("/x.txt", ROWS)
    with lists_in(tmp_path) as fetch:
        assert fetch(origin.url("/x.txt")).path.read_bytes() == ROWS
    assert origin.paths == ["/robots.txt", "/x.txt", "/x.txt"]


def test_a_retry_after_is_obeyed(origin, tmp_path):
    origin.add("/x.txt", http_status=429, retry_after="1")
    origin.add("/x.txt", ROWS)
    with lists_in(tmp_path) as fetch:
        fetch(origin.url("/x.txt"))
    first, second = [asked.at_s for asked in origin.log if asked.path == "/x.txt"]
    assert second - first >= 0.99


FOR_GOOD = {
    "missing": ({"http_status": 404}, [], "http_4xx (HTTP 404); check the URL"),
    "gone": ({"http_status": 410}, [], "http_4xx (HTTP 410); check the URL"),
    "nothing": ({"http_status": 204}, [], "no_content (HTTP 204); check the URL"),
    "not_implemented": ({"http_status": 501}, [], "http_5xx (HTTP 501); check the URL"),
    "declared_too_large": ({"body": b"x" * 101}, [], "too_large; raise lists.max_bytes"),
    "decoded_too_large": (packed(b"x" * 10_000), [], "too_large; raise lists.max_bytes"),
    "not_gzip": ({"body": b"x" * 99, "content_encoding": "gzip"}, [], "decoding; check the URL"),
    "nowhere": ({"http_status": 302, "location": "ftp://a/"}, [], "bad_redirect (HTTP 302); check"),
    "loop": ({"http_status": 302, "location": "/x.txt"}, [], "redirect_loop (HTTP 302); check"),
    "elsewhere": (
        {"http_status": 302, "location": "/y.txt"}, [],
        "http_4xx (HTTP 404) at http://127.0.0.1:{port}/y.txt; check the URL",
    ),
    "private": (
        {"http_status": 302, "location": "http://10.0.0.1/"}, [],
        "blocked_address at http://10.0.0.1/; a private address or no web port: "
        "network.allow, network.ports",
    ),
    "denied": (
        {}, ["network.deny=127.0.0.1"], "out_of_scope; network.deny or network.only excludes it",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "flags", "told"), FOR_GOOD.values(), ids=FOR_GOOD.keys())
def test_what_cannot_be_had_is_wrong_input(origin, tmp_path, answer, flags, told):
    origin.add("/x.txt", **answer)
    url = origin.url("/x.txt")
    fetching = lists_in(tmp_path, "lists.max_bytes=100", *flags)
    with fetching as fetch, pytest.raises(ConfigError) as error:
        fetch(url)
    expected = f"{url}: the list can't be fetched: {told.format(port=origin.port)}"
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)
    assert origin.paths.count("/x.txt") <= 1


FOR_NOW = {
    "busy": ({"http_status": 503}, "http_5xx (HTTP 503); try again later", 2),
    "too_many": ({"http_status": 429}, "http_429 (HTTP 429); try again later", 2),
    "not_ready": ({"http_status": 202}, "not_ready (HTTP 202); try again later", 2),
    "much_later": (
        {"http_status": 503, "retry_after": "9999"},
        "deferred (HTTP 503); it asks for a longer wait than throttle.max_retry_after_s", 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "told", "asked"), FOR_NOW.values(), ids=FOR_NOW.keys())
def test_what_cannot_be_had_now_is_no_wrong_input(origin, tmp_path, answer, told, asked):
    origin.add("/x.txt", **answer)
    with lists_in(tmp_path) as fetch, pytest.raises(ScraperError) as error:
        fetch(origin.url("/x.txt"))
    assert not isinstance(error.value, ConfigError)
    assert f"/x.txt: the list can't be fetched: {told}" in str(error.value)
    assert origin.paths.count("/x.txt") == asked


def test_nobody_there_may_heal(origin, tmp_path):
    told = r"x\.txt: the list can't be fetched: connect; try again later$"
    with (
        lists_in(tmp_path, "network.ports=1") as fetch,
        pytest.raises(ScraperError, match=told),
    ):
        fetch("http://127.0.0.1:1/x.txt")


@pytest.mark.parametrize(
    ("robots", "kind", "told"),
    [
        ({"body": b"User-agent: *\nDisallow: /"}, ConfigError, "robots_disallowed; its robots.txt"),
        ({"body": b"User-agent: *\nCrawl-delay: 99"}, ConfigError, "crawl_delay; its robots.txt"),
        ({"http_status": 503}, ScraperError, "robots_unreachable; try again later"),
    ],
    ids=["disallowed", "crawl_delay", "unreachable"],
)
def test_robots_txt_is_obeyed(origin, tmp_path, robots, kind, told):
    origin.add("/robots.txt", **robots)
    origin.add("/x.txt", ROWS)
    with lists_in(tmp_path) as fetch, pytest.raises(ScraperError) as error:
        fetch(origin.url("/x.txt"))
    assert (type(error.value), "/x.txt" in origin.paths) == (kind, False)
    assert f"the list can't be fetched: {told}" in str(error.value)


def test_a_host_that_was_refused_is_not_asked_for_another_list(origin, tmp_path):
    origin.add("/x.txt", http_status=429, retry_after="9999")
    with lists_in(tmp_path) as fetch:
        for name in ("x", "y"):
            with pytest.raises(ScraperError, match=f"/{name}.txt: the list can't be .* deferred"):
                fetch(origin.url(f"/{name}.txt"))
    assert origin.paths == ["/robots.txt", "/x.txt"]


def test_a_list_has_a_deadline_of_its_own(tmp_path):
    site, told = website({}, latency_s=0.2), r"deadline; raise lists\.deadline_s"
    flags = ("http.deadline_s=9", "lists.deadline_s=0.05", "robots.obey=false", "retry.attempts=1")
    fetching = lists_in(tmp_path, *flags, transport=site.transport)
    with fetching as fetch, pytest.raises(ScraperError, match=told):
        fetch("http://a.test/x.txt")


def test_no_contact_no_public_host(tmp_path):
    told = r"^http\.contact is not set, and a\.test is a"
    fetching = lists_in(tmp_path, "http.contact=none")
    with fetching as fetch, pytest.raises(ConfigError, match=told):
        fetch("http://a.test/x.txt")


@pytest.mark.parametrize("url", ["nonsense", "http://", "https://a b/"])
def test_what_is_no_url_is_told(tmp_path, url):
    with lists_in(tmp_path) as fetch, pytest.raises(ConfigError, match="is no http"):
        fetch(url)


def test_a_stop_ends_the_wait(origin, tmp_path):
    stop = StopFlag()
    origin.add("/x.txt", ROWS)
    with lists_in(tmp_path, "throttle.delay_s=30", "robots.obey=false", stop=stop) as fetch:
        fetch(origin.url("/x.txt"))
        stop.set()
        with pytest.raises(Stopped):
            fetch(origin.url("/x.txt"))
    assert origin.paths == ["/x.txt"]


def test_nothing_is_remembered_before_anything_is_asked(tmp_path):
    with lists_in(tmp_path) as fetch:
        assert fetch.memories() == []
