import errno
import gzip
import socket
import ssl
from dataclasses import replace
from itertools import pairwise

import httpx
import pytest

from scraper.demo import serve_demo
from scraper.demo.site import HOSTS, troubles
from scraper.fetch.answers import BodyCut
from scraper.layout import batch_key
from scraper.models import BatchJob, BatchResult
from scraper.plan.cut import load_wave
from scraper.plan.waves import next_wave
from scraper.poll import poll
from scraper.rules import SiteRule
from scraper.run import RunInfo
from scraper.session import open_session
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.submit import submit
from tests.scraper.batches import (
    Website,
    jobs,
    moved,
    outcomes,
    page,
    part_of,
    plan,
    reasons,
    response,
    robots_txt,
    run_batch,
    session_on,
    store_in,
    website,
)
from tests.scraper.polled import ROWS, URL, polled

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


def unconnected(cause: Exception) -> httpx.ConnectError:
    error = httpx.ConnectError("no")
    error.__cause__ = cause
    return error


def large() -> httpx.Response:
    return httpx.Response(200, content=b"x" * 2000)


def undecodable() -> httpx.Response:
    return httpx.Response(200, headers={"Content-Encoding": "zstd"}, content=b"x")


def torn() -> httpx.Response:
    body = httpx.ByteStream(gzip.compress(b"x" * 500)[:-5])
    return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=body)


# What is answered in turn, how often it is asked for, and the final reason.
RETRIES = {
    "ok": ([page()], 1, "ok"),
    "ok at last": ([response(503), httpx.ReadTimeout("slow"), page()], 3, "ok"),
    "too late": ([response(503)] * 3 + [page()], 3, "http_5xx"),
    "404": ([response(404)], 1, "http_4xx"),
    "404 at last": ([response(503), response(404)], 2, "http_4xx"),
    "408": ([response(408)], 3, "http_4xx"),
    "425": ([response(425)], 3, "http_4xx"),
    "429": ([response(429)], 3, "http_429"),
    "500": ([response(500)], 3, "http_5xx"),
    "501": ([response(501)], 1, "http_5xx"),
    "502": ([response(502)], 3, "http_5xx"),
    "503": ([response(503)], 3, "http_5xx"),
    "504": ([response(504)], 3, "http_5xx"),
    "505": ([response(505)], 1, "http_5xx"),
    "202": ([response(202)], 3, "not_ready"),
    "204": ([response(204)], 1, "no_content"),
    "304": ([httpx.Response(304)], 1, "http_other"),
    "999": ([httpx.Response(999)], 1, "http_other"),
    "empty": ([response(200, "")], 1, "no_content"),
    "timeout": ([httpx.ReadTimeout("slow")], 3, "timeout"),
    "connect timeout": ([httpx.ConnectTimeout("slow")], 3, "timeout"),
    "refused": ([unconnected(OSError(errno.ECONNREFUSED, "no"))], 3, "connect"),
    "dns": ([unconnected(socket.gaierror(socket.EAI_NONAME, "no"))], 3, "dns"),
    "tls": ([unconnected(ssl.SSLCertVerificationError("no"))], 1, "tls"),
    "reset": ([httpx.ReadError("reset")], 3, "connection_lost"),
    "protocol": ([httpx.RemoteProtocolError("odd")], 3, "protocol"),
    "short": ([BodyCut("short")], 3, "truncated"),
    "short gzip": ([torn()], 3, "truncated"),
    "too large": ([large()], 1, "too_large"),
    "undecodable": ([undecodable()], 1, "decoding"),
    "loop": ([moved("/1")], 1, "redirect_loop"),
    "bad redirect": ([moved("javascript:alert(1)")], 1, "bad_redirect"),
    "private": ([moved("http://10.0.0.1/")], 1, "blocked_address"),
    "long Retry-After": ([response(503, retry_after="301")], 1, "deferred"),
    "image": ([httpx.Response(200, headers={"Content-Type": "image/png"}, content=b"x")], 1,
              "unwanted_type"),
}  # fmt: skip


@pytest.mark.parametrize(("answers", "asked", "reason"), RETRIES.values(), ids=RETRIES)
async def test_exactly_what_is_transient_is_asked_for_again(store, answers, asked, reason):
    info = plan(store, [URL], "http.max_body_bytes=1000")
    (job,) = jobs(info, store)
    site = website({URL: answers})

    result = await run_batch(site, info, store, job)

    (outcome,) = outcomes(store, job).values()
    assert site.urls == [URL] * asked
    assert (outcome["reason"], outcome["attempts"]) == (reason, asked)
    assert result == BatchResult(batch=job.batch, outcomes=1, items=int(reason == "ok"))


