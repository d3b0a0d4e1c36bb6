"""A run on a cluster, from the command line: submitted, followed, its results brought back.

The lists of this machine are put into the run, and the crawl file goes along as text: the cluster
needs nothing of this machine. What is wrong with the command is told before anything is sent.
"""

import asyncio
import os
import sys
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import flyte
import flyte.errors
from connectrpc.errors import ConnectError
from flyte.remote import Run

from scraper.asked import settings_of
from scraper.errors import ConfigError, ScraperError
from scraper.layout import run_key
from scraper.store import Store
from scraper.store_open import writable_store
from scraper.uploads import upload_keys, upload_lists
from workflows.cluster import check_extractors_bundled, check_reachable, code_options, connect
from workflows.crawl import crawl
from workflows.failures import as_ours
from workflows.request import CrawlRequest, CrawlResult, NotSubmitted

__all__ = ["bring_report", "follow", "submit"]

_MAX_REQUEST_BYTES = 1_048_576
"""What crosses a task stays small."""


def submit(request: CrawlRequest, *, quiet: bool = False) -> Run:
    """Hand a run over to the cluster that Flyte's own configuration names.

    Returns: the run as Flyte knows it, under a name and a URL of Flyte's.

    Raises:
        ConfigError: what is asked for is wrong, can't be reached from there, or there is no
            cluster.
        NotSubmitted: the cluster didn't take it; nothing runs.
        StoreError: the store failed.
    """
    check_reachable(str(request.store))
    options: Any = code_options()
    connect()
    store = writable_store(str(request.store))
    portable, copies = _portable(request, store)
    try:
        # Flyte tells there how it packs the code.
        with redirect_stderr(StringIO()) if quiet else nullcontext():
            return _submitted(portable, options)
    except NotSubmitted:
        store.delete(*copies)
        raise


def follow(submitted: Run, run: str) -> CrawlResult:
    """Wait for the end of a run, `CRAWL/RUN_ID`.

    Returns: what it came to; without a summary if it was stopped or aborted.

    Raises:
        ConfigError: what was asked for is wrong.
        LeaseHeld: another run of the crawl is alive.
        ScraperError: the run failed, or the cluster can't be asked; the run can go on.
    """
    try:
        return asyncio.run(_followed(submitted))
    except flyte.errors.ActionAbortedError:
        return CrawlResult(run=run, summary=None)
    except flyte.errors.BaseRuntimeError as error:
        raise as_ours(error) from error
    except (ConnectError, RuntimeError, OSError) as error:
        raise ScraperError(f"the cluster can't be asked about {submitted.url}: {error}") from error


async def _followed(handle: Run) -> CrawlResult:
    async for _ in handle.watch():
        continue
    await handle.raise_for_status.aio()
    outputs = await handle.typed_outputs.aio({"o0": CrawlResult})
    result = outputs["o0"]
    assert isinstance(result, CrawlResult)
    return result


def bring_report(store: Store, run: str, folder: Path) -> Path | None:
    """Save a run's report on this machine; none if it has none.

    Raises:
        OSError: it can't be written.
        StoreError: the store failed.
    """
    report = store.get(run_key(run, "report.html"))
    if report is None:
        return None
    path = folder / f"{run.replace('/', '-')}.html"
    path.write_bytes(report)
    return path


def _portable(request: CrawlRequest, store: Store) -> tuple[CrawlRequest, tuple[str, ...]]:
    """The request as it means the same elsewhere, and the copies that were made for it."""
    changed: dict[str, object] = {"environment": settings_of(os.environ)}
    copies: tuple[str, ...] = ()
    if request.kind == "run" and request.seeds is not None:
        asked = request.asked(os.environ)
        spec = asked.spec()
        check_extractors_bundled(spec.sites)
        kept = asked.as_kept(spec.crawl)
        run = run_key(spec.crawl, str(request.run_id))
        uploads = upload_lists(store, run, kept.spec(), sys.stdin.buffer)
        copies = upload_keys(run, uploads)
        changed |= {"seeds": kept.seeds, "crawl": kept.crawl, "crawl_file": kept.crawl_file}
        changed |= {"uploads": uploads}
    portable = request.model_copy(update=changed)
    if len(portable.model_dump_json()) > _MAX_REQUEST_BYTES:
        store.delete(*copies)
        raise ConfigError(f"{request.seeds}: over 1 MiB: put its rows into a list of their own")
    return portable, copies


def _submitted(request: CrawlRequest, options: Any) -> Run:
    try:
        return flyte.with_runcontext(mode="remote", **options).run(crawl, request=request)
    except flyte.errors.BaseRuntimeError as error:
        raise NotSubmitted(f"the cluster didn't take the run: {error}") from error
    except (ConnectError, RuntimeError, OSError) as error:
        raise NotSubmitted(f"the cluster can't be reached: {error}") from error
