"""A run from the command line, begun or gone on with: how it ends, and how to go on with it."""

import contextlib
import shlex
from datetime import UTC, datetime
from uuid import uuid4

import rich_click as click

from scraper.errors import ScraperError
from scraper.lease import check_free
from scraper.publish.summary import Summary
from scraper.run import new_run_id
from scraper.runs import existing_store
from scraper.store import Store
from scraper.unfinished import newest_unfinished
from workflows.cli.shown import show_summary
from workflows.cli.signals import INTERRUPTED, ending_at_once, stopping_run
from workflows.cli.told import ERROR, tell
from workflows.request import CrawlRequest

__all__ = ["execute", "resume_command"]

GATE = 3
_LOOK_AT = 20
"""Runs of the crawl that are looked at for one that died."""


def execute(
    request: dict[str, object], *, as_json: bool = False, quiet: bool = False
) -> tuple[Summary | None, int]:
    """Run a crawl here and print how it ended; give its summary, if any, and the exit code."""
    asked = CrawlRequest.model_validate(request)
    if asked.run_id is None:
        asked = asked.model_copy(update={"run_id": new_run_id(datetime.now(UTC), uuid4().hex)})
    try:
        return _executed(asked, as_json=as_json, quiet=quiet)
    except ScraperError as error:
        code = tell(error)
        if code == ERROR:
            # A store that is gone for now can't be asked whether it has the run.
            click.echo(f"go on with: {resume_command(asked)}", err=True)
        return None, code


def _executed(asked: CrawlRequest, *, as_json: bool, quiet: bool) -> tuple[Summary | None, int]:
    with ending_at_once():
        # Flyte takes its time to import, and reads the `cluster` settings: not for `--help`.
        from workflows.cli.local import run_locally
        from workflows.runtime import new_run

    stop = new_run()
    go_on = f"stopped; go on with: {resume_command(asked)}"
    with stopping_run(stop, go_on=go_on):
        if asked.seeds is not None and not quiet:
            _tell_of_unfinished(asked)
        result = run_locally(asked, quiet=quiet or as_json)
    if result.summary is None:
        click.echo(go_on, err=True)
        return None, INTERRUPTED
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
    store = Store(str(asked.store))
    show_summary(result.summary, store, as_json=as_json, quiet=quiet)
    return result.summary, 0 if result.summary.gates_held else GATE


def _tell_of_unfinished(asked: CrawlRequest) -> None:
    """Say how to go on with a run of this crawl that died, before another one begins."""
    run = asked.run(str(asked.run_id))
    crawl = run.partition("/")[0]
    # What is wrong with the store or another run's lease is told by the run itself.
    with contextlib.suppress(ScraperError):
        store = existing_store(str(asked.store))
        dead = newest_unfinished(store, crawl, but=run, of_newest=_LOOK_AT)
        if dead is not None:
            check_free(store, crawl)
            other = CrawlRequest(crawl=crawl, run_id=dead.partition("/")[2], store=asked.store)
            click.echo(f"{dead} is unfinished; go on with it: {resume_command(other)}", err=True)


def resume_command(request: CrawlRequest) -> str:
    """What to type to go on with the run of a request.

    Raises:
        ConfigError: the name of the list is no name for a crawl.
    """
    words = ["scraper", "resume", request.run(str(request.run_id))]
    words += ["--store", str(request.store)] if request.store != "crawls" else []
    return shlex.join(words)
