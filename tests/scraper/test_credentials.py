import base64
import gzip
from pathlib import Path

import httpx
import pytest

from scraper.credentials import SiteRequest, check_credentials, proxy_url, site_request
from scraper.errors import ConfigError
from scraper.fetch.alone import open_lone_fetcher
from scraper.layout import run_key
from scraper.settings import HostSettings, Layer, flag_layer, load_settings
from scraper.store import Store
from tests.scraper.batches import (
    QUICK,
    Website,
    jobs,
    moved,
    page,
    plan,
    reasons,
    run_batch,
    session_on,
    store_in,
    website,
)

SECRET = "s3cr3t-v4lu3"
ENVIRON = {
    "LOGIN": f"user:{SECRET}",
    "TOKEN": f"{SECRET}-token",
    "SESSION": f"{SECRET}-session",
    "KEY": f"{SECRET}-key",
    "PROXY": f"http://u:{SECRET}@proxy.test:1",
}
BASIC = "Basic " + base64.b64encode(ENVIRON["LOGIN"].encode()).decode()


def settings_of(**request: object) -> HostSettings:
    shop = Layer(source="shop.toml", values={}, hosts={"a.test": {"request": request}})
    return load_settings(shop, flag_layer(QUICK))


def site_of(**request: object) -> SiteRequest:
    return site_request(settings_of(**request).for_host("a.test"), ENVIRON, host="a.test")


SENT = {
    "nothing": ({}, []),
    "basic": ({"auth": "env:LOGIN"}, [("Authorization", BASIC)]),
    "bearer": ({"bearer": "env:TOKEN"}, [("Authorization", f"Bearer {SECRET}-token")]),
    "a header": ({"headers": {"X-Key": "env:KEY"}}, [("X-Key", f"{SECRET}-key")]),
    "cookies": (
        {"cookies": {"consent": "yes", "sid": "env:SESSION"}},
        [("Cookie", f"consent=yes; sid={SECRET}-session")],
    ),
}


@pytest.mark.parametrize(("request_", "sent"), SENT.values(), ids=SENT)
def test_what_is_sent_to_the_origin_of_the_list_alone(request_, sent):
    site = site_of(headers=request_.pop("headers", {}) | {"X-Lang": "de"}, **request_)
    assert site.more(is_listed_origin=True).pairs == (("X-Lang", "de"), *sent)
    assert site.more(is_listed_origin=False).pairs == (("X-Lang", "de"),)


def test_cookies_of_the_host_go_along_with_those_that_are_set():
    site = site_of(cookies={"a": "1"})
    assert site.more(is_listed_origin=True, cookie="b=2").pairs == (("Cookie", "a=1; b=2"),)
    assert site.more(is_listed_origin=False, cookie="b=2").pairs == (("Cookie", "b=2"),)


def test_a_header_of_the_site_replaces_ours():
    more = site_of(headers={"accept": "text/plain"}).more(is_listed_origin=False)
    ours = [(b"User-Agent", b"x"), (b"Accept", b"*/*")]
    assert more.over(ours) == [(b"User-Agent", b"x"), (b"accept", b"text/plain")]


def test_no_repr_tells_a_secret():
    site = site_of(auth="env:LOGIN", headers={"X-Key": "env:KEY"}, cookies={"sid": "env:SESSION"},
                   proxy="env:PROXY")  # fmt: skip
    assert SECRET not in f"{site!r} {site.more(is_listed_origin=True)!r}"
    assert "Authorization" in repr(site)


@pytest.mark.parametrize(
    ("request_", "where"),
    [
        ({"auth": "env:NO"}, "auth"),
        ({"bearer": "env:NO"}, "bearer"),
        ({"headers": {"X-Key": "env:NO"}}, "headers.X-Key"),
        ({"cookies": {"sid": "env:NO"}}, "cookies.sid"),
        ({"proxy": "env:NO"}, "proxy"),
    ],
)
def test_a_variable_that_is_missing_is_told_by_name_and_place(request_, where):
    told = f'hosts."a.test".request.{where}: the environment variable NO is not set'
    with pytest.raises(ConfigError, match="environment variable") as caught:
        check_credentials(settings_of(**request_), ENVIRON)
    assert str(caught.value) == told


