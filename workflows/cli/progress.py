"""The progress line: on stderr, only on a terminal, read from the sessions' counts."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from workflows.runtime import tally

__all__ = ["progress_line"]

_INTERVAL_S = 0.2


@contextmanager
def progress_line(*, quiet: bool) -> Iterator[None]:
    """Show how far the run is, until the block ends; nothing at all off a terminal."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[attempts]} attempts"),
        TimeElapsedColumn(),
    )
    over = threading.Event()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        line = progress.add_task("scraping", total=None, attempts=0)

        def refresh() -> None:
            while not over.wait(_INTERVAL_S):
                counts = tally()
                progress.update(
                    line,
                    completed=counts.get("asked", 0),
                    total=counts.get("seeds") or None,
                    attempts=counts.get("attempts", 0),
                )

        thread = threading.Thread(target=refresh, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
