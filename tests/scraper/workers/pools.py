"""Pools of real workers, and runs over the demo website for them."""

from collections import Counter
from contextlib import asynccontextmanager

from scraper.demo.crawl import list_rows
from scraper.models import Reason
from scraper.stopping import StopFlag
from scraper.workers.pool import WorkerPool
from tests.processes import module_of
from tests.scraper.batches import jobs, plan, store_in


@asynccontextmanager
async def pool_of(stop=None):
    pool = WorkerPool(stop or StopFlag())
    try:
        yield pool
    finally:
        await pool.close()


def planned(site, tmp_path, *flags, hosts=4, each=5):
    """Good pages of so many hosts, each host a partition of one batch."""
    good = [url for url, _, reason in list_rows(site.port) if reason is Reason.OK and "/p/" in url]
    rows = []
    for n in range(1, hosts + 1):
        rows += [url for url in good if f"//shop-{n}." in url][:each]
    store = store_in(tmp_path)
    info = plan(
        store, rows, "network.allow=127.0.0.0/8", f"batch.max_in_flight={hosts}",
        f"batch.size={each}", "batch.workers=2", "archive.flush_s=0.05", *flags,
    )  # fmt: skip
    found = jobs(info, store)
    assert len(found) == hosts
    return store, found


async def whole(pool, job, workers=2):
    submitted = await pool.run("submit", job, workers=workers)
    return submitted, await pool.run("poll", job, workers=workers)


def modules(pids):
    return Counter(module_of(pid) for pid in pids)


def asked(site):
    return Counter(f"http://{r.host}:{site.port}{r.path}" for r in site.requests)
