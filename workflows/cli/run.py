"""`scraper run`: one run of a list, or of a crawl file."""

import sys

import rich_click as click

from workflows.cli.execute import execute
from workflows.cli.options import (
    Where,
    crawl_option,
    json_option,
    quiet_option,
    remote_options,
    set_option,
    store_option,
    url_column_option,
)

__all__ = ["run"]


@click.command()
@click.argument("seeds")
@store_option
@crawl_option
@click.option("--run-id", metavar="ID", help="Go on with this run, or name a new one.")
@url_column_option
@set_option
@click.option(
    "--fresh", is_flag=True, help="Ask for every page whole, even if it is known or isn't due."
)
@remote_options
@json_option
@quiet_option
def run(
    seeds: str,
    store: str,
    crawl: str | None,
    run_id: str | None,
    url_column: str | None,
    settings: tuple[str, ...],
    fresh: bool,
    where: Where,
    as_json: bool,
    quiet: bool,
) -> None:
    """Scrape SEEDS: a list, a crawl file (.toml), or - for stdin.

    A list is .txt, .csv, .tsv, .jsonl, .parquet or a sitemap, plain, .gz or .zst; a path or a URL.
    """
    request: dict[str, object] = {
        "seeds": seeds,
        "store": store,
        "crawl": crawl,
        "run_id": run_id,
        "url_column": url_column,
        "settings": [*settings, *(["recheck.fresh=true"] if fresh else [])],
    }
    _, code = execute(request, where=where, as_json=as_json, quiet=quiet)
    sys.exit(code)
