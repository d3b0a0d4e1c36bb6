"""`scraper run`: one run of a list, or of a crawl file."""

import shlex
import sys
from datetime import UTC, datetime
from uuid import uuid4

import rich_click as click

from scraper.errors import ScraperError
from scraper.publish.summary import Summary
from scraper.run import new_run_id
from scraper.store import Store
from workflows.cli.options import (
    crawl_option,
    json_option,
    set_option,
    store_option,
    url_column_option,
)
from workflows.cli.shown import show_summary
from workflows.cli.told import ERROR, tell
from workflows.request import CrawlRequest

__all__ = ["execute", "run"]

GATE, INTERRUPTED = 3, 130


@click.command()
@click.argument("seeds")
@store_option
@crawl_option
@click.option("--run-id", metavar="ID", help="Go on with this run, or name a new one.")
@url_column_option
@set_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def run(
    seeds: str,
    store: str,
    crawl: str | None,
    run_id: str | None,
    url_column: str | None,
    settings: tuple[str, ...],
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
        "settings": list(settings),
    }
    _, code = execute(request, as_json=as_json, quiet=quiet)
    sys.exit(code)


def execute(
    request: dict[str, object], *, as_json: bool = False, quiet: bool = False
) -> tuple[Summary | None, int]:
    """Run a crawl here and print how it ended; give its summary, if any, and the exit code."""
    asked = CrawlRequest.model_validate(request)
    if asked.run_id is None:
        asked = asked.model_copy(update={"run_id": new_run_id(datetime.now(UTC), uuid4().hex)})
    try:
        # Flyte takes its time to import, and reads the `cluster` settings: not for `--help`.
        from workflows.cli.local import run_locally

        result = run_locally(asked, quiet=quiet or as_json)
        if result.summary is None:
            click.echo(f"stopped; go on with: {_resume_command(asked)}", err=True)
            return None, INTERRUPTED
        store = Store(str(asked.store))
        show_summary(result.summary, store, as_json=as_json, quiet=quiet)
        return result.summary, 0 if result.summary.gates_held else GATE
    except ScraperError as error:
        code = tell(error)
        if code == ERROR:
            click.echo(f"go on with: {_resume_command(asked)}", err=True)
        return None, code


def _resume_command(request: CrawlRequest) -> str:
    words = ["scraper", "run", request.seeds, "--run-id", str(request.run_id)]
    words += ["--store", str(request.store)] if request.store != "crawls" else []
    words += ["--crawl", request.crawl] if request.crawl else []
    words += ["--url-column", request.url_column] if request.url_column else []
    for setting in request.settings:
        words += ["--set", setting]
    return shlex.join(words)
