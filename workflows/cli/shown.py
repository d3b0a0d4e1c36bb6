"""What the commands print of a run: its sums as text, or the summary object as JSON."""

from dataclasses import asdict

import click
import orjson

from scraper.layout import run_key
from scraper.publish.summary import Summary
from scraper.store import Store

__all__ = ["show_summary", "summary_text"]


def show_summary(summary: Summary, store: Store, *, as_json: bool, quiet: bool) -> None:
    """Print how a run ended: data to stdout."""
    if as_json:
        click.echo(orjson.dumps(asdict(summary), option=orjson.OPT_INDENT_2).decode())
    elif not quiet:
        click.echo(summary_text(summary, store))


def summary_text(summary: Summary, store: Store) -> str:
    """A run's sums, line by line; the first is law 1."""
    outcomes = sum(summary.outcomes.values())
    parts = ", ".join(f"{count:,} {status}" for status, count in summary.outcomes.items() if count)
    run = f"{summary.crawl}/{summary.run_id}"
    lines = [
        f"{summary.rows:,} rows = {summary.duplicates:,} duplicates + {outcomes:,} outcomes "
        f"({parts or 'none'}): balanced",
        f"{summary.items:,} items from {summary.hosts:,} hosts in {summary.duration_s:.1f} s, "
        f"{summary.pages_per_s:,.1f} pages/s, {summary.bytes / 1e6:,.1f} MB",
    ]
    width = max((len(reason) for reason in summary.reasons), default=0)
    lines += [f"  {reason:<{width}}  {count:>9,}" for reason, count in summary.reasons.items()]
    for gate in summary.gates:
        word = "held" if gate.held else "FELL SHORT"
        lines.append(f"gate {gate.name}: {gate.value:g} (limit {gate.limit:g}): {word}")
    for name in ("items.parquet", "outcomes.parquet", "failed.jsonl", "report.html"):
        lines.append(f"{name.partition('.')[0]:<9} {store.address(run_key(run, name))}")
    return "\n".join(lines)
