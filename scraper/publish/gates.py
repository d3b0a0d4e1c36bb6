"""The quality gates: what must hold before a run becomes its crawl's latest.

In: the settings, the sums of a run and its tables. Out: one `Gate` for each that is set. A field's
coverage is its share of values among the items whose rule has it; an empty text or list is none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from duckdb import DuckDBPyConnection

from scraper.models import Status
from scraper.publish.dataset import Sums
from scraper.publish.summary import Gate
from scraper.rules import GENERIC_FIELDS, SiteRule
from scraper.settings_table import Gates
from scraper.tables import quoted, quoted_name, scalar

__all__ = ["Measured", "check_gates", "measure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What only the gates ask for. `coverage` is by field."""

    max_failed_per_host: int = 0
    coverage: dict[str, float] = field(default_factory=dict)


def measure(tables: DuckDBPyConnection, gates: Gates, sites: Sequence[SiteRule]) -> Measured:
    """Look into the tables `outcomes` and `items` for what the gates that are set ask for."""
    worst = 0
    if gates.max_failed_per_host is not None:
        worst = scalar(tables, _WORST_HOST)
    coverage = {name: _coverage(tables, name, sites) for name in gates.coverage}
    return Measured(max_failed_per_host=worst, coverage=coverage)


def check_gates(gates: Gates, found: Sums, measured: Measured | None = None) -> tuple[Gate, ...]:
    """Hold what was found against the gates that are set. Raises: nothing."""
    return tuple(_checked(gates, found, measured or Measured()))


_WORST_HOST = f"""
SELECT max(failed) FROM (
    SELECT count(*) AS failed FROM outcomes
    WHERE status = {quoted(Status.FAILED)} AND host IS NOT NULL GROUP BY host
)
"""


def _checked(gates: Gates, found: Sums, measured: Measured) -> Iterator[Gate]:
    outcomes = sum(found.outcomes.values())
    good = found.outcomes.get(Status.OK, 0) + found.outcomes.get(Status.UNCHANGED, 0)
    if gates.min_ok_share > 0:
        share = round(good / outcomes, 6) if outcomes else 0.0
        yield _at_least("min_ok_share", gates.min_ok_share, share)
    if gates.max_failed is not None:
        yield _at_most("max_failed", gates.max_failed, found.outcomes.get(Status.FAILED, 0))
    if gates.max_failed_per_host is not None:
        worst = measured.max_failed_per_host
        yield _at_most("max_failed_per_host", gates.max_failed_per_host, worst)
    if gates.min_items is not None:
        yield _at_least("min_items", gates.min_items, found.items)
    for name, limit in gates.coverage.items():
        yield _at_least(f"coverage.{name}", limit, measured.coverage.get(name, 0.0))


def _at_least(name: str, limit: float, value: float) -> Gate:
    return Gate(name=name, limit=limit, value=value, held=value >= limit)


def _at_most(name: str, limit: float, value: float) -> Gate:
    return Gate(name=name, limit=limit, value=value, held=value <= limit)


def _coverage(tables: DuckDBPyConnection, name: str, sites: Sequence[SiteRule]) -> float:
    """The share of items with a value, of those whose rule has the field; without any it is 0."""
    there = {column.lower() for column in tables.table("items").columns}
    if name.lower() not in there:
        return 0.0
    having = [rule.name for rule in sites if name.lower() in {key.lower() for key in rule.fields}]
    of_rules = f"site IN ({', '.join(map(quoted, having))})" if having else "false"
    generic = "site IS NULL" if name.lower() in GENERIC_FIELDS else "false"
    value = f"CAST({quoted_name(name)} AS VARCHAR)"
    found = tables.execute(
        f"SELECT count(*), count(*) FILTER ({value} NOT IN ('', '[]')) FROM items "
        f"WHERE {of_rules} OR {generic}"
    ).fetchone()
    total, covered = found if found is not None else (0, 0)
    return round(covered / total, 6) if total else 0.0
