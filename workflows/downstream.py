"""An example of what may come after a crawl: a task of another environment takes its dataset.

    flyte run --local workflows/downstream.py crawl_and_count --request '{"seeds": "shop.txt"}'

The dataset crosses as a `flyte.io.Dir`, a reference: a task fetches those of its files that it
needs, from the folder or the object store where the run published them.
"""

import asyncio
import os
from pathlib import Path

import duckdb
import flyte
import flyte.errors
from flyte.io import Dir, File

from scraper.layout import run_key
from workflows.crawl import crawl
from workflows.environments import crawl_env
from workflows.request import CrawlRequest, CrawlResult

__all__ = ["count_items", "crawl_and_count", "dataset_of", "downstream_env"]

downstream_env = flyte.TaskEnvironment(
    name="scraper-downstream",
    image=crawl_env.image,
    resources=flyte.Resources(cpu="1", memory="1Gi"),
    depends_on=[crawl_env],
    description="Goes on with the dataset of a crawl.",
)


def dataset_of(result: CrawlResult, store: str) -> Dir:
    """A published run's files: `items.parquet`, `outcomes.parquet` and the like.

    Raises:
        RuntimeUserError: the run was stopped: it has published nothing.
    """
    if result.summary is None:
        raise flyte.errors.RuntimeUserError("Stopped", f"{result.run} was stopped: resume it")
    folder = store if "://" in store else str(Path(store).absolute())
    return Dir.from_existing_remote(f"{folder.rstrip('/')}/{result.run}")


@downstream_env.task
async def count_items(dataset: Dir) -> dict[str, int]:
    """How many items each host gave."""
    items = await File.from_existing_remote(run_key(dataset.path, "items.parquet")).download()
    return await asyncio.to_thread(_counted, items)


@downstream_env.task
async def crawl_and_count(request: CrawlRequest) -> dict[str, int]:
    """Run a crawl, then count what it gave."""
    return await count_items(dataset_of(await crawl(request), request.store_url(os.environ)))


def _counted(path: str) -> dict[str, int]:
    query = r"""
        SELECT regexp_extract(final_url, '^https?://([^/:?#]+)', 1) AS host, count(*)
        FROM read_parquet(?) GROUP BY host ORDER BY host
    """
    with duckdb.connect() as tables:
        return dict(tables.execute(query, [path]).fetchall())