@pytest.mark.parametrize("value", [f"{SECRET}\r\nX: y", f"{SECRET}\n", f"{SECRET}é", f"\0{SECRET}"])
def test_a_variable_that_can_not_be_sent_is_told_without_its_value(value):
    with pytest.raises(ConfigError, match="can't be sent") as caught:
        check_credentials(settings_of(bearer="env:TOKEN"), {"TOKEN": value})
    assert SECRET not in str(caught.value)


def test_the_proxy_of_all_hosts_may_be_in_the_environment():
    assert proxy_url("env:PROXY", ENVIRON) == ENVIRON["PROXY"]
    assert proxy_url("http://p.test:1", {}) == "http://p.test:1"
    assert proxy_url(None, {}) is None
    with pytest.raises(ConfigError, match=r"http\.proxy: the environment variable PROXY"):
        check_credentials(load_settings(flag_layer(["http.proxy=env:PROXY"])), {})


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


@pytest.fixture
def environ(monkeypatch):
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)


FLAGS = (
    "hosts.a.test.request.auth=env:LOGIN",
    'hosts.a.test.request.headers={X-Lang = "de", X-Key = "env:KEY"}',
    'hosts.a.test.request.cookies={sid = "env:SESSION"}',
)
TOLD = {"authorization": BASIC, "x-key": f"{SECRET}-key", "cookie": f"sid={SECRET}-session"}


def told_to(site: Website) -> dict[str, dict[str, str]]:
    """What of ours the website heard, by URL."""
    return {a.url: {n: v for n, v in a.headers.items() if n in {*TOLD, "x-lang"}} for a in site.log}


@pytest.mark.anyio
@pytest.mark.usefixtures("environ")
async def test_no_secret_is_in_anything_that_a_run_writes(store):
    urls = ["http://a.test/1", "http://a.test/2", "http://b.test/"]
    info = plan(store, urls, *FLAGS, "robots.obey=true", "http.cookies=run")
    site = website(
        {
            urls[0]: page(),
            urls[1]: httpx.ReadError("lost"),
            urls[2]: page(),
        }
    )
    (job,) = jobs(info, store)
    await run_batch(site, info, store, job)

    assert reasons(store, job) == {urls[0]: "ok", urls[1]: "connection_lost", urls[2]: "ok"}
    assert told_to(site)[urls[0]] == TOLD | {"x-lang": "de"}
    assert told_to(site)[urls[2]] == {}
    assert told_to(site)["http://a.test/robots.txt"] == {"x-lang": "de"}
    written = [path for path in Path(store.url).rglob("*") if path.is_file()]
    texts = [_unpacked(path) for path in written]
    assert any(b"Authorization: [redacted]" in text for text in texts)
    for text in texts:
        assert SECRET.encode() not in text
        assert BASIC.removeprefix("Basic ").encode() not in text
    run_json = store.get(run_key(info.run, "run.json"))
    assert b'"env:LOGIN"' in (run_json or b"")


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.name.endswith(".gz") else data


REDIRECTS = {
    "the same origin": ("http://a.test/", "http://a.test/2", TOLD),
    "its secure form": ("http://a.test/", "https://a.test/2", TOLD),
    "its insecure form": ("https://a.test/", "http://a.test/2", {}),
    "another port": ("http://a.test/", "http://a.test:8080/2", {}),
    "a host below it": ("http://a.test/", "http://www.a.test/2", {}),
    "another host": ("http://a.test/", "http://b.test/2", None),
}


@pytest.mark.anyio
@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(("first", "target", "told"), REDIRECTS.values(), ids=REDIRECTS)
async def test_credentials_stay_at_the_origin_of_the_list(store, first, target, told):
    info = plan(store, [first], *FLAGS)
    site = website({first: moved(target), target: page()})
    (job,) = jobs(info, store)
    await run_batch(site, info, store, job)

    assert told_to(site)[first] == TOLD | {"x-lang": "de"}
    assert told_to(site)[target] == ({} if told is None else told | {"x-lang": "de"})


@pytest.mark.anyio
async def test_nothing_begins_without_what_the_settings_name(store, monkeypatch):
    with pytest.raises(ConfigError, match="is not set"):
        plan(store, ["http://a.test/"], *FLAGS)
    assert store.list("") == []
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    info = plan(store, ["http://a.test/"], *FLAGS)
    monkeypatch.delenv("LOGIN")
    with pytest.raises(ConfigError, match="is not set"):
        async with session_on(website({}), info, store):
            pass
    with pytest.raises(ConfigError, match="is not set"):
        async with open_lone_fetcher(info.settings):
            pass
