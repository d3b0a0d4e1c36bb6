"""What the commands print of a run, done or planned: text, or an object as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
import orjson

from scraper.layout import run_key
from scraper.publish.summary import Summary
from scraper.store import Store

if TYPE_CHECKING:
    from scraper.plan.capacity import Capacity
    from scraper.plan.estimate import Estimate, Planned

__all__ = [
    "capacity_text",
    "duration_text",
    "plan_text",
    "show_plan",
    "show_summary",
    "summary_text",
]


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
        f"{_counted(summary.items, 'item')} from {_counted(summary.hosts, 'host')} "
        f"in {summary.duration_s:.1f} s, "
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


def show_plan(planned: "Planned", capacity: "Capacity | None", *, as_json: bool) -> None:
    """Print what a run would be, here or on a cluster of this capacity: data to stdout."""
    if as_json:
        told = asdict(planned.estimate) | ({"capacity": asdict(capacity)} if capacity else {})
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(plan_text(planned.estimate, planned.last_run, not_due=planned.not_due))
    if capacity is not None:
        click.echo(capacity_text(capacity))


def plan_text(estimate: "Estimate", last_run: str | None, *, not_due: int = 0) -> str:
    """What a run would be, line by line; the first is law 1 before the run."""
    pages = estimate.rows - estimate.duplicates - estimate.invalid - not_due
    left = f"{not_due:,} not due + " if not_due else ""
    lines = [
        f"{estimate.rows:,} rows = {estimate.duplicates:,} duplicates + {estimate.invalid:,} "
        f"invalid + {left}{pages:,} to fetch",
        f"{_counted(estimate.hosts, 'host')} in {_counted(estimate.partitions, 'partition')}, "
        f"{_counted(estimate.batches, 'batch')}",
    ]
    if estimate.seconds_expected > 0:
        lines.append(f"time expected: {duration_text(estimate.seconds_expected)}; decided by")
        lines += _slow_lines(estimate)
    else:
        lines.append("time expected: none can be told, it is as fast as the hosts answer")
    if estimate.bytes_expected is None:
        lines.append("bytes expected: not known, this crawl has no published run")
    else:
        lines.append(f"bytes expected: {estimate.bytes_expected / 1e6:,.1f} MB, as in {last_run}")
    if estimate.disk_bytes_expected is None:
        lines.append("local disk expected: not known, this crawl has no published run")
    else:
        most = f"{estimate.disk_bytes_expected / 1e6:,.0f} MB"
        lines.append(f"local disk expected: at most {most}, beside the store")
    return "\n".join(lines)


def capacity_text(capacity: "Capacity") -> str:
    """What the size of a cluster means for a run, on one line."""
    replicas = f" in {_counted(capacity.replicas, 'replica')}" if capacity.replicas else ""
    return (
        f"on the cluster: {_counted(capacity.batches_at_once, 'batch')} at once{replicas}, "
        f"{_counted(capacity.rounds, 'round')} of partitions, "
        f"time expected: {duration_text(capacity.seconds_expected)}"
    )


def _slow_lines(estimate: "Estimate") -> list[str]:
    width = max(len(slow.host) for slow in estimate.slowest_hosts)
    return [
        f"  {slow.host:<{width}}  {slow.rows:>9,} rows  {duration_text(slow.seconds):>13}"
        for slow in estimate.slowest_hosts
    ]


def duration_text(seconds: float) -> str:
    """A duration in its two largest units: `2 h 5 min`. Raises: nothing."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    left, parts = round(seconds), list[tuple[int, str]]()
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count)


def _counted(count: int, word: str) -> str:
    """So many of something, in the number that they are."""
    ending = "" if count == 1 else "es" if word.endswith("ch") else "s"
    return f"{count:,} {word}{ending}"
