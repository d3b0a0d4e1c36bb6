"""Whole runs in Flyte's local mode, for the tests."""

import duckdb
import flyte

from scraper.layout import run_key
from workflows.crawl import crawl
from workflows.request import CrawlRequest, CrawlResult
from workflows.runtime import new_run

FAST = [
    "network.allow=127.0.0.0/8",
    "throttle.delay_s=0",
    "retry.max_wait_s=0.01",
    "archive.flush_s=0.05",
]


def run_crawl(tmp_path, seeds, *, settings=(), run_id="r1", stop=None, **more) -> CrawlResult:
    """Run the orchestrator as `scraper run` does, with nothing shared between tests."""
    flag = new_run()
    if stop is not None:
        stop(flag)
    request = CrawlRequest(
        seeds=str(seeds),
        store=str(tmp_path / "store"),
        run_id=run_id,
        settings=[*FAST, *settings],
        **more,
    )
    return run_request(tmp_path, request)


def run_again(tmp_path, kind, former, *, run_id="r2", **more) -> CrawlResult:
    """Run a retry or a reparse of a run as the command line does."""
    new_run()
    request = CrawlRequest(
        kind=kind, former=former, store=str(tmp_path / "store"), run_id=run_id, **more
    )
    return run_request(tmp_path, request)


def run_request(tmp_path, request) -> CrawlResult:
    runner = flyte.with_runcontext(
        mode="local", name="test", raw_data_path=str(tmp_path / "raw"), disable_run_cache=True
    )
    return runner.run(crawl, request=request).outputs()[0]


def rows(tmp_path, result, query, name="outcomes.parquet"):
    """Query a table of a run: `{table}` stands for its file."""
    path = tmp_path / "store" / run_key(result.run, name)
    return duckdb.sql(query.format(table=f"'{path}'")).fetchall()


def write_list(tmp_path, *lines, name="shop.txt"):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path
