import asyncio
import gzip
from pathlib import Path

import httpx
import pytest

import scraper.conclude
import scraper.extract.page
import scraper.parse
import scraper.poll
from scraper.batch import done_result
from scraper.errors import StoreError
from scraper.fetch.conditions import payload_digest
from scraper.layout import batch_key, hosts_key
from scraper.models import BatchResult
from scraper.poll import poll
from scraper.rules import SiteRule
from scraper.store import Store
from scraper.submit import submit
from tests.scraper.batches import (
    jobs,
    moved,
    outcomes,
    page,
    part_of,
    plan,
    reasons,
    response,
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
        hosts_key(job.run, "1-0001"),  # submit's
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
    known = {"fetched_at", "elapsed_s", "content_sha256", "item_sha256"}
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
        "etag": None,
        "last_modified": None,
        "payload_digest": payload_digest(body),
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

    monkeypatch.setattr(scraper.parse, "conclude", conclude)
    site = website({url: page() for url in rows})
    async with session_on(site, info, store) as session:
        await submit(session, job)
        task = asyncio.create_task(count())
        await poll(session, job)
        task.cancel()

    assert len(seen) >= 10


@pytest.mark.parametrize(
    ("flags", "reason", "items"),
    [((), "ok", 1), (("hosts.a.test.robots.obey_page_tags=true",), "robots_disallowed", 0)],
    ids=["by default", "as set"],
)
async def test_what_a_page_says_of_itself_counts_if_that_is_set(store, flags, reason, items):
    url = "http://a.test/1"
    info = plan(store, [url], *flags)
    (job,) = jobs(info, store)
    site = website({url: response(200, "<title>x</title>", x_robots_tag="noindex")})

    result = await run_batch(site, info, store, job)

    assert reasons(store, job) == {url: reason}
    assert result.items == items
