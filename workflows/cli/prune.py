"""`scraper prune`: let old runs and archives go."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import orjson
import rich_click as click

from scraper.errors import LeaseHeld
from scraper.layout import run_key
from scraper.lease import check_free, take_lease
from scraper.prune import Pruning, check_says_anything, plan_pruning, prune, retention_of
from scraper.runs import existing_store
from scraper.settings_table import Retention
from scraper.store import Store
from workflows.cli.options import json_flag, store_option
from workflows.cli.told import errors_told

__all__ = ["prune_"]


@click.command("prune")
@click.argument("crawl", required=False)
@click.option("--keep-runs", type=click.IntRange(1), metavar="N", help="Keep the newest N runs.")
@click.option(
    "--keep-days", type=click.FloatRange(0, min_open=True), metavar="D", help="Or younger runs."
)
@click.option(
    "--archives-keep-runs",
    type=click.IntRange(0),
    metavar="N",
    help="Keep the archives of the newest N runs only.",
)
@click.option("--unfinished", is_flag=True, help="Drop runs that died and weren't resumed.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@store_option
@json_flag("Print an array of objects, one a run.")
def prune_(
    crawl: str | None,
    keep_runs: int | None,
    keep_days: float | None,
    archives_keep_runs: int | None,
    *,
    unfinished: bool,
    dry_run: bool,
    store: str,
    as_json: bool,
) -> None:
    """Let runs and archives of CRAWL go, or of all crawls.

    What is kept is said by the options, else by the settings `retention` of the crawl's latest run.
    Never dropped are the latest run, a run that is alive, and what either goes out from.
    """
    options = {
        "keep_runs": keep_runs,
        "keep_days": keep_days,
        "archives_keep_runs": archives_keep_runs,
    }
    given = {name: value for name, value in options.items() if value is not None}
    with errors_told():
        found = existing_store(store)
        prunings = []
        for name in [crawl] if crawl is not None else found.folders():
            if crawl is None and not _has_runs(found, name):
                continue
            retention = _retention(found, name, given)
            if crawl is not None:
                check_says_anything(retention, unfinished=unfinished)
            prunings.append(_pruned(found, name, retention, unfinished=unfinished, dry_run=dry_run))
        _show(prunings, dry_run=dry_run, as_json=as_json)


def _has_runs(store: Store, crawl: str) -> bool:
    """Whether a folder of a store is a crawl: what isn't ours is passed over."""
    return any(
        store.head(run_key(run_key(crawl, run_id), "run.json")) is not None
        for run_id in store.folders(crawl)
    )


def _retention(store: Store, crawl: str, given: dict[str, float]) -> Retention:
    """What is kept: what the options say goes before what the crawl says, each for itself."""
    known = retention_of(store, crawl)
    if {"keep_runs", "keep_days"} & given.keys():
        known = known.model_copy(update={"keep_runs": None, "keep_days": None})
    return known.model_copy(update=given)


def _pruned(
    store: Store, crawl: str, retention: Retention, *, unfinished: bool, dry_run: bool
) -> Pruning:
    with _alone(store, crawl, dry_run=dry_run) as is_free:
        pruning = plan_pruning(
            store, crawl, retention, now=datetime.now(UTC), unfinished=unfinished and is_free
        )
        if not dry_run:
            prune(store, pruning)
        return pruning


@contextmanager
def _alone(store: Store, crawl: str, *, dry_run: bool) -> Iterator[bool]:
    """Keep others from beginning a run meanwhile; say whether none is alive."""
    try:
        check_free(store, crawl)
        lease = None if dry_run else take_lease(store, run_key(crawl, "prune"))
    except LeaseHeld:
        yield False
        return
    if lease is None:
        yield True
        return
    with lease:
        yield True


def _show(prunings: list[Pruning], *, dry_run: bool, as_json: bool) -> None:
    dropped = [one for pruning in prunings for one in pruning.dropped]
    if as_json:
        told = [{"run": one.run, "what": one.what, "bytes": one.bytes} for one in dropped]
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    for one in dropped:
        click.echo(f"{one.run}  {one.what:<8}  {one.bytes / 1e6:>12,.1f} MB")
    runs = sum(one.what == "run" for one in dropped)
    total = sum(one.bytes for one in dropped) / 1e6
    would = "would go" if dry_run else "gone"
    click.echo(
        f"{runs:,} runs and the archives of {len(dropped) - runs:,} {would}: {total:,.1f} MB",
        err=True,
    )
