"""Sitemap indexes: each of their sitemaps is fetched and read in its place.

A sitemap or an index in, rows out. A sitemap may be XML or plain text, compressed or not; an
index may lead to indexes, three levels in all; each URL is read once. One that can't be fetched
or read makes the list incomplete: that is a `ConfigError` which names it and its index.
"""

from collections.abc import Iterator
from dataclasses import replace

from scraper.errors import ConfigError, ScraperError
from scraper.seeds.options import FetchList, ListOptions, NeedsNetwork
from scraper.seeds.rows import RawRow, excerpt
from scraper.seeds.sitemap import SitemapLink, read_sitemap
from scraper.seeds.source import OpenList, open_list
from scraper.seeds.text import read_text
from scraper.urls import join_url, parse_url

__all__ = ["read_sitemaps"]

_MAX_LEVELS = 3


def read_sitemaps(
    opened: OpenList, options: ListOptions, fetch: FetchList | None
) -> Iterator[RawRow]:
    """Give the rows of a sitemap, or of all that an index leads to, in document order.

    The line of a row is that of its own sitemap.

    Args:
        opened: the sitemap or index.
        options: those of the list; `encoding`, `max_bytes` and `max_sitemaps` hold further on.
        fetch: what fetches the sitemaps of an index.

    Raises:
        NeedsNetwork: an index, and nothing to fetch its sitemaps.
        ConfigError: one of them can't be fetched or read, or they are too many or too deep.
        ScraperError: `fetch` failed for a reason of its own.
    """
    return _Walk(options, fetch).rows(opened, 1)


class _Walk:
    """The way through one index and all below it."""

    def __init__(self, options: ListOptions, fetch: FetchList | None) -> None:
        self._left = options.max_sitemaps
        self._options = replace(options, form=None, url_column=None)
        self._fetch = fetch
        self._seen: set[str] = set()

    def rows(self, opened: OpenList, level: int) -> Iterator[RawRow]:
        """The rows of a sitemap, or of an index on this level, from 1."""
        here = parse_url(opened.url) if opened.url is not None else None
        if here is not None:
            self._seen.add(here.key)
        for entry in read_sitemap(opened.stream):
            if isinstance(entry, RawRow):
                yield entry
            else:
                yield from self._linked(entry, opened, level)

    def _linked(self, link: SitemapLink, index: OpenList, level: int) -> Iterator[RawRow]:
        where = f"{index.stream.name}: line {link.line}"
        if level > _MAX_LEVELS:
            raise ConfigError(f"{where}: indexes lead to indexes more than {_MAX_LEVELS} deep")
        joined = join_url(index.url, link.loc) if index.url is not None else link.loc
        url = parse_url(joined) if link.loc and joined else None
        if url is None:
            raise ConfigError(f"{where}: the URL of a sitemap is wrong: {excerpt(link.loc)!r}")
        if url.key in self._seen:
            return
        self._seen.add(url.key)
        self._left -= 1
        if self._left < 0:
            raise ConfigError(f"{where}: leads to more than {self._options.max_sitemaps} sitemaps")
        if self._fetch is None:
            raise NeedsNetwork(f"{where}: is a sitemap index, and nothing may be fetched here")
        try:
            yield from self._child(url.href, level)
        except ScraperError as error:
            kind = ConfigError if isinstance(error, ConfigError) else ScraperError
            raise kind(f"{where}: its sitemap can't be read: {error}") from error

    def _child(self, url: str, level: int) -> Iterator[RawRow]:
        with open_list(url, self._options, fetch=self._fetch) as opened:
            if opened.form == "sitemap":
                yield from self.rows(opened, level + 1)
            elif opened.form == "txt":
                yield from read_text(opened.stream)
            else:
                raise ConfigError(f"{url}: is no sitemap: {opened.form}")
