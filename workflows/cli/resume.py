"""`scraper resume`: go on with a run that was stopped or killed."""

import sys

import rich_click as click

from scraper.publish.commit import load_summary
from scraper.runs import existing_store
from scraper.store import Store
from scraper.unfinished import can_go_on, run_to_go_on
from workflows.cli.execute import execute
from workflows.cli.options import (
    Where,
    json_option,
    quiet_option,
    remote_options,
    run_argument,
    store_option,
)
from workflows.cli.shown import show_summary
from workflows.cli.told import errors_told

__all__ = ["resume"]


@click.command()
@run_argument
@store_option
@remote_options
@json_option
@quiet_option
def resume(run: str, store: str, where: Where, as_json: bool, quiet: bool) -> None:
    """Go on with RUN, which was stopped or killed.

    RUN is CRAWL/RUN_ID, or CRAWL for its newest unfinished run. The run goes on as it was asked
    for: with its own list, settings and rules, whatever files and environment say by now. What it
    has fetched is not asked for again.
    """
    with errors_told():
        found = existing_store(store)
        name = run_to_go_on(found, run)
        is_unfinished = can_go_on(found, name)
    if not is_unfinished:
        _say_finished(found, name, as_json=as_json, quiet=quiet)
        return
    crawl, _, run_id = name.partition("/")
    request: dict[str, object] = {"crawl": crawl, "run_id": run_id, "store": store}
    _, code = execute(request, where=where, as_json=as_json, quiet=quiet)
    sys.exit(code)


def _say_finished(store: Store, run: str, *, as_json: bool, quiet: bool) -> None:
    """Nothing is left to do for a run; its summary is data."""
    if not quiet:
        click.echo(f"{run} is finished: nothing to do", err=True)
    summary = load_summary(store, run)
    if as_json and summary is not None:
        show_summary(summary, store, as_json=True, quiet=False)
