"""Submit: one polite attempt for each URL of a batch; every answer goes to the archive at once.

Submit and poll are one function called twice: fetch what the archive still lacks, under this
policy. Started again after a crash, a phase reads what the archive has and fetches the rest.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

from scraper.batch import done_result
from scraper.models import Attempt, BatchJob, PhaseResult, Reason, Seed
from scraper.open_batch import OpenBatch, open_batch
from scraper.retry import retrying
from scraper.session import Session
from scraper.stopping import Stopped, drained
from scraper.throttle import HostHeld, HostRefused

__all__ = ["fetch_lacking", "not_asked", "submit"]

_BACKOFFS_AT_ONCE = 16
"""Rows of one host that may wait for their next attempt side by side."""


async def submit(session: Session, job: BatchJob) -> PhaseResult:
    """Ask once for each seed that the archive has no attempt of; of a finished batch for none.

    Raises:
        StoreError: the archive could not be written.
    """
    if await asyncio.to_thread(done_result, session.store, job) is not None:
        return PhaseResult(attempts=0, pending=0)
    async with open_batch(session, job) as batch:
        await fetch_lacking(batch, attempts=1)
        made = [progress.last for progress in batch.archive.progress.values()]
        await batch.archive.flush()
        await asyncio.to_thread(batch.save_hosts)
    return PhaseResult(
        attempts=len(made),
        pending=sum(attempt.is_pending for attempt in made),
        stopped=session.stop.is_set,
    )


async def fetch_lacking(batch: OpenBatch, *, attempts: int | None = None) -> None:
    """Fetch what the archive lacks, at most `attempts` times a seed, in all waves and lives.

    Without `attempts`, as often as the settings of the seed's host say.
    Rows of one host follow one another, hosts run side by side. A host that is held for longer
    than a batch waits keeps its rows for a later wave.

    Raises:
        StoreError: the archive could not be written.
    """
    by_host: dict[str, list[Seed]] = {}
    for seed in batch.seeds:
        by_host.setdefault(seed.host, []).append(seed)
    lanes = []
    for host, seeds in by_host.items():
        limit = attempts or batch.session.info.settings.for_host(host).retry.attempts
        lacking = [seed for seed in seeds if _is_lacking(batch, seed, limit)]
        width = batch.throttles.of(host).concurrency if limit == 1 else _BACKOFFS_AT_ONCE
        rows = iter(lacking)
        lanes += [_lane(batch, rows, limit) for _ in range(min(width, len(lacking)))]
    tasks = [asyncio.create_task(lane) for lane in lanes]
    await drained(tasks, batch.session.stop)


def _is_lacking(batch: OpenBatch, seed: Seed, attempts: int) -> bool:
    progress = batch.archive.progress.get(seed.row)
    if progress is None:
        return True
    return progress.last.is_pending and progress.last.number < attempts


async def _lane(batch: OpenBatch, seeds: Iterator[Seed], attempts: int) -> None:
    for seed in seeds:
        try:
            await _fetch(batch, seed, attempts)
        except Stopped:
            return
        except HostHeld:
            return
        except HostRefused as refused:
            # Given up while this row waited for its turn: it isn't asked, but accounted for.
            if seed.row not in batch.archive.progress:
                await batch.keep(not_asked(seed, refused.reason), [])


async def _fetch(batch: OpenBatch, seed: Seed, attempts: int) -> None:
    """Make the attempts that a seed still lacks, with the waits that tenacity decides on."""
    progress = batch.archive.progress.get(seed.row)
    refused = batch.refused(seed)
    if refused is not None:
        if progress is None:
            await batch.keep(not_asked(seed, refused), [])
        return
    # Tenacity's first call sees the attempt that the archive has: so it decides on the wait.
    known = [] if progress is None else [progress.last]
    made = known[0].number if known else seed.attempts
    # A row that was carried here is asked for at least once, whatever it has spent elsewhere.
    attempts = attempts if known else max(attempts, made + 1)
    numbers = iter(range(made + 1, attempts + 1))

    async def attempt() -> Attempt:
        return known.pop() if known else await batch.attempt(seed, next(numbers))

    policy = retrying(
        batch.session.info.settings.for_host(seed.host).retry,
        calls=attempts - made + len(known),
        is_over=lambda: batch.refused(seed) is not None,
        sleep=batch.session.stop.sleep,
    )
    await policy(attempt)


def not_asked(seed: Seed, reason: Reason) -> Attempt:
    """The row of a host that is not asked any more."""
    return Attempt(
        row=seed.row,
        url=seed.fetch_url,
        number=seed.attempts,
        reason=reason,
        at=datetime.now(UTC),
        redirects=seed.redirects,
    )
