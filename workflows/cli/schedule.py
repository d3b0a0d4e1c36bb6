"""`scraper schedule`: run crawls by their schedules, on this machine, in the foreground."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import orjson
import rich_click as click

from scraper.asked import has_request
from scraper.layout import run_key
from scraper.schedule import next_fires
from scraper.scheduler import Scheduler, World
from scraper.scheduling import ScheduledCrawl, scheduled_crawls
from scraper.store import Store
from scraper.store_open import writable_store
from scraper.values.locales import time_zone
from workflows.cli.options import json_flag, quiet_option, store_option
from workflows.cli.told import errors_told

__all__ = ["schedule"]

_SLICE_S = 0.2


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--once", is_flag=True, help="Run what is due by now, wait for it, and end.")
@click.option("--dry-run", is_flag=True, help="Only print the next times.")
@click.option("--times", type=click.IntRange(1), default=3, show_default=True, help="How many.")
@store_option
@json_flag("Print the next times, or each run's summary, as JSON.")
@quiet_option
def schedule(
    files: tuple[str, ...],
    *,
    once: bool,
    dry_run: bool,
    times: int,
    store: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the crawls that have a [schedule], here, in the foreground.

    FILE is a crawl file; without any, those of seeds/ that have a [schedule]. A time that was
    missed while nothing ran is made up once. The first Ctrl-C stops in good order: a run under way
    goes on when the scheduler is started again.
    """
    with errors_told():
        crawls = scheduled_crawls([Path(file) for file in files], os.environ)
        if dry_run:
            _show_times(crawls, times, as_json=as_json)
            return
        scheduler_store = writable_store(store)
        if not quiet and not once:
            _tell_times(crawls)
        flags = ["--json"] if as_json else ["-q"] if quiet else []
        with _asked_to_stop() as wait:
            world = World(
                now=lambda: datetime.now(UTC),
                wait=wait,
                start=lambda crawl, run_id: _start(crawl, run_id, scheduler_store, flags),
                tell=(lambda _line: None) if quiet else (lambda line: click.echo(line, err=True)),
            )
            code = Scheduler(crawls, scheduler_store, world).run(once=once)
    sys.exit(code)


def _start(
    crawl: ScheduledCrawl, run_id: str, store: Store, flags: list[str]
) -> subprocess.Popen[bytes]:
    """Begin a run, or go on with one that was begun, in a process that a Ctrl-C doesn't reach."""
    run = run_key(crawl.crawl, run_id)
    words = ["run", str(crawl.file), "--run-id", run_id]
    if has_request(store, run):
        words = ["resume", run]
    command = [sys.executable, "-m", "workflows.cli.start", *words, "--store", store.url, *flags]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)


def _next_times(crawl: ScheduledCrawl, count: int) -> list[datetime]:
    zone = time_zone(crawl.schedule.timezone)
    fires = next_fires(crawl.schedule, crawl.crawl, datetime.now(UTC))
    return [fire.at.astimezone(zone).replace(microsecond=0) for fire in islice(fires, count)]


def _show_times(crawls: list[ScheduledCrawl], count: int, *, as_json: bool) -> None:
    """Print when the crawls run: data to stdout."""
    if as_json:
        told = [
            {
                "crawl": crawl.crawl,
                "file": str(crawl.file),
                **crawl.schedule.model_dump(),
                "times": _next_times(crawl, count),
            }
            for crawl in crawls
        ]
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    for crawl in crawls:
        for at in _next_times(crawl, count):
            click.echo(f"{crawl.crawl}  {_shown(at)}")


def _tell_times(crawls: list[ScheduledCrawl]) -> None:
    for crawl in crawls:
        (at,) = _next_times(crawl, 1)
        click.echo(f"{crawl.crawl}: next at {_shown(at)} ({crawl.schedule.cron})", err=True)


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"


@contextmanager
def _asked_to_stop() -> Iterator[Callable[[float], bool]]:
    """Count Ctrl-C and SIGTERM; give a wait that ends with the next one, and says so."""
    asked: list[int] = []

    def wait(seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not asked and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_S))
        if not asked:
            return False
        asked.clear()
        return True

    former = {
        number: signal.signal(number, lambda number, _frame: asked.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield wait
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
