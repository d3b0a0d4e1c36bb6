"""`scraper retry` and `scraper reparse`: a new run over the rows of a former one."""

import sys
from collections.abc import Iterable

import rich_click as click

from scraper.again import crawl_file_now
from scraper.publish.commit import load_summary
from scraper.retriable import count_to_retry, newest_finished
from scraper.runs import existing_store, published_run
from scraper.store import Store
from workflows.cli.execute import execute
from workflows.cli.options import (
    Where,
    json_option,
    quiet_option,
    remote_options,
    run_argument,
    set_option,
    store_option,
)
from workflows.cli.shown import show_summary
from workflows.cli.told import errors_told

__all__ = ["reparse", "retry"]


@click.command()
@run_argument
@click.option("--only", metavar="REASON,...", default="", help="Rows of these reasons only.")
@store_option
@set_option
@remote_options
@json_option
@quiet_option
def retry(
    run: str,
    only: str,
    store: str,
    settings: tuple[str, ...],
    where: Where,
    as_json: bool,
    quiet: bool,
) -> None:
    """Ask again for the failed rows of RUN, in a new run with its settings.

    RUN is CRAWL/RUN_ID, or CRAWL for its newest finished run. Asked for are the failed rows and
    those skipped ones that a later try may heal: what its failed.jsonl holds. The new run is whole:
    all other rows and items are taken over as they are.
    """
    reasons = [reason.strip() for reason in only.split(",") if reason.strip()]
    with errors_told():
        found = existing_store(store)
        former = newest_finished(found, run)
        count = count_to_retry(found, former, reasons)
    if not count:
        _say_nothing_to_do(found, former, as_json=as_json, quiet=quiet)
        return
    request: dict[str, object] = {"kind": "retry", "former": former, "only": reasons}
    _execute(request, store, settings, where=where, as_json=as_json, quiet=quiet)


@click.command()
@run_argument
@click.option("--crawl-file", metavar="FILE", help="Take the rules from there.")
@store_option
@set_option
@remote_options
@json_option
@quiet_option
def reparse(
    run: str,
    crawl_file: str | None,
    store: str,
    settings: tuple[str, ...],
    where: Where,
    as_json: bool,
    quiet: bool,
) -> None:
    """Extract again from the archives of RUN, by today's rules, in a new run; no network.

    RUN is CRAWL/RUN_ID, or CRAWL for its latest. The rules are those of its crawl file as it is
    now, or its own if the file isn't there any more.
    """
    with errors_told():
        found = existing_store(store)
        former = published_run(found, run)
        path, text = crawl_file_now(found, former, crawl_file)
    if text is None and path.endswith(".toml") and not quiet:
        click.echo(f"{path} isn't there: parsing by the rules that {former} has", err=True)
    request: dict[str, object] = {"kind": "reparse", "former": former}
    request |= {"seeds": path, "crawl_file": text}
    _execute(request, store, settings, where=where, as_json=as_json, quiet=quiet)


def _execute(
    request: dict[str, object],
    store: str,
    settings: Iterable[str],
    *,
    where: Where,
    as_json: bool,
    quiet: bool,
) -> None:
    about = {"store": store, "settings": list(settings)}
    _, code = execute(request | about, where=where, as_json=as_json, quiet=quiet)
    sys.exit(code)


def _say_nothing_to_do(store: Store, run: str, *, as_json: bool, quiet: bool) -> None:
    """No row is left to ask for; the summary of the run that stands is data."""
    if not quiet:
        click.echo(f"nothing to retry in {run}", err=True)
    summary = load_summary(store, run)
    if as_json and summary is not None:
        show_summary(summary, store, as_json=True, quiet=False)
