"""Polled batches for tests."""

from scraper.models import BatchResult
from scraper.poll import poll
from scraper.run import RunInfo
from scraper.stopping import StopFlag
from scraper.store import Store
from tests.scraper.batches import (
    Website,
    jobs,
    session_on,
)

URL = "http://a.test/1"
ROWS = [f"http://a.test/{n}" for n in range(5)]


async def polled(
    site: Website, info: RunInfo, store: Store, *, stop: StopFlag | None = None
) -> BatchResult:
    (job,) = jobs(info, store)
    async with session_on(site, info, store, stop=stop) as session:
        return await poll(session, job)