async def test_a_deadline_is_tried_again(store):
    info = plan(store, [URL], "http.deadline_s=0.02")
    site = website({URL: page()}, latency_s=10)

    await run_batch(site, info, store, jobs(info, store)[0])

    assert reasons(store, jobs(info, store)[0]) == {URL: "deadline"}
    assert len(site.log) == 3


async def test_robots_txt_is_asked_for_once_more_in_poll(store):
    info = plan(store, ROWS, "robots.obey=true", "retry.attempts=5")
    (job,) = jobs(info, store)
    site = website({"http://a.test/robots.txt": response(503)})

    await run_batch(site, info, store, job)

    assert set(reasons(store, job).values()) == {"robots_unreachable"}
    assert site.urls == ["http://a.test/robots.txt"] * 2


async def test_robots_txt_that_answers_in_poll_opens_its_pages(store):
    info = plan(store, ROWS, "robots.obey=true")
    (job,) = jobs(info, store)
    allowed = {url: page() for url in ROWS}
    site = website({"http://a.test/robots.txt": [response(503), robots_txt()]} | allowed)

    await run_batch(site, info, store, job)

    assert set(reasons(store, job).values()) == {"ok"}
    assert sorted(site.urls) == sorted(["http://a.test/robots.txt"] * 2 + ROWS)


async def test_one_attempt_means_no_poll(store):
    info = plan(store, [URL], "retry.attempts=1")
    (job,) = jobs(info, store)
    site = website({URL: response(503)})

    await run_batch(site, info, store, job)

    assert site.urls == [URL]
    assert outcomes(store, job)[URL]["attempts"] == 1


async def test_poll_without_submit_does_it_all(store):
    info = plan(store, [URL, "http://b.test/"])
    site = website({URL: [response(503), page()]})

    result = await polled(site, info, store)

    assert (result.outcomes, result.items) == (2, 1)
    assert sorted(site.urls) == [URL, URL, "http://b.test/"]


