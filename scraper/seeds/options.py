"""What a reader of lists is told, and what fetches a list that stands at a URL.

`FetchList` is a seam: this package opens no connection. Values and a type, no errors of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scraper.errors import ConfigError

__all__ = ["DEFAULTS", "FetchList", "FetchedList", "ListFormat", "ListOptions", "NeedsNetwork"]

ListFormat = Literal["txt", "csv", "tsv", "jsonl", "parquet", "sitemap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """How a list is to be read; what is None is told by its name and its bytes.

    `url_column` is the column of the URL in tables, JSON lines and Parquet. `encoding` is a
    charset's label, and overrides even a byte order mark. `form` overrides name and content
    type. `path` is where a list is that is named by a path of another machine. `max_bytes` caps a
    fetched list (each sitemap of an index for itself), decompressed; a local list has no cap.
    `max_sitemaps` is how many an index may lead to, all levels together.
    """

    url_column: str | None = None
    encoding: str | None = None
    form: ListFormat | None = None
    path: Path | None = None
    max_bytes: int | None = None
    max_sitemaps: int = 50_000


DEFAULTS = ListOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedList:
    """A list that was fetched.

    `path` holds the body, its Content-Encoding undone; `url` is the final one, after redirects.
    The file is its fetcher's to remove: not before the next one is asked for, nor before all
    rows are read.
    """

    path: Path
    url: str
    content_type: str | None


FetchList = Callable[[str], FetchedList]
"""Fetches the list at a URL; raises `ConfigError` or another `ScraperError` that names it."""


class NeedsNetwork(ConfigError):
    """A list, or a sitemap of an index, stands at a URL, and nothing was given to fetch it."""
