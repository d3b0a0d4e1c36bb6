"""The parts of a batch of the demo website, parsed inline and beside the loop: the same bytes."""

import pytest

from scraper.crawl import resolve_crawl
from scraper.demo import serve_demo, write_demo
from scraper.layout import batch_key
from scraper.plan.prepare import prepare
from scraper.poll import poll
from scraper.session import open_session
from scraper.submit import submit
from scraper.workers.messages import Setup
from scraper.workers.parser import open_parser
from tests.scraper.batches import AT, RUN_ID, jobs, store_in

pytestmark = [pytest.mark.anyio, pytest.mark.sockets]

FLAGS = ["throttle.delay_s=0", "throttle.max_delay_s=0", "retry.max_wait_s=0.05"]
PARTS = ("items", "outcomes", "carried")


@pytest.fixture
def site():
    with serve_demo(port=0) as server:
        yield server


def parts_of(store, batches):
    keys = [batch_key(job.run, job.batch, f"{name}.jsonl.gz") for job in batches for name in PARTS]
    return {key: store.get(key) for key in keys}


async def polled(info, store, batches, parse=None):
    async with open_session(info, store, parse=parse) as session:
        return [await poll(session, job) for job in batches]


@pytest.mark.parametrize("size", ["1000", "100"], ids=["one batch", "redirects carried on"])
async def test_the_parts_are_the_same_to_the_byte(site, tmp_path, size):
    spec = resolve_crawl(
        str(write_demo(tmp_path, site.port)), flags=[*FLAGS, f"batch.size={size}"], environ={}
    )
    store = store_in(tmp_path)
    info = prepare(spec, store, RUN_ID, at=AT)
    batches = jobs(info, store)
    async with open_session(info, store) as session:
        for job in batches:
            await submit(session, job)
    inline = await polled(info, store, batches), parts_of(store, batches)
    asked = len(site.requests)
    store.delete(*inline[1], *(batch_key(job.run, job.batch, "done.json") for job in batches))

    async with open_parser(Setup(store=store.url, sites=info.sites, deadline_s=30)) as parser:
        beside = await polled(info, store, batches, parser.parse), parts_of(store, batches)

    assert beside == inline
    assert sum(result.outcomes + result.carried for result in beside[0]) == 985
    assert len(site.requests) == asked
