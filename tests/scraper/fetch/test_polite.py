import asyncio
import errno

import httpx
import pytest

from scraper.fetch.decoding import TooLarge
from scraper.fetch.polite import PoliteClient, redirect_target
from scraper.models import Exchange, Reason
from scraper.stopping import StopFlag, Stopped
from scraper.throttle import HostRefused
from scraper.urls import ParsedUrl, parse_url
from tests.scraper.batches import AT, page, polite_on, response, website

pytestmark = pytest.mark.anyio

URL = "http://a.test/1"


async def ask(
    polite: PoliteClient, url: str = URL, *, deadline_s: float = 5.0
) -> tuple[Exchange | Reason, float]:
    parsed = parse_url(url)
    assert parsed is not None
    return await polite.get(parsed, deadline_s=deadline_s, max_bytes=1000)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("a.test", None),
        ("93.184.216.34", None),
        ("127.0.0.1", Reason.BLOCKED_ADDRESS),
        ("[::1]", Reason.BLOCKED_ADDRESS),
        ("localhost", Reason.BLOCKED_ADDRESS),
        ("shop.localhost", Reason.BLOCKED_ADDRESS),
        ("169.254.169.254", Reason.BLOCKED_ADDRESS),
        ("10.1.2.3", None),
        ("denied.test", Reason.OUT_OF_SCOPE),
        ("www.denied.test", Reason.OUT_OF_SCOPE),
        ("10.9.9.9", Reason.OUT_OF_SCOPE),
    ],
)
async def test_which_hosts_are_never_asked(host, reason):
    flags = ("network.allow=10.0.0.0/8", "network.deny=denied.test, 10.9.0.0/16")
    async with polite_on(website({}), *flags) as polite:
        parsed = parse_url(f"http://{host}/")
        assert parsed is not None
        assert polite.refusal(parsed) is reason


async def test_an_answer_comes_with_the_seconds_it_took():
    async with polite_on(website({URL: page("hello")}, latency_s=0.02)) as polite:
        found, spent_s = await ask(polite)

    assert isinstance(found, Exchange)
    assert (found.http_status, b"hello" in found.body) == (200, True)
    assert spent_s == found.elapsed_s >= 0.019


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.ReadTimeout("slow"), Reason.TIMEOUT),
        (httpx.ConnectError("no"), Reason.CONNECT),
        (httpx.ReadError("gone"), Reason.CONNECTION_LOST),
        (httpx.RemoteProtocolError("odd"), Reason.PROTOCOL),
        (TooLarge("large"), Reason.TOO_LARGE),
    ],
)
async def test_errors_of_the_network_are_reasons(error, reason):
    async with polite_on(website({URL: error})) as polite:
        found, spent_s = await ask(polite)

    assert found is reason
    assert 0 <= spent_s < 5


async def test_the_time_until_an_error_is_spent_too():
    async with polite_on(website({URL: page()}, latency_s=10)) as polite:
        found, spent_s = await ask(polite, deadline_s=0.03)

    assert found is Reason.DEADLINE
    assert 0.029 <= spent_s < 5


@pytest.mark.parametrize("deadline_s", [0.0, -3.0])
async def test_no_time_left_is_a_deadline(deadline_s):
    async with polite_on(website({URL: page()}, latency_s=10)) as polite:
        found, _ = await ask(polite, deadline_s=deadline_s)

    assert found is Reason.DEADLINE


@pytest.mark.parametrize(
    "error", [RuntimeError("a bug"), OSError(errno.EMFILE, "too many open files")], ids=str
)
async def test_trouble_of_our_own_is_raised_and_gives_the_host_free(error):
    site = website({URL: [error, page()]})
    async with polite_on(site) as polite:
        with pytest.raises(type(error)):
            await ask(polite)
        async with asyncio.timeout(5):
            found, _ = await ask(polite)

    assert isinstance(found, Exchange)


async def test_one_host_is_asked_one_at_a_time_and_others_meanwhile():
    site = website({}, latency_s=0.01)
    async with polite_on(site) as polite:
        await asyncio.gather(*(ask(polite, f"http://{host}.test/") for host in "aaabbbccc"))

    assert site.most_in_flight == 3


