"""A list that has to be fetched: what is asked for, what comes back, and who may not ask."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scraper.errors import ConfigError

__all__ = ["FetchList", "FetchedList", "NeedsNetwork"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedList:
    """A list as it was fetched: the file that holds it, the URL that gave it, its media type."""

    path: Path
    url: str
    content_type: str | None


FetchList = Callable[[str], FetchedList]
"""Fetches the list at a URL."""


class NeedsNetwork(ConfigError):
    """The list, or a part of it, is at a URL, and nobody is there to fetch it."""
