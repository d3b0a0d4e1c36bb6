"""A run in Flyte's local mode, from the command line: its progress, its files, its errors.

The tasks run on Flyte's own loop in another thread; the main thread waits here, and takes signals.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flyte
import flyte.errors

from workflows.cli.progress import progress_line
from workflows.crawl import crawl
from workflows.failures import as_ours
from workflows.request import CrawlRequest, CrawlResult

__all__ = ["run_locally"]


def run_locally(request: CrawlRequest, *, quiet: bool) -> CrawlResult:
    """Run a crawl in Flyte's local mode and wait for its end.

    Raises:
        ConfigError: something that the user gave is wrong.
        LeaseHeld: another run of the crawl is alive.
        ScraperError: the run failed; it can go on.
    """
    with _flyte_workspace() as workspace, progress_line(quiet=quiet):
        runner = flyte.with_runcontext(
            mode="local",
            name=workspace.name,
            raw_data_path=str(workspace / "raw"),
            disable_run_cache=True,
        )
        try:
            result = runner.run(crawl, request=request).outputs()[0]
        except flyte.errors.BaseRuntimeError as error:
            raise as_ours(error) from error
    assert isinstance(result, CrawlResult)
    return result


@contextmanager
def _flyte_workspace() -> Iterator[Path]:
    """Where the local mode leaves its files; it doesn't clean up after itself, so we do."""
    # Errors come back as exceptions: the tracebacks that are logged besides say nothing more.
    logging.getLogger("flyte").setLevel(logging.CRITICAL)
    workspace = Path(tempfile.mkdtemp(prefix="scraper-run-"))
    try:
        yield workspace
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.rmtree(
            Path(tempfile.gettempdir()) / "flyte" / "metadata" / workspace.name, ignore_errors=True
        )
