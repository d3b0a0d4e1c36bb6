import asyncio
import errno
import gzip
import socket
import ssl
import time
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

import scraper.conclude
import scraper.extract.page
import scraper.poll
from scraper.batch import done_result
from scraper.demo import serve_demo
from scraper.demo.site import HOSTS, troubles
from scraper.errors import StoreError
from scraper.fetch.answers import BodyCut
from scraper.layout import batch_key, hosts_key
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

pytestmark = pytest.mark.anyio

URL = "http://a.test/1"
ROWS = [f"http://a.test/{n}" for n in range(5)]


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


async def polled(
    site: Website, info: RunInfo, store: Store, *, stop: StopFlag | None = None
) -> BatchResult:
    (job,) = jobs(info, store)
    async with session_on(site, info, store, stop=stop) as session:
        return await poll(session, job)


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
    """Notes what was slept, and sleeps a tenth of a second at most."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(min(seconds, 0.1))


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
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.045
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


def snapshot(store: Store) -> dict[str, tuple[bytes, int]]:
    files = (path for path in Path(store.url).rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


async def test_a_batch_that_is_done_is_not_done_again(store):
    info = plan(store, ROWS)
    (job,) = jobs(info, store)
    site = website({url: page() for url in ROWS})
    first = await run_batch(site, info, store, job)
    before, asked = snapshot(store), len(site.log)

    again = await polled(site, info, store)

    assert again == first == done_result(store, job)
    assert len(site.log) == asked
    assert snapshot(store) == before


async def test_done_is_written_last_and_each_part_in_one_piece(store, monkeypatch):
    info = plan(store, ROWS)
    (job,) = jobs(info, store)
    site = website({ROWS[0]: page(), ROWS[1]: response(429, retry_after="100")})
    keys: list[str] = []
    put = store.put
    monkeypatch.setattr(store, "put", lambda key, data: (keys.append(key), put(key, data)))

    await run_batch(site, info, store, job)

    names = ("items.jsonl.gz", "outcomes.jsonl.gz", "carried.jsonl.gz")
    assert keys == [
        *(batch_key(job.run, job.batch, name) for name in names),
        hosts_key(job.run, "1-0001"),
        batch_key(job.run, job.batch, "done.json"),
    ]


async def test_a_crash_before_the_end_asks_nothing_again(store, monkeypatch):
    info = plan(store, ROWS)
    (job,) = jobs(info, store)
    site = website({url: page() for url in ROWS})

    def fail(*_: object) -> None:
        raise StoreError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(scraper.poll, "write_done", fail)
        with pytest.raises(StoreError, match="gone"):
            await run_batch(site, info, store, job)
    assert done_result(store, job) is None

    assert await polled(site, info, store) == BatchResult(batch=job.batch, outcomes=5, items=5)
    assert site.urls == ROWS
    assert len(part_of(store, job, "items")) == 5


async def test_a_part_of_a_crashed_life_does_not_stay(store):
    info = plan(store, [URL])
    (job,) = jobs(info, store)
    for name in ("items", "carried"):
        store.put(batch_key(job.run, job.batch, f"{name}.jsonl.gz"), gzip.compress(b'{"row":1}\n'))

    await run_batch(website({}), info, store, job)

    assert len(outcomes(store, job)) == 1
    assert part_of(store, job, "items") == part_of(store, job, "carried") == []


async def test_an_outcome_says_all_that_is_known(store):
    info = plan(store, [{"url": "http://A.test/1", "sku": 7}])
    (job,) = jobs(info, store)
    target = "http://a.test/2"
    site = website({URL: moved("/2", 301), target: [response(503), page("hello")]})

    await run_batch(site, info, store, job)

    (outcome,) = part_of(store, job, "outcomes")
    body = page("hello").content
    known = {"fetched_at", "elapsed_s", "content_sha256"}
    assert {key: value for key, value in outcome.items() if key not in known} == {
        "row": 1,
        "url": "http://A.test/1",
        "final_url": target,
        "host": "a.test",
        "status": "ok",
        "reason": "ok",
        "http_status": 200,
        "attempts": 2,
        "redirects": [{"url": URL, "status": 301}],
        "bytes": len(body),
        "wire_bytes": len(body),
        "content_type": "text/html; charset=utf-8",
        "charset": "utf-8",
        "items": 1,
        "detail": "",
        "batch": job.batch,
    }
    assert str(outcome["fetched_at"]).endswith("Z")
    (item,) = part_of(store, job, "items")
    assert (item["_row"], item["url"], item["final_url"], item["title"]) == (
        1,
        "http://A.test/1",
        target,
        "hello",
    )
    assert item["fetched_at"] == outcome["fetched_at"]


async def test_the_parts_are_in_the_order_of_the_list(store):
    rows = [f"http://{host}.test/{n}" for n in range(4) for host in "cab"]
    info = plan(store, rows)
    (job,) = jobs(info, store)

    await run_batch(website({url: page() for url in rows}), info, store, job)

    assert [line["row"] for line in part_of(store, job, "outcomes")] == list(range(1, 13))
    assert [line["_row"] for line in part_of(store, job, "items")] == list(range(1, 13))


PRICES = SiteRule.model_validate(
    {"name": "shop", "hosts": ["a.test"], "fields": {"price": {"css": "b", "type": "int"}}}
)


async def test_what_one_page_does_to_its_rule_costs_that_page_only(store):
    prices = {"0": "ok", "cheap": "parse", "9" * 30: "parse", "2": "ok"}
    info = plan(store, ROWS[:4], sites=[PRICES])
    (job,) = jobs(info, store)
    table = zip(ROWS, prices, strict=False)
    site = website({url: response(200, f"<b>{price}</b>") for url, price in table})

    result = await run_batch(site, info, store, job)

    assert list(reasons(store, job).values()) == list(prices.values())
    assert result == BatchResult(batch=job.batch, outcomes=4, items=2)


@pytest.mark.parametrize("error", [ZeroDivisionError, RecursionError, MemoryError, KeyError])
async def test_an_error_of_the_extraction_costs_one_page_only(store, monkeypatch, error):
    info = plan(store, ROWS)
    (job,) = jobs(info, store)
    extract = scraper.extract.page.generic_fields

    def sometimes(tree: object, url: str) -> dict[str, object]:
        if url == ROWS[2]:
            raise error("a bug")
        return extract(tree, url)  # type: ignore[arg-type]

    monkeypatch.setattr(scraper.extract.page, "generic_fields", sometimes)
    await run_batch(website({url: page() for url in ROWS}), info, store, job)

    assert list(reasons(store, job).values()) == ["ok", "ok", "parse", "ok", "ok"]


@pytest.mark.parametrize(
    "text",
    [
        "<title>&#xD800;&#xDFFF;</title>\0<p>\0",
        '<script type="application/ld+json">{"a": 1e999, "b": 99999999999999999999999}</script>x',
        "<p>" * 3000,
        "\ufeff<title>BOM</title>",
    ],
    ids=["surrogates", "large numbers", "deep", "BOM"],
)
async def test_odd_pages_come_to_an_outcome(store, text):
    info = plan(store, ROWS[:2])
    (job,) = jobs(info, store)

    await run_batch(website({ROWS[0]: response(200, text), ROWS[1]: page()}), info, store, job)

    assert len(part_of(store, job, "outcomes")) == 2
    assert reasons(store, job)[ROWS[1]] == "ok"


async def test_two_codings_in_two_headers_cost_no_batch(store):
    info = plan(store, ROWS[:2])
    (job,) = jobs(info, store)
    twice = gzip.compress(gzip.compress(b"<title>twice</title>"))
    headers = [("Content-Encoding", "deflate, gzip"), ("Content-Encoding", "gzip")]
    odd = httpx.Response(
        200, headers=[("Content-Encoding", "gzip")] * 2, stream=httpx.ByteStream(twice)
    )
    odder = httpx.Response(200, headers=headers, stream=httpx.ByteStream(twice))

    await run_batch(website({ROWS[0]: odd, ROWS[1]: odder}), info, store, job)

    assert list(reasons(store, job).values()) == ["ok", "decoding"]


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
    start = time.monotonic()

    first, second = await run_waves(site, info, store)

    assert set(reasons(store, first[0])) == {"http://b.test/"}
    assert set(reasons(store, second[0]).values()) == {"ok"}
    assert outcomes(store, second[0])[ROWS[0]]["attempts"] == 2
    assert sorted(site.urls) == sorted([*ROWS, ROWS[0], "http://b.test/"])
    held, again = site.times_s("a.test")[:2]
    assert again - held >= 0.99
    assert time.monotonic() - start < 10


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


async def test_others_get_their_turn_while_pages_are_parsed(store, monkeypatch):
    rows = [f"http://a.test/{n}" for n in range(40)]
    info = plan(store, rows)
    (job,) = jobs(info, store)
    turns, seen = 0, set()

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    def conclude(*args: object, **more: object) -> object:
        seen.add(turns)
        return scraper.conclude.conclude(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(scraper.poll, "conclude", conclude)
    site = website({url: page() for url in rows})
    async with session_on(site, info, store) as session:
        await submit(session, job)
        task = asyncio.create_task(count())
        await poll(session, job)
        task.cancel()

    assert len(seen) >= 10
