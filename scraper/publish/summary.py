"""The summary of a run: its sums and its quality gates, as `summary.json` has them.

Values only: `scraper.publish` makes and writes them, the report and the command line show them.
Durations are in seconds, sizes in bytes.
"""

from dataclasses import dataclass

__all__ = ["Gate", "Summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One quality gate: its limit, what was found, whether it held."""

    name: str
    limit: float
    value: float
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The sums of a run, as `summary.json` has them.

    `changes` counts the URLs of each kind since the last published run; without one it is null.
    """

    crawl: str
    run_id: str
    rows: int
    duplicates: int
    invalid: int
    outcomes: dict[str, int]
    reasons: dict[str, int]
    hosts: int
    bytes: int
    pages_per_s: float
    duration_s: float
    items: int
    changes: dict[str, int] | None
    gates: tuple[Gate, ...]
    balanced: bool
    resumed: int

    @property
    def gates_held(self) -> bool:
        """Whether the run may become the latest."""
        return all(gate.held for gate in self.gates)
