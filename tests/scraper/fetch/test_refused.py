"""No request goes where it must not: every spelling, at every place where a URL comes in.

Nothing here can be reached even if the code is wrong: connections are recorded and refused.
"""

import httpx
import pytest

from scraper.errors import ScraperError
from scraper.fetch.alone import open_lone_fetcher, seed_of
from scraper.fetch.client import address_guard
from scraper.fetch.lists import ListFetcher
from scraper.models import Reason
from scraper.urls import parse_url
from tests.scraper.batches import moved, quick_settings
from tests.scraper.fetch.recording import Recorder, Served, recorded

NAMES = {
    "public.test": [["93.184.216.34"]],
    "start.test": [["93.184.216.34"]],
    "private.test": [["10.0.0.1"]],
    "metadata.test": [["169.254.169.254"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "nat64.test": [["64:ff9b::7f00:1"]],
    "6to4.test": [["2002:7f00:1::"]],
    "teredo.test": [["2001:0:4136:e378:8000:63bf:3fff:fdd2"]],
    "zone.test": [["fe80::1%eth0"]],
    "all-private.test": [["10.0.0.1", "192.168.0.1", "::1"]],
}
REFUSED = {
    "loopback": "http://127.0.0.1/",
    "loopback, another": "http://127.255.255.254/",
    "short": "http://127.1/",
    "shorter": "http://127.0.1/",
    "decimal": "http://2130706433/",
    "octal": "http://0177.0.0.1/",
    "octal whole": "http://017700000001/",
    "hex": "http://0x7f.0.0.1/",
    "hex whole": "http://0x7f000001/",
    "mixed": "http://0x7f.0.0.01/",
    "percent-encoded": "http://%31%32%37.0.0.1/",
    "dot at the end": "http://127.0.0.1./",
    "fullwidth digits": "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "fullwidth dots": "http://127。0。0。1/",
    "circled digits": "http://①②⑦.⓪.⓪.①/",
    "a soft hyphen": "http://127.0.0\u00ad.1/",
    "a tab inside": "http://127.0\t.0.1/",
    "a line break inside": "http://127.0\n.0.1/",
    "unspecified": "http://0.0.0.0/",
    "unspecified short": "http://0/",
    "private 10": "http://10.0.0.1/",
    "private 172": "http://172.16.0.1/",
    "private 192": "http://192.168.0.1/",
    "private decimal": "http://3232235521/",
    "carrier": "http://100.64.0.1/",
    "link-local": "http://169.254.1.1/",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "metadata decimal": "http://2852039166/",
    "metadata of Alibaba": "http://100.100.100.200/",
    "multicast": "http://224.0.0.1/",
    "reserved": "http://240.0.0.1/",
    "broadcast": "http://255.255.255.255/",
    "6to4 relay": "http://192.88.99.1/",
    "IPv6 loopback": "http://[::1]/",
    "IPv6 loopback, long": "http://[0:0:0:0:0:0:0:1]/",
    "IPv6 unspecified": "http://[::]/",
    "mapped": "http://[::ffff:127.0.0.1]/",
    "mapped hex": "http://[::ffff:7f00:1]/",
    "mapped private": "http://[::ffff:a00:1]/",
    "mapped public": "http://[::ffff:8.8.8.8]/",
    "compatible": "http://[::127.0.0.1]/",
    "NAT64": "http://[64:ff9b::7f00:1]/",
    "NAT64 dotted": "http://[64:ff9b::127.0.0.1]/",
    "6to4": "http://[2002:7f00:1::]/",
    "Teredo": "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "unique local": "http://[fd00::1]/",
    "metadata of AWS": "http://[fd00:ec2::254]/",
    "link-local 6": "http://[fe80::1]/",
    "multicast 6": "http://[ff02::1]/",
    "localhost": "http://localhost/",
    "localhost in capitals": "http://LOCALHOST/",
    "localhost with a dot": "http://localhost./",
    "localhost, fullwidth": "http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/",
    "below localhost": "http://shop.localhost/",
    "a user before it": "http://public.test@127.0.0.1/",
    "a user and a port": "http://public.test:80@127.0.0.1/",
    "an encoded at sign": "http://public.test%40x@127.0.0.1/",
    "a backslash": "http://127.0.0.1\\@public.test/",
    "backslashes for slashes": "http:\\\\127.0.0.1\\",
    "four slashes": "http:////127.0.0.1/",
    "a hash before the at sign": "http://127.0.0.1#@public.test/",
    "a question mark before it": "http://127.0.0.1?@public.test/",
    "https": "https://127.0.0.1/",
    "a name that is private": "http://private.test/",
    "a name that is metadata": "http://metadata.test/",
    "a name that is mapped": "http://mapped.test/",
    "a name that is NAT64": "http://nat64.test/",
    "a name that is 6to4": "http://6to4.test/",
    "a name that is Teredo": "http://teredo.test/",
    "a name with a zone": "http://zone.test/",
    "a name of private ones only": "http://all-private.test/",
    "a name with a dot": "http://private.test./",
    "SSH": "http://public.test:22/",
    "SMTP": "http://public.test:25/",
    "Redis": "http://public.test:6379/",
    "a port below 1024": "http://public.test:81/",
    "a port of an address": "http://93.184.216.34:11211/",
}
NEVER_URLS = {
    "file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1/",
    "gopher": "gopher://127.0.0.1:6379/_x",
    "data": "data:text/html,x",
    "javascript": "javascript:1",
    "ws": "ws://127.0.0.1/",
    "no host": "http:///",
    "five numbers": "http://1.2.3.4.5/",
    "too large a number": "http://4294967296/",
    "a zone": "http://[fe80::1%25eth0]/",
    "an open bracket": "http://[::1/",
    "a space": "http://127.0.0.1 .test/",
    "a port that is none": "http://127.0.0.1:99999/",
}
FLAGS = ("robots.obey=true", "retry.attempts=1")

pytestmark = pytest.mark.usefixtures("loopback_only")


def network(
    monkeypatch: pytest.MonkeyPatch, *flags: str, **answers: httpx.Response
) -> tuple[Served, Recorder]:
    """`robots` and `page` are what start.test answers, everybody else has no robots.txt."""
    settings = quick_settings(*flags).all
    table = {"http://start.test/robots.txt": answers.get("robots", httpx.Response(404))}
    if "page" in answers:
        table["http://start.test/"] = answers["page"]
    guard = address_guard(settings.http, settings.network)
    names = {name: [list(found) for found in turns] for name, turns in NAMES.items()}
    return recorded(monkeypatch, guard, names=names, answers=table)


async def reason_at(transport: Served, url: str, *flags: str) -> tuple[Reason, str | None]:
    async with open_lone_fetcher(quick_settings(*FLAGS, *flags), transport=transport) as fetcher:
        last, _ = await fetcher.fetch(seed_of(url))
    return last.reason, last.final_url


@pytest.mark.anyio
async def test_the_recorder_sees_what_is_allowed(monkeypatch):
    """Else nothing below would prove anything."""
    for url in ("http://public.test/", "http://93.184.216.34/", "https://public.test:8443/"):
        transport, seen = network(monkeypatch)
        assert (await reason_at(transport, url))[0] is Reason.CONNECT
        assert seen.connected == ["93.184.216.34"]


@pytest.mark.anyio
@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
async def test_as_the_first_url(monkeypatch, url):
    transport, seen = network(monkeypatch)
    assert (await reason_at(transport, url))[0] is Reason.BLOCKED_ADDRESS
    assert seen.connected == []


@pytest.mark.anyio
@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
async def test_as_a_redirect(monkeypatch, url):
    transport, seen = network(monkeypatch, page=moved(url))
    parsed = parse_url(url)
    assert parsed is not None
    assert await reason_at(transport, "http://start.test/") == (
        Reason.BLOCKED_ADDRESS,
        parsed.href,
    )
    assert seen.connected == []


@pytest.mark.anyio
@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
async def test_as_a_redirect_of_robots_txt(monkeypatch, url):
    transport, seen = network(monkeypatch, robots=moved(url), page=httpx.Response(200))
    reason, _ = await reason_at(transport, "http://start.test/")
    # Nothing is said of start.test itself: that its robots.txt leads nowhere forbids for now.
    assert reason in {Reason.ROBOTS_UNREACHABLE, Reason.BLOCKED_ADDRESS}
    assert seen.connected == []


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("place", ["itself", "a redirect"])
def test_as_a_list(monkeypatch, tmp_path, url, place):
    transport, seen = network(monkeypatch, page=moved(url))
    asked = url if place == "itself" else "http://start.test/"
    settings = quick_settings(*FLAGS)
    with (
        ListFetcher(settings, tmp_path, transport=transport) as fetch,
        pytest.raises(ScraperError, match="blocked_address"),
    ):
        fetch(asked)
    assert seen.connected == []


@pytest.mark.parametrize("url", NEVER_URLS.values(), ids=NEVER_URLS)
def test_what_is_no_http_url_is_none(url):
    assert parse_url(url) is None


@pytest.mark.anyio
@pytest.mark.parametrize("url", NEVER_URLS.values(), ids=NEVER_URLS)
async def test_a_redirect_to_what_is_no_http_url_is_bad(monkeypatch, url):
    transport, seen = network(monkeypatch, page=moved(url))
    reason, _ = await reason_at(transport, "http://start.test/")
    assert reason in {Reason.BAD_REDIRECT, Reason.REDIRECT_LOOP}
    assert seen.connected == []


@pytest.mark.anyio
async def test_what_was_checked_is_what_is_connected_to(monkeypatch):
    """A name that is public once and private ever after is looked up but once."""
    transport, seen = network(monkeypatch)
    seen.names["public.test"].append(["127.0.0.1"])
    assert (await reason_at(transport, "http://public.test/"))[0] is Reason.CONNECT
    assert seen.looked_up == ["public.test"]
    assert seen.connected == ["93.184.216.34"]


@pytest.mark.anyio
async def test_of_a_names_addresses_only_those_allowed_are_connected_to(monkeypatch):
    transport, seen = network(monkeypatch)
    seen.names["public.test"][0][:] = ["10.0.0.1", "93.184.216.34", "::1"]
    await reason_at(transport, "http://public.test/")
    assert seen.connected == ["93.184.216.34"]


SCOPES = {
    "a denied host": ("network.deny=public.test", "http://public.test/"),
    "below a denied host": ("network.deny=test", "http://public.test/"),
    "a denied address": ("network.deny=93.184.0.0/16", "http://93.184.216.34/"),
    "a name that leads to one": ("network.deny=93.184.0.0/16", "http://public.test/"),
    "not among the only hosts": ("network.only=other.test", "http://public.test/"),
    "not among the only networks": ("network.only=8.8.8.0/24", "http://93.184.216.34/"),
    "a name that leads elsewhere": ("network.only=8.8.8.0/24", "http://public.test/"),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("flag", "url"), SCOPES.values(), ids=SCOPES)
async def test_what_is_out_of_scope_is_not_connected_to(monkeypatch, flag, url):
    transport, seen = network(monkeypatch, flag)
    assert (await reason_at(transport, url, flag))[0] is Reason.OUT_OF_SCOPE
    assert seen.connected == []


LET_THROUGH = {
    "an intranet": (["network.allow=10.0.0.0/8"], "http://10.0.0.1/", "10.0.0.1"),
    "a name in it": (["network.allow=private.test"], "http://private.test/", "10.0.0.1"),
    "a name that leads there": (["network.allow=10.0.0.0/8"], "http://private.test/", "10.0.0.1"),
    "a port": (["network.ports=22"], "http://public.test:22/", "93.184.216.34"),
    "a service": (["network.ports=6379"], "http://public.test:6379/", "93.184.216.34"),
    "the only host": (["network.only=public.test"], "http://public.test/", "93.184.216.34"),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("flags", "url", "ip"), LET_THROUGH.values(), ids=LET_THROUGH)
async def test_what_is_let_through_by_a_setting_is_asked(monkeypatch, flags, url, ip):
    transport, seen = network(monkeypatch, *flags)
    assert (await reason_at(transport, url, *flags))[0] is Reason.CONNECT
    assert set(seen.connected) == {ip}
