"""A run in Flyte's local mode, from the command line: signals, progress, exit code.

The tasks run on Flyte's own loop in another thread; here, in the main thread, the first Ctrl-C or
SIGTERM sets the stop flag that they look at, the second one ends the process.
"""

import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import flyte
import flyte.errors

from scraper.errors import ConfigError, ScraperError
from scraper.stopping import StopFlag
from workflows.cli.progress import progress_line
from workflows.crawl import crawl
from workflows.request import CrawlRequest, CrawlResult
from workflows.runtime import new_run

__all__ = ["run_locally"]

INTERRUPTED = 130
_ONE_INTERRUPT_S = 0.3


def run_locally(request: CrawlRequest, *, quiet: bool) -> CrawlResult:
    """Run a crawl in Flyte's local mode and wait for its end.

    Raises:
        ConfigError: something that the user gave is wrong.
        ScraperError: the run failed; it can go on with the same run id.
    """
    stop = new_run()
    with _own_signals(stop), _flyte_workspace() as workspace, progress_line(quiet=quiet):
        runner = flyte.with_runcontext(
            mode="local",
            name=workspace.name,
            raw_data_path=str(workspace / "raw"),
            disable_run_cache=True,
        )
        try:
            result = runner.run(crawl, request=request).outputs()[0]
        except flyte.errors.BaseRuntimeError as error:
            kind = ConfigError if error.code == "ConfigError" else ScraperError
            raise kind(str(error)) from error
    assert isinstance(result, CrawlResult)
    return result


@contextmanager
def _own_signals(stop: StopFlag) -> Iterator[None]:
    """The first signal asks the run to stop, the second one ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    asked_at = 0.0

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked_at
        if stop.is_set:
            # A terminal or `timeout` may send one interrupt twice.
            if time.monotonic() - asked_at > _ONE_INTERRUPT_S:
                os._exit(INTERRUPTED)
            return
        asked_at = time.monotonic()
        sys.stderr.write("\nstopping: what is under way is finished; once more to end at once\n")
        stop.set()

    former = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


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
