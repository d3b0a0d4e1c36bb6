"""The batch task and its two traced phases: thin shells over `scraper.submit` and `scraper.poll`.

The trace around a phase makes its replay free on a cluster; where nothing is replayed (local
mode, a phase that died half-way) the phase itself goes on from what its archive has.
Trace inputs are equal on every attempt; all outputs are counts.
"""

import flyte
import flyte.errors

from scraper.errors import ConfigError
from scraper.models import BatchJob, BatchResult, PhaseResult
from workflows.environments import BACKOFF, BATCH_TIMEOUT, batch_env, cluster
from workflows.runtime import poll_batch, submit_batch

__all__ = ["poll", "scrape_batch", "submit"]


@flyte.trace
async def submit(job: BatchJob) -> PhaseResult:
    """Ask once, politely, for each URL of the batch."""
    return await submit_batch(job)


@flyte.trace
async def poll(job: BatchJob, submitted: PhaseResult) -> BatchResult:
    """Ask again for those left pending, then parse every page."""
    return await poll_batch(job)


@batch_env.task(
    retries=flyte.RetryStrategy(count=cluster.batch_retries, backoff=BACKOFF),
    timeout=BATCH_TIMEOUT,
)
async def scrape_batch(job: BatchJob) -> BatchResult:
    """Scrape one batch of one partition."""
    try:
        submitted = await submit(job)
        return await poll(job, submitted)
    except ConfigError as error:
        raise flyte.errors.NonRecoverableError(str(error), code="ConfigError") from error
