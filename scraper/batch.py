"""The end of a batch: its `done.json`, and what stands for a batch that never reached it."""

from dataclasses import asdict

import orjson

from scraper.layout import batch_key
from scraper.models import BatchJob, BatchResult, Outcome, Reason
from scraper.parts import PartWriter, packed
from scraper.plan.part import read_seeds_part
from scraper.store import Store
from scraper.urls import host_of

__all__ = ["done_result", "write_crashed", "write_done"]


def done_result(store: Store, job: BatchJob) -> BatchResult | None:
    """The result of a finished batch; none if it isn't finished. Raises: `StoreError`."""
    text = store.get(batch_key(job.run, job.batch, "done.json"))
    return None if text is None else BatchResult(**orjson.loads(text))


def write_done(store: Store, job: BatchJob, result: BatchResult) -> None:
    """Commit a batch: what it wrote counts from now on. Raises: `StoreError`."""
    store.put(batch_key(job.run, job.batch, "done.json"), orjson.dumps(asdict(result)))


def write_crashed(store: Store, job: BatchJob) -> BatchResult:
    """Account for a batch that failed on every attempt: each of its rows is `batch_crashed`.

    That it can be written shows that the store is well, so that the batch itself is to blame.

    Raises:
        StoreError: the store failed: then the run must stop, and nothing is said of the rows.
    """
    with PartWriter() as outcomes:
        for seed in sorted(read_seeds_part(store, job.run, job.batch), key=lambda seed: seed.row):
            outcome = Outcome(
                row=seed.row,
                url=seed.url,
                reason=Reason.BATCH_CRASHED,
                host=host_of(seed.given_url),
                attempts=seed.attempts,
                redirects=seed.redirects,
                batch=job.batch,
            )
            outcomes.write(packed(outcome.as_line()))
        outcomes.put(store, batch_key(job.run, job.batch, "outcomes.jsonl.gz"))
        store.delete(
            batch_key(job.run, job.batch, "items.jsonl.gz"),
            batch_key(job.run, job.batch, "carried.jsonl.gz"),
        )
        result = BatchResult(batch=job.batch, outcomes=outcomes.lines)
    write_done(store, job, result)
    return result
