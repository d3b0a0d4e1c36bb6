"""What a reader of lists is told, and what fetches a list that stands at a URL."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scraper.errors import ConfigError

__all__ = ["DEFAULTS", "FetchList", "FetchedList", "ListFormat", "ListOptions", "NeedsNetwork"]

ListFormat = Literal["txt", "csv", "tsv", "jsonl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """How a list is to be read; what is None is told by its name and its bytes."""

    url_column: str | None = None
    encoding: str | None = None
    form: ListFormat | None = None


DEFAULTS = ListOptions()


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
