"""`scraper list`: the crawls and runs of a store."""

from dataclasses import asdict

import orjson
import rich_click as click

from scraper.runs import RunState, existing_store, list_runs
from workflows.cli.options import json_flag, store_option
from workflows.cli.told import errors_told

__all__ = ["list_", "runs_text"]

_COUNTS = ("rows", "ok", "unchanged", "skipped", "failed")


@click.command("list")
@click.argument("crawl", required=False)
@store_option
@json_flag("Print an array of objects, one a run.")
def list_(crawl: str | None, store: str, as_json: bool) -> None:
    """List the runs of all crawls, or of CRAWL, newest first.

    A run is the latest of its crawl, published, published although a quality gate fell short
    (so that it isn't the latest), or unfinished: stopped, killed or still at work.
    """
    with errors_told():
        runs = list_runs(existing_store(store), crawl)
        if as_json:
            option = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
            click.echo(orjson.dumps([asdict(run) for run in runs], option=option).decode())
        elif runs:
            click.echo(runs_text(runs))
        else:
            click.echo(f"no runs in {store} yet", err=True)


def runs_text(runs: list[RunState]) -> str:
    """The runs as aligned columns, crawl by crawl; the crawl with the newest run comes first."""
    table = [("", "state", *_COUNTS, "began (UTC)"), *map(_cells, runs)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines: dict[str, list[str]] = {}
    for run, cells in zip(runs, table[1:], strict=True):
        lines.setdefault(run.crawl, []).append(_line(cells, widths))
    parts = [_line(table[0], widths)]
    for crawl, its_lines in lines.items():
        parts += [crawl, *its_lines]
    return "\n".join(parts)


def _cells(run: RunState) -> tuple[str, ...]:
    counts = (getattr(run, name) for name in _COUNTS)
    shown = ("-" if count is None else str(count) for count in counts)
    return (run.run_id, run.state, *shown, f"{run.began_at:%Y-%m-%d %H:%M}")


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    counts = (cell.rjust(width) for cell, width in zip(cells[2:-1], widths[2:-1], strict=True))
    return f"  {padded[0]}  {padded[1]}  {' '.join(counts)}  {padded[-1]}".rstrip()
