"""Poll: those left pending are fetched again; then every page becomes items and an outcome.

In: a submitted batch. Out: its parts in the store, all of them atomically, `done.json` last:
`items.jsonl.gz`, `outcomes.jsonl.gz`, and `carried.jsonl.gz` with the rows that go on in the
next wave (a redirect that leaves the partition, a host that is held for long).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace

from scraper.archive import Progress
from scraper.batch import done_result, write_done
from scraper.conclude import conclude
from scraper.layout import batch_key
from scraper.models import BatchJob, BatchResult, Hop, Outcome, Page, Reason, Seed
from scraper.open_batch import OpenBatch, open_batch
from scraper.parts import MAX_LINE_BYTES, PartWriter, packed
from scraper.rules import rule_for
from scraper.session import Session
from scraper.stopping import Stopped
from scraper.submit import fetch_lacking, not_asked

__all__ = ["poll"]

_PAGES_BETWEEN_YIELDS = 4
"""Pages parsed before the loop that fetches for other batches gets its turn."""


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
            result = await _conclude(batch)
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


async def _conclude(batch: OpenBatch) -> BatchResult:
    """Write the parts of a batch, row by row, in the order of the list.

    Raises:
        Stopped: the run is being stopped; nothing was written.
        StoreError: the store failed.
    """
    with PartWriter() as items, PartWriter() as outcomes, PartWriter() as carried:
        for place, seed in enumerate(sorted(batch.seeds, key=lambda seed: seed.row)):
            progress = batch.archive.progress.get(seed.row)
            going_on = _goes_on(batch, seed, progress)
            if going_on is not None:
                carried.write(packed(going_on))
                continue
            assert progress is not None
            outcome, lines = _final(batch, seed, progress)
            batch.session.tally["outcomes"] += 1
            outcomes.write(packed(outcome.as_line()))
            for line in lines:
                items.write(line)
            batch.session.stop.check()
            if place % _PAGES_BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)
        for name, part in (("items", items), ("outcomes", outcomes), ("carried", carried)):
            key = batch_key(batch.job.run, batch.job.batch, f"{name}.jsonl.gz")
            await asyncio.to_thread(part.put, batch.session.store, key)
    return BatchResult(
        batch=batch.job.batch,
        outcomes=outcomes.lines,
        carried=carried.lines,
        items=items.lines,
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
    if last.is_pending and last.number < attempts and batch.refused(seed) is None:
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


def _final(batch: OpenBatch, seed: Seed, progress: Progress) -> tuple[Outcome, list[bytes]]:
    """The outcome of a row whose attempts are over, and its items as lines."""
    last = progress.last
    outcome, items = conclude(
        _as_listed(seed, batch.session.info.renamed),
        last,
        _page(batch, seed, progress),
        rule=rule_for(last.final_url or last.url, batch.session.info.sites),
        batch=batch.job.batch,
    )
    lines = [packed({"_row": seed.row} | item) for item in items]
    longest = max(map(len, lines), default=0)
    if longest > MAX_LINE_BYTES:
        detail = f"an item of {longest} bytes, {MAX_LINE_BYTES} are the most"
        return replace(outcome, reason=Reason.PARSE, items=0, detail=detail), []
    return outcome, lines


def _as_listed(seed: Seed, renamed: Mapping[str, str]) -> Seed:
    """The seed with its columns under the names that they have in the list."""
    if not renamed:
        return seed
    columns = {renamed.get(name, name): value for name, value in seed.columns.items()}
    return replace(seed, columns=columns)


def _page(batch: OpenBatch, seed: Seed, progress: Progress) -> Page | None:
    """The page of a row, read back from the archive, if it has one."""
    if progress.place is None:
        return None
    max_bytes = batch.session.info.settings.for_host(seed.host).http.max_body_bytes
    return batch.archive.read_page(progress.place, progress.last, max_bytes=max_bytes)
