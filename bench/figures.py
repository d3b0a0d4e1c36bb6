"""Rounds of measurements → figures: medians with their spread, start-up apart, ratios.

Rates are pages a second, CPU is in milliseconds a page. What a run of ten URLs takes (imports,
planning, publishing) is its start-up: a page's own share is what is beyond it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from measure import Taken

__all__ = ["FEW", "Figures", "Round", "Spread", "figures", "ratio"]

FEW = 10
"""URLs of the run that shows the start-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a tool took in one round: for a few URLs, and for all."""

    few: Taken
    all: Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A median and what lies around it."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is reported of a tool: `rate` and `cpu_ms` beyond the start-up, `whole_rate` with it."""

    rate: Spread
    whole_rate: Spread
    cpu_ms: Spread
    startup_s: Spread
    startup_cpu_s: Spread
    peak_mib: Spread


def figures(rounds: Sequence[Round], pages: int) -> Figures:
    """The figures of a tool. Raises: nothing."""
    # One start-up for all rounds, so that its own spread isn't added to that of each.
    startup_s = median(r.few.wall_s for r in rounds)
    startup_cpu_s = median(r.few.cpu_s for r in rounds)
    more = pages - FEW
    return Figures(
        rate=_spread([more / max(r.all.wall_s - startup_s, 1e-3) for r in rounds]),
        whole_rate=_spread([pages / r.all.wall_s for r in rounds]),
        cpu_ms=_spread([(r.all.cpu_s - startup_cpu_s) / more * 1000 for r in rounds]),
        startup_s=_spread([r.few.wall_s for r in rounds]),
        startup_cpu_s=_spread([r.few.cpu_s for r in rounds]),
        peak_mib=_spread([r.all.peak_bytes / 2**20 for r in rounds]),
    )


def ratio(found: Mapping[str, Figures], name: str, other: str) -> float | None:
    """How many times the pages a second of another tool; none if either wasn't run."""
    if name not in found or other not in found:
        return None
    return found[name].rate.median / found[other].rate.median


def _spread(values: Sequence[float]) -> Spread:
    return Spread(median=median(values), low=min(values), high=max(values))
