"""The errors that leave a stage.

    ScraperError
    ├── ConfigError   a list, a key, a rule is wrong: told before anything is fetched
    ├── StoreError    the store failed us (full disk, no rights, gone): the run stops, resumable
    ├── LeaseHeld     another run of the crawl is alive: this one doesn't begin
    ├── LeaseLost     another process took the run's lease over: this one stops
    ├── OutputError   what was asked for can't be written where it should go
    └── RunError      the run can't be published: its sums do not balance

What a server or a page does wrong is never an error here: it is an `Outcome` with a `Reason`.
"""

__all__ = [
    "ConfigError",
    "LeaseHeld",
    "LeaseLost",
    "OutputError",
    "RunError",
    "ScraperError",
    "StoreError",
]


class ScraperError(Exception):
    """Base of all errors that a stage lets out."""


class ConfigError(ScraperError):
    """The user's input is wrong; the message names file, line or key."""


class StoreError(ScraperError):
    """The store can't be read or written."""


class OutputError(ScraperError):
    """A file or a pipe takes no more of what is written to it."""


class RunError(ScraperError):
    """A run does not add up."""


class LeaseHeld(ScraperError):
    """Another run of the crawl is alive; the message names it."""


class LeaseLost(ScraperError):
    """The lease isn't ours any more."""
