"""Reparse: every page of a batch becomes items and an outcome again, by today's rules.

In: a planned batch of a reparse; the archive of the batch, of an earlier run, that fetched its
pages. Out: the parts of a batch, as `poll` writes them. Nothing is asked of the web; an object
store is asked for each part of that archive once.
"""

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from scraper.archive import Progress
from scraper.archive.progress import local_parts, read_progress
from scraper.batch import done_result, write_done
from scraper.layout import batch_key
from scraper.models import BatchJob, BatchResult, Seed
from scraper.parsing import ParseJob
from scraper.parts import PartWriter
from scraper.plan.part import read_seeds_part
from scraper.plan.reparse import Source, read_source
from scraper.poll import as_listed, write_parts
from scraper.session import Session
from scraper.stopping import Stopped

__all__ = ["reparse"]

_ANY_SIZE = 1 << 40
"""A page that is in the archive was under the cap of its time."""


async def reparse(session: Session, job: BatchJob) -> BatchResult:
    """Parse the pages of a batch again and write its parts. A finished one is not done again.

    Raises:
        StoreError: the store failed, or an archive is gone.
    """
    store = session.store
    done = await asyncio.to_thread(done_result, store, job)
    if done is not None:
        return done
    source = await asyncio.to_thread(read_source, store, job.run, job.batch)
    seeds = await asyncio.to_thread(read_seeds_part, store, job.run, job.batch)
    session.tally["asked"] += len(seeds)
    with TemporaryDirectory(prefix="scraper-") as scratch:
        folder = batch_key(source.run, source.batch)
        parts = await asyncio.to_thread(local_parts, store, folder, Path(scratch))
        progress = await asyncio.to_thread(read_progress, parts)
        rows = partial(
            _rows, session, job, seeds=seeds, source=source, progress=progress, parts=parts
        )
        try:
            result = await write_parts(session, job, rows)
        except Stopped:
            return BatchResult(batch=job.batch, stopped=True)
    await asyncio.to_thread(write_done, store, job, result)
    return result


def _rows(
    session: Session,
    job: BatchJob,
    _carried: PartWriter,
    *,
    seeds: list[Seed],
    source: Source,
    progress: Mapping[int, Progress],
    parts: Mapping[str, Path],
) -> Iterator[ParseJob]:
    """The rows that the archive knows, in the order of the list; the others stay as they were."""
    for seed in sorted(seeds, key=lambda seed: seed.row):
        known = progress.get(source.rows[seed.row])
        if known is not None:
            settings = session.info.settings.for_host(seed.host)
            yield ParseJob(
                seed=as_listed(seed, session.info.renamed),
                last=known.last,
                place=known.place,
                batch=job.batch,
                max_bytes=_ANY_SIZE,
                obey_tags=settings.robots.obey_page_tags,
                copy=parts[known.place.part] if known.place is not None else None,
            )