@pytest.mark.usefixtures("unpaused")
async def test_all_ports_and_schemes_of_a_host_share_its_delay():
    site = website({})
    async with polite_on(site, "throttle.delay_s=0.05", "throttle.concurrency=9") as polite:
        urls = ("http://a.test/", "https://a.test/", "http://a.test:81/")
        await asyncio.gather(*(ask(polite, url) for url in urls))

    first, second, third = site.times_s("a.test")
    assert min(second - first, third - second) >= 0.04


async def test_once_stopped_nothing_is_asked():
    stop, site = StopFlag(), website({})
    stop.set()
    async with polite_on(site, stop=stop) as polite:
        with pytest.raises(Stopped):
            await ask(polite)

    assert site.urls == []


async def test_a_host_that_is_given_up_is_not_asked():
    site = website({})
    async with polite_on(site) as polite:
        polite.throttles.of("a.test").wait_for(301, since_s=0)
        with pytest.raises(HostRefused):
            await ask(polite)

    assert site.urls == []


# What stands in Location, seen from http://a.test/dir/page, and the URL that it means.
TARGETS = {
    "absolute": (b"https://b.test/x", "https://b.test/x"),
    "relative to the host": (b"/x", "http://a.test/x"),
    "relative to the folder": (b"x", "http://a.test/dir/x"),
    "up": (b"../../x", "http://a.test/x"),
    "a query": (b"?q", "http://a.test/dir/page?q"),
    "a fragment is dropped": (b"/x#part", "http://a.test/x"),
    "another host": (b"//b.test", "http://b.test/"),
    "no slashes": (b"https:b.test/x", "https://b.test/x"),
    "backslashes": (b"http:\\\\b.test\\x", "http://b.test/x"),
    "spaces around": (b"  /x  ", "http://a.test/x"),
    "a space inside": (b"/a b", "http://a.test/a%20b"),
    "UTF-8": ("/café".encode(), "http://a.test/caf%C3%A9"),
    "UTF-8 in the host": ("http://bücher.test/".encode(), "http://xn--bcher-kva.test/"),
    "not UTF-8": (b"/caf\xe9", "http://a.test/caf%C3%A9"),
    "encoded": (b"/caf%C3%A9", "http://a.test/caf%C3%A9"),
    "upper case": (b"HTTP://B.TEST:80/X", "http://b.test/X"),
    "a decimal address": (b"http://2130706433/", "http://127.0.0.1/"),
    "an octal address": (b"http://0177.1/", "http://127.0.0.1/"),
    "a user": (b"http://u:p@b.test/", "http://u:p@b.test/"),
}


def redirect(location: bytes | None, http_status: int = 302) -> Exchange:
    headers = () if location is None else ((b"location", location),)
    return Exchange(
        url="http://a.test/dir/page",
        request_headers=(),
        http_status=http_status,
        http_reason=b"",
        response_headers=headers,
        body=b"",
        at=AT,
        elapsed_s=0.1,
    )


@pytest.mark.parametrize(("location", "url"), TARGETS.values(), ids=TARGETS)
async def test_where_a_redirect_leads(location, url):
    target = redirect_target(redirect(location))

    assert isinstance(target, ParsedUrl)
    assert target.href == url


@pytest.mark.parametrize(
    "location",
    [
        "mailto:a@b.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://b.test/",
        "file:///etc/passwd",
        "http://[bad",
        "http://[bad]/",
        "http://b.test:99999/",
        "http://a b/",
        "http://",
        "//",
        "http://b..test/",
        f"http://{'x' * 64}.test/",
    ],
    ids=lambda text: text[:20],
)
async def test_a_redirect_to_no_url_is_told_as_it_stands(location):
    assert redirect_target(redirect(location.encode())) == location


@pytest.mark.parametrize(
    "exchange",
    [redirect(None), redirect(b""), redirect(b"  ")]
    + [redirect(b"/x", status) for status in (200, 201, 300, 304, 305, 404)],
    ids=lambda exchange: f"{exchange.http_status} {exchange.response_headers}",
)
async def test_what_is_no_redirect(exchange):
    assert redirect_target(exchange) is None


@pytest.mark.parametrize("http_status", [301, 302, 303, 307, 308])
async def test_what_is_a_redirect(http_status):
    assert redirect_target(redirect(b"/x", http_status)) == parse_url("http://a.test/x")


async def test_an_answer_of_any_status_is_an_answer():
    async with polite_on(website({URL: response(503, "later")})) as polite:
        found, _ = await ask(polite)

    assert isinstance(found, Exchange)
    assert (found.http_status, found.body) == (503, b"later")
