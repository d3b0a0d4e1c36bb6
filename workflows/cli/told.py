"""How a command ends when something is wrong: one line on stderr, and its exit code.

Exit codes: 1 error, 2 usage or configuration, 4 another run of the crawl is alive. Who reads our
output may stop when they have seen enough (`| head`): that is no error, and nothing is said.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import rich_click as click

from scraper.errors import ConfigError, LeaseHeld, ScraperError

__all__ = ["ERROR", "HELD", "USAGE", "errors_told", "tell"]

ERROR, USAGE, HELD = 1, 2, 4


def tell(error: ScraperError | OSError) -> int:
    """Say on stderr what is wrong; give the exit code."""
    click.echo(f"error: {error}", err=True)
    if isinstance(error, LeaseHeld):
        return HELD
    return USAGE if isinstance(error, ConfigError) else ERROR


@contextmanager
def errors_told() -> Iterator[None]:
    """Run the body of a command; what goes wrong in it, its output too, ends the process.

    Raises:
        SystemExit: something went wrong and has been told.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
        sys.exit(0)
    except (ScraperError, OSError) as error:
        _drop_stdout()
        sys.exit(tell(error))


def _drop_stdout() -> None:
    """Let what is still buffered go nowhere: Python would try again at its end, and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
