"""`scraper plan`: what a run would be, before anything is fetched or written."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from scraper.errors import ScraperError
from workflows.cli.options import (
    crawl_option,
    json_option,
    set_option,
    store_option,
    url_column_option,
)
from workflows.cli.shown import show_plan
from workflows.cli.told import one_line, tell

if TYPE_CHECKING:
    from scraper.plan.capacity import Capacity
    from scraper.plan.estimate import Planned
    from scraper.store import Store

__all__ = ["plan"]


@click.command()
@click.argument("seeds")
@store_option
@crawl_option
@url_column_option
@set_option
@click.option("--remote", is_flag=True, help="Say also what the cluster's size means for it.")
@json_option
def plan(
    seeds: str,
    store: str,
    crawl: str | None,
    url_column: str | None,
    settings: tuple[str, ...],
    remote: bool,
    as_json: bool,
) -> None:
    """Say what a run of SEEDS would be: its rows, hosts and batches, its time, bytes and disk.

    No page is asked for and nothing is written. A list that is itself at a URL is fetched.
    """
    try:
        planned, found = _planned(seeds, store, crawl=crawl, url_column=url_column, flags=settings)
    except (ScraperError, OSError) as error:
        sys.exit(tell(error))
    show_plan(planned, found if remote else None, as_json=as_json)
    if planned.refusal is not None:
        click.echo(f"note: a run would be refused: {one_line(planned.refusal)}", err=True)


def _planned(
    seeds: str, store: str, *, crawl: str | None, url_column: str | None, flags: tuple[str, ...]
) -> "tuple[Planned, Capacity]":
    # All that reads lists takes its time to import: not for `--help`.
    import duckdb

    from scraper.crawl import resolve_crawl
    from scraper.plan.capacity import capacity
    from scraper.plan.estimate import estimate_crawl
    from scraper.plan.lists import Inputs

    spec = resolve_crawl(seeds, name=crawl, url_column=url_column, flags=flags, environ=os.environ)
    inputs = Inputs(stdin=sys.stdin.buffer)
    try:
        planned = estimate_crawl(spec, store=_store_that_is_there(store), inputs=inputs)
    except duckdb.Error as error:
        # No room left for what memory can't hold, most likely.
        raise ScraperError(str(error).split("\n", 1)[0]) from error
    return planned, capacity(planned, spec.settings.all)


def _store_that_is_there(url: str) -> "Store | None":
    """The store, unless it is a folder that is still to be made: nothing is written here."""
    from scraper.store_open import readable_store

    if "://" not in url and not Path(url).exists():
        return None
    return readable_store(url)