class ShortSleeps(StopFlag):
    """Notes what was to be slept, and sleeps 0.06 s at most."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(min(seconds, 0.06))


@pytest.mark.usefixtures("unpaused")
async def test_retry_after_beats_the_backoff(store, monkeypatch):
    monkeypatch.setattr("scraper.fetch.hops.parse_retry_after", lambda text, _now: text and 0.05)
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    stop = ShortSleeps()
    info = plan(store, [URL], "retry.max_wait_s=60")
    (job,) = jobs(info, store)
    site = website({URL: [response(503, retry_after="x")] * 2 + [page()]})

    async with session_on(site, info, store, stop=stop) as session:
        await submit(session, job)
        await poll(session, job)

    times = site.times_s("a.test")
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.04
    assert max(stop.slept) <= 0.05


async def test_without_a_word_the_backoff_grows(store, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    stop = ShortSleeps()
    info = plan(store, [URL], "retry.max_wait_s=3", "retry.attempts=5")
    (job,) = jobs(info, store)
    site = website({URL: response(503)})

    async with session_on(site, info, store, stop=stop) as session:
        await submit(session, job)
        await poll(session, job)

    assert stop.slept == [1, 2, 3, 3]


async def test_attempts_add_up_over_lives(store):
    info = plan(store, [URL], "retry.attempts=4")
    (job,) = jobs(info, store)
    stops = [StopFlag() for _ in range(3)]
    sites = [website({URL: response(503)}) for _ in range(4)]
    for site, stop in zip(sites, stops, strict=False):
        site.before = lambda _url, stop=stop: stop.set()
        result = await polled(site, info, store, stop=stop)
        assert result == BatchResult(batch=job.batch, stopped=True)

    result = await polled(sites[3], info, store)

    assert [len(site.log) for site in sites] == [1, 1, 1, 1]
    assert result == BatchResult(batch=job.batch, outcomes=1)
    assert outcomes(store, job)[URL]["attempts"] == 4


async def test_a_stopped_poll_writes_no_part_and_a_later_one_finishes(store):
    info = plan(store, ROWS)
    (job,) = jobs(info, store)
    stop = StopFlag()
    first, second = (website({url: page() for url in ROWS}) for _ in range(2))
    first.before = lambda _url: stop.set() if len(first.log) == 2 else None

    stopped = await polled(first, info, store, stop=stop)
    left = {key.rsplit("/", 1)[1] for key in store.list(batch_key(job.run, job.batch))}
    finished = await polled(second, info, store)

    assert stopped == BatchResult(batch=job.batch, stopped=True)
    assert left == {"seeds.parquet", "archive-00001.warc.gz"}
    assert finished == BatchResult(batch=job.batch, outcomes=5, items=5)
    assert first.urls + second.urls == ROWS


async def run_waves(site: Website, info: RunInfo, store: Store) -> list[list[BatchJob]]:
    """All waves of a run, to the end."""
    waves = [jobs(info, store)]
    wave = load_wave(store, info.run, 1)
    while wave is not None:
        for job in waves[-1]:
            await run_batch(site, info, store, job)
        wave = next_wave(info, store, wave)
        if wave is not None:
            waves.append(jobs(info, store, wave.number))
        assert len(waves) < 6, "waves without end"
    return waves


async def test_a_redirect_out_of_the_partition_ends_in_the_next_wave(store):
    old, new = (
        [f"http://old.test/{n}" for n in range(6)],
        [f"http://new.test/{n}" for n in range(7)],
    )
    info = plan(store, old + new, "batch.size=7", "batch.max_in_flight=2", "robots.obey=true")
    site = website(dict(zip(old, map(moved, new), strict=False)) | {url: page() for url in new})

    waves = await run_waves(site, info, store)

    lines = [line for wave in waves for job in wave for line in part_of(store, job, "outcomes")]
    assert len(waves) == 2
    assert sorted(str(line["url"]) for line in lines) == sorted(old + new)
    assert {(line["reason"], line["attempts"]) for line in lines} == {("ok", 1)}
    assert site.urls.count("http://new.test/robots.txt") == 1


async def test_a_host_that_asks_for_a_while_is_waited_for_in_the_next_wave(store):
    info = plan(store, [*ROWS, "http://b.test/"])
    site = website({url: page() for url in ROWS})
    site.answers[ROWS[0]] = [response(503, retry_after="1"), page()]

    first, second = await run_waves(site, info, store)

    assert set(reasons(store, first[0])) == {"http://b.test/"}
    assert set(reasons(store, second[0]).values()) == {"ok"}
    assert outcomes(store, second[0])[ROWS[0]]["attempts"] == 2
    assert sorted(site.urls) == sorted([*ROWS, ROWS[0], "http://b.test/"])
    held, again = site.times_s("a.test")[:2]
    assert again - held >= 0.99


@pytest.mark.parametrize("attempts", [1, 2, 5])
async def test_a_hosts_own_number_of_attempts_makes_no_endless_waves(store, attempts):
    info = plan(store, [URL], f"hosts.a.test.retry.attempts={attempts}")
    site = website({URL: response(503)})

    (wave,) = await run_waves(site, info, store)

    assert len(site.log) == attempts
    assert outcomes(store, wave[0])[URL]["attempts"] == attempts


@pytest.mark.sockets
async def test_the_demo_sites_troubles_end_as_they_should(store):
    with serve_demo(0) as server:
        expected = {
            f"http://{HOSTS[shop - 1]}:{server.port}{trouble.path}": trouble.ends_as.value
            for trouble in troubles(server.port)
            for shop in trouble.shops
        }
        rule = {
            "name": "demo",
            "hosts": ["localhost"],
            "fields": {"name": {"css": "h1", "required": True}},
        }
        info = plan(
            store,
            expected,
            "network.allow=127.0.0.0/8",
            "robots.obey=true",
            "retry.max_wait_s=2",
            sites=[SiteRule.model_validate(rule)],
        )
        (job,) = jobs(info, store)
        async with open_session(info, store) as session:
            await submit(session, job)
            asked = len(server.requests)
            await submit(session, job)
            assert len(server.requests) == asked
            result = await poll(session, job)

    assert reasons(store, job) == expected
    assert result.outcomes == len(expected)
    paths = [(request.host, request.path) for request in server.requests]
    assert ("shop-1.localhost", "/private/stock.html") not in paths
    assert max(paths.count(path) for path in set(paths)) == 3


async def test_attempts_add_up_over_waves(store):
    rows = ["http://old.test/", "http://new.test/"]
    info = plan(store, rows, "batch.size=1", "batch.max_in_flight=2")
    site = website(
        {
            rows[0]: [response(503), response(503), moved("http://new.test/x")],
            rows[1]: page(),
            "http://new.test/x": response(503),
        }
    )

    waves = await run_waves(site, info, store)

    (outcome,) = outcomes(store, waves[1][0]).values()
    assert (outcome["reason"], outcome["attempts"], outcome["host"]) == ("http_5xx", 3, "old.test")
    assert site.urls.count("http://new.test/x") == 1


async def test_the_last_wave_leaves_nothing_over(store):
    info = plan(store, [URL, "http://a.test/2"], "http.max_redirects=2", "retry.attempts=2")
    (first,) = jobs(info, store)
    last = replace(first, batch="5-0001-00001", alone=False)
    parts = [batch_key(info.run, job.batch, "seeds.parquet") for job in (first, last)]
    store.put(parts[1], store.get(parts[0]) or b"")
    site = website({URL: moved("http://b.test/"), "http://a.test/2": response(503)})

    result = await run_batch(site, info, store, last)

    assert (result.outcomes, result.carried) == (2, 0)
    assert reasons(store, last) == {URL: "deferred", "http://a.test/2": "http_5xx"}
