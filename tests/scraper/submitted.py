"""Submitted batches for tests, and ways to end one half-way."""

from collections.abc import Callable

from scraper.archive import Archive
from scraper.layout import batch_key
from scraper.models import Attempt, BatchJob, PhaseResult
from scraper.run import RunInfo
from scraper.settings_table import Archive as ArchiveSettings
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.submit import submit
from tests.scraper.batches import (
    Website,
    jobs,
    page,
    session_on,
    website,
)

ROWS = [f"http://a.test/{n}" for n in range(6)]
SPREAD = [f"http://{host}.test/{n}" for n in range(5) for host in "abcd"]


class Bug(RuntimeError):
    pass


def pages_at(urls: list[str]) -> Website:
    return website({url: page(url) for url in urls})


def archived(store: Store, job: BatchJob) -> dict[int, Attempt]:
    """What a batch's archive has: the last attempt of each row."""
    archive = Archive(store, batch_key(job.run, job.batch), ArchiveSettings(), software="x")
    archive.recover()
    return {row: progress.last for row, progress in archive.progress.items()}


async def submitted(
    site: Website, info: RunInfo, store: Store, *, stop: StopFlag | None = None
) -> PhaseResult:
    (job,) = jobs(info, store)
    async with session_on(site, info, store, stop=stop) as session:
        return await submit(session, job)


def at_request(number: int, site: Website, act: Callable[[], object]) -> None:
    """Do something when the website is asked for the so-manieth time."""

    def before(_url: str) -> None:
        if len(site.log) == number:
            act()

    site.before = before


def fail() -> None:
    raise Bug("killed here")
