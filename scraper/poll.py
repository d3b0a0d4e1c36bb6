"""Poll: those left pending are fetched again; then every page becomes items and an outcome.

In: a submitted batch. Out: its parts in the store, all of them atomically, `done.json` last:
`items.jsonl.gz`, `outcomes.jsonl.gz`, and `carried.jsonl.gz` with the rows that go on in the
next wave (a redirect that leaves the partition, a host that is held for long).
"""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict

from scraper.archive import Progress
from scraper.batch import done_result, write_done
from scraper.extract.page import Extraction, extract
from scraper.layout import batch_key
from scraper.models import Attempt, BatchJob, BatchResult, Hop, Outcome, Page, Reason, Seed
from scraper.open_batch import OpenBatch, open_batch
from scraper.parts import PartWriter
from scraper.rules import rule_for
from scraper.session import Session
from scraper.submit import fetch_lacking
from scraper.urls import host_of

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
        await fetch_lacking(batch, attempts=session.info.settings.all.retry.attempts)
        await batch.archive.flush()
        if session.stop.is_set:
            return BatchResult(batch=job.batch, stopped=True)
        result = await _conclude(batch)
        await asyncio.to_thread(batch.save_hosts)
    await asyncio.to_thread(write_done, session.store, job, result)
    return result


async def _conclude(batch: OpenBatch) -> BatchResult:
    """Write the parts of a batch, row by row, in the order of the list."""
    with PartWriter() as items, PartWriter() as outcomes, PartWriter() as carried:
        for place, seed in enumerate(sorted(batch.seeds, key=lambda seed: seed.row)):
            progress = batch.archive.progress.get(seed.row)
            going_on = _goes_on(batch, seed, progress)
            if going_on is not None:
                carried.write(going_on)
                continue
            assert progress is not None
            outcome, found = _outcome(batch, seed, progress)
            batch.session.tally[outcome.status] += 1
            outcomes.write(outcome.as_line())
            for item in found:
                items.write(item)
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
    if last.carry_to is not None:
        # The attempt goes on there: it is not counted twice.
        return _carried(seed, last.carry_to, last.redirects, last.number - 1)
    throttle = batch.throttle_of(last)
    attempts = batch.session.info.settings.for_host(seed.host).retry.attempts
    if last.is_pending and last.number < attempts and throttle.refused is None:
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


def _outcome(
    batch: OpenBatch, seed: Seed, progress: Progress
) -> tuple[Outcome, Iterator[dict[str, object]]]:
    """The final word on a row whose attempts are over, and its items."""
    last = progress.last
    final_url = last.final_url or last.url
    if progress.place is None:
        outcome = Outcome(
            row=seed.row,
            url=seed.url,
            reason=last.reason,
            final_url=final_url,
            host=seed.host,
            http_status=last.http_status,
            attempts=last.number,
            redirects=last.redirects,
            wire_bytes=last.wire_bytes,
            elapsed_s=last.elapsed_s,
            fetched_at=last.at if last.number else None,
            detail=last.detail,
            batch=batch.job.batch,
        )
        return outcome, iter(())
    max_bytes = batch.session.info.settings.for_host(seed.host).http.max_body_bytes
    page = batch.archive.read_page(progress.place, last, max_bytes=max_bytes)
    found = extract(page, rule_for(host_of(final_url), batch.session.info.sites))
    outcome = _page_outcome(batch, seed, last, page=page, found=found)
    return outcome, _items(seed, page, found)


def _page_outcome(
    batch: OpenBatch, seed: Seed, last: Attempt, *, page: Page, found: Extraction
) -> Outcome:
    return Outcome(
        row=seed.row,
        url=seed.url,
        reason=found.reason,
        final_url=page.final_url,
        host=seed.host,
        http_status=page.http_status,
        attempts=last.number,
        redirects=page.redirects,
        bytes=found.bytes,
        wire_bytes=last.wire_bytes,
        elapsed_s=last.elapsed_s,
        fetched_at=page.fetched_at,
        content_type=page.header("content-type"),
        charset=found.charset,
        content_sha256=found.content_sha256,
        items=len(found.items) if found.reason is Reason.OK else 0,
        detail=found.detail,
        batch=batch.job.batch,
    )


def _items(seed: Seed, page: Page, found: Extraction) -> Iterator[dict[str, object]]:
    for item in found.items:
        about = {
            "_row": seed.row,
            "url": seed.url,
            "final_url": page.final_url,
            "fetched_at": page.fetched_at,
        }
        yield about | item
