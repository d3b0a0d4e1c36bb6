"""Parse: a row whose attempts are over becomes its lines, by way of its page in the archive.

In: a `ParseJob`. Out: a `Parsed`. Poll calls it where it runs, or has a process beside it call it;
the lines are the same to the byte.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace

from scraper.archive import read_page
from scraper.conclude import conclude
from scraper.models import Reason
from scraper.parsing import Parsed, ParseJob
from scraper.parts import MAX_LINE_BYTES, packed
from scraper.rules import SiteRule, rule_for
from scraper.store import Store

__all__ = ["parse", "parse_failed", "parse_inline", "without_page"]

_PAGES_BETWEEN_YIELDS = 4
"""Pages parsed before the loop that fetches for other batches gets its turn."""


def parse(store: Store, sites: Sequence[SiteRule], job: ParseJob) -> Parsed:
    """The lines of one row.

    Raises:
        StoreError: the archive can't be read.
    """
    if job.place is None:
        return without_page(job)
    last = job.last
    page = read_page(store, job.place, last, max_bytes=job.max_bytes, copy=job.copy)
    rule = rule_for(last.final_url or last.url, sites)
    outcome, items = conclude(
        job.seed, last, page, rule=rule, batch=job.batch, obey_tags=job.obey_tags
    )
    lines = tuple(packed({"_row": job.seed.row, "stale": False} | item) for item in items)
    longest = max(map(len, lines), default=0)
    if longest > MAX_LINE_BYTES:
        detail = f"an item of {longest} bytes, {MAX_LINE_BYTES} are the most"
        outcome = replace(outcome, reason=Reason.PARSE, items=0, detail=detail, item_sha256=None)
        lines = ()
    return Parsed(outcome=packed(outcome.as_line()), items=lines)


def parse_failed(job: ParseJob, detail: str) -> Parsed:
    """The line of a row whose page can't be parsed at all. Raises: nothing."""
    return without_page(replace(job, last=replace(job.last, reason=Reason.PARSE, detail=detail)))


def without_page(job: ParseJob) -> Parsed:
    """The line of a row that has no page: its last attempt says all. Raises: nothing."""
    outcome, _ = conclude(job.seed, job.last, None, rule=None, batch=job.batch)
    return Parsed(outcome=packed(outcome.as_line()))


async def parse_inline(
    store: Store, sites: Sequence[SiteRule], jobs: Iterable[ParseJob]
) -> AsyncGenerator[Parsed, None]:
    """Parse in the running loop, which gets its turn every few pages.

    Raises:
        StoreError: the archive can't be read.
    """
    for place, job in enumerate(jobs):
        yield parse(store, sites, job)
        if place % _PAGES_BETWEEN_YIELDS == 0:
            await asyncio.sleep(0)
