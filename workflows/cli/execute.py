"""A run from the command line, begun or gone on with: how it ends, and how to go on with it."""

import contextlib
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import orjson
import rich_click as click

from scraper.errors import ScraperError
from scraper.lease import check_free
from scraper.publish.summary import Summary
from scraper.run import new_run_id
from scraper.runs import existing_store
from scraper.store import Store
from scraper.unfinished import newest_unfinished
from workflows.cli.options import Where
from workflows.cli.shown import show_summary
from workflows.cli.signals import INTERRUPTED, ending_at_once, leaving_run, stopping_run
from workflows.cli.told import ERROR, tell
from workflows.request import CrawlRequest, CrawlResult, NotSubmitted

__all__ = ["execute", "resume_command"]

GATE = 3
_LOOK_AT = 20
"""Runs of the crawl that are looked at for one that died."""


def execute(
    request: dict[str, object],
    *,
    where: Where = "here",
    as_json: bool = False,
    quiet: bool = False,
) -> tuple[Summary | None, int]:
    """Run a crawl and print how it ended; give its summary, if any, and the exit code."""
    asked = CrawlRequest.model_validate(request)
    if asked.run_id is None:
        asked = asked.model_copy(update={"run_id": new_run_id(datetime.now(UTC), uuid4().hex)})
    shown = _Shown(as_json=as_json, quiet=quiet)
    try:
        if where == "here":
            return _executed(asked, shown)
        return _executed_remotely(asked, shown, follows=where == "remote")
    except ScraperError as error:
        code = tell(error)
        if code == ERROR and not isinstance(error, NotSubmitted):
            # A store that is gone for now can't be asked whether it has the run.
            click.echo(f"go on with: {resume_command(asked, where)}", err=True)
        return None, code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What is printed of a run."""

    as_json: bool
    quiet: bool


def _executed(asked: CrawlRequest, shown: _Shown) -> tuple[Summary | None, int]:
    with ending_at_once():
        # Flyte takes its time to import, and reads the `cluster` settings: not for `--help`.
        from workflows.cli.local import run_locally
        from workflows.runtime import new_run

    stop = new_run()
    go_on = f"stopped; go on with: {resume_command(asked)}"
    with stopping_run(stop, go_on=go_on):
        if not shown.quiet:
            _tell_of_unfinished(asked)
        result = run_locally(asked, quiet=shown.quiet or shown.as_json)
    return _ended(result, asked, shown, go_on=go_on)


def _executed_remotely(
    asked: CrawlRequest, shown: _Shown, *, follows: bool
) -> tuple[Summary | None, int]:
    with ending_at_once():
        from workflows.cli.remote import bring_report, follow, submit

    if not shown.quiet:
        _tell_of_unfinished(asked, where="remote")
    run, submitted = asked.run(str(asked.run_id)), submit(asked, quiet=shown.quiet)
    if not follows:
        told = {"run": run, "url": submitted.url}
        click.echo(orjson.dumps(told).decode() if shown.as_json else submitted.url)
        return None, 0
    if not shown.quiet:
        click.echo(f"{run} runs at {submitted.url}", err=True)
    left = f"{run} goes on; to stop it: flyte abort run {submitted.name}"
    with leaving_run(left):
        result = follow(submitted, run)
    go_on = f"stopped; go on with: {resume_command(asked, 'remote')}"
    summary, code = _ended(result, asked, shown, go_on=go_on)
    if summary is not None:
        report = bring_report(Store(str(asked.store)), run, Path())
        if report is not None and not shown.quiet:
            click.echo(f"its report is here too: {report}", err=True)
    return summary, code


def _ended(
    result: CrawlResult, asked: CrawlRequest, shown: _Shown, *, go_on: str
) -> tuple[Summary | None, int]:
    if result.summary is None:
        click.echo(go_on, err=True)
        return None, INTERRUPTED
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
    store = Store(str(asked.store))
    show_summary(result.summary, store, as_json=shown.as_json, quiet=shown.quiet)
    return result.summary, 0 if result.summary.gates_held else GATE


def _tell_of_unfinished(asked: CrawlRequest, *, where: Where = "here") -> None:
    """Say how to go on with a run of this crawl that died, before another one begins."""
    if asked.seeds is None:
        return
    run = asked.run(str(asked.run_id))
    crawl = run.partition("/")[0]
    # What is wrong with the store or another run's lease is told by the run itself.
    with contextlib.suppress(ScraperError):
        store = existing_store(str(asked.store))
        dead = newest_unfinished(store, crawl, but=run, of_newest=_LOOK_AT)
        if dead is not None:
            check_free(store, crawl)
            other = CrawlRequest(crawl=crawl, run_id=dead.partition("/")[2], store=asked.store)
            click.echo(
                f"{dead} is unfinished; go on with it: {resume_command(other, where)}", err=True
            )


def resume_command(request: CrawlRequest, where: Where = "here") -> str:
    """What to type to go on with the run of a request.

    Raises:
        ConfigError: the name of the list is no name for a crawl.
    """
    words = ["scraper", "resume", request.run(str(request.run_id))]
    words += ["--store", str(request.store)] if request.store != "crawls" else []
    words += ["--remote"] if where != "here" else []
    return shlex.join(words)
