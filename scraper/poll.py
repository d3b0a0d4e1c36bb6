"""Poll: those left pending are fetched again; then every page becomes items and an outcome.

In: a submitted batch. Out: its parts in the store, all of them atomically, `done.json` last:
`items.jsonl.gz`, `outcomes.jsonl.gz`, and `carried.jsonl.gz` with the rows that go on in the
next wave (a redirect that leaves the partition, a host that is held for long). On an object store
its archive becomes one part before, and pages are read from a local copy of that.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from scraper.archive import Progress
from scraper.batch import done_result, write_done
from scraper.layout import batch_key
from scraper.models import BatchJob, BatchResult, Hop, Reason, Seed
from scraper.open_batch import OpenBatch, open_batch
from scraper.parse import parse_inline
from scraper.parsing import ParseJob
from scraper.parts import PartWriter, packed
from scraper.session import Session
from scraper.stopping import Stopped
from scraper.submit import fetch_lacking, not_asked

__all__ = ["as_listed", "poll", "write_parts"]


async def poll(session: Session, job: BatchJob) -> BatchResult:
    """Finish a batch: retry, parse, write its parts. A finished one is not done again.

    Raises:
        StoreError: the store failed.
    """
    done = await asyncio.to_thread(done_result, session.store, job)
    if done is not None:
        return done
    async with open_batch(session, job) as batch:
        await fetch_lacking(batch)
        if batch.is_last:
            await _leave_the_rest(batch)
        await batch.archive.flush()
        if session.stop.is_set:
            return BatchResult(batch=job.batch, stopped=True)
        try:
            async with batch.archive.compacted() as copy:
                rows = partial(_at_their_end, batch, copy)
                result = await write_parts(session, job, rows)
        except Stopped:
            return BatchResult(batch=job.batch, stopped=True)
        await asyncio.to_thread(batch.save_hosts)
    await asyncio.to_thread(write_done, session.store, job, result)
    return result


async def _leave_the_rest(batch: OpenBatch) -> None:
    """Account for rows that no wave came to: there is no further one."""
    for seed in batch.seeds:
        if seed.row not in batch.archive.progress and not batch.session.stop.is_set:
            await batch.keep(not_asked(seed, Reason.DEFERRED), [])


async def write_parts(
    session: Session, job: BatchJob, rows: Callable[[PartWriter], Iterable[ParseJob]]
) -> BatchResult:
    """Write the parts of a batch, row by row, in the order of the list.

    Args:
        session: the run's.
        job: the batch.
        rows: those at their end; the others go to the part that it is given.

    Raises:
        Stopped: the run is being stopped; nothing was written.
        StoreError: the store failed.
    """
    async with session.finishing:
        return await _written(session, job, rows)


async def _written(
    session: Session, job: BatchJob, rows: Callable[[PartWriter], Iterable[ParseJob]]
) -> BatchResult:
    parse = session.parse or partial(parse_inline, session.store, session.info.sites)
    with PartWriter() as items, PartWriter() as outcomes, PartWriter() as carried:
        async with aclosing(parse(rows(carried))) as parsed:
            async for row in parsed:
                session.tally["outcomes"] += 1
                outcomes.write(row.outcome)
                for line in row.items:
                    items.write(line)
                session.stop.check()
        for name, part in (("items", items), ("outcomes", outcomes), ("carried", carried)):
            key = batch_key(job.run, job.batch, f"{name}.jsonl.gz")
            await asyncio.to_thread(part.put, session.store, key)
    return BatchResult(
        batch=job.batch,
        outcomes=outcomes.lines,
        carried=carried.lines,
        items=items.lines,
    )


def _at_their_end(batch: OpenBatch, copy: Path | None, carried: PartWriter) -> Iterator[ParseJob]:
    """The rows whose attempts are over, in the order of the list; the others are carried on."""
    for seed in sorted(batch.seeds, key=lambda seed: seed.row):
        progress = batch.archive.progress.get(seed.row)
        going_on = _goes_on(batch, seed, progress)
        if going_on is not None:
            carried.write(packed(going_on))
            continue
        assert progress is not None
        settings = batch.session.info.settings.for_host(seed.host)
        yield ParseJob(
            seed=as_listed(seed, batch.session.info.renamed),
            last=progress.last,
            place=progress.place,
            batch=batch.job.batch,
            max_bytes=settings.http.max_body_bytes,
            obey_tags=settings.robots.obey_page_tags,
            copy=copy,
        )


def _goes_on(batch: OpenBatch, seed: Seed, progress: Progress | None) -> dict[str, object] | None:
    """What the next wave needs of a row that isn't at its end yet."""
    if progress is None:
        return _carried(seed, seed.fetch_url, seed.redirects, seed.attempts)
    last = progress.last
    if batch.is_last:
        return None
    if last.carry_to is not None:
        # The attempt goes on there: it is not counted twice.
        return _carried(seed, last.carry_to, last.redirects, last.number - 1)
    attempts = batch.session.info.settings.for_host(seed.host).retry.attempts
    if last.is_pending and last.number < attempts and batch.may_retry(seed):
        return _carried(seed, seed.fetch_url, seed.redirects, last.number)
    return None


def _carried(
    seed: Seed, fetch_url: str, redirects: tuple[Hop, ...], attempts: int
) -> dict[str, object]:
    return {
        "row": seed.row,
        "fetch_url": fetch_url,
        "redirects": [asdict(hop) for hop in redirects],
        "attempts": attempts,
    }


def as_listed(seed: Seed, renamed: Mapping[str, str]) -> Seed:
    """The seed with its columns under the names that they have in the list. Raises: nothing."""
    if not renamed:
        return seed
    columns = {renamed.get(name, name): value for name, value in seed.columns.items()}
    return replace(seed, columns=columns)
