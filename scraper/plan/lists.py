"""The lists of one planning, read as one stream of rows; those at a URL are fetched.

In: a `CrawlSpec` and what comes from outside (standard input, the network). Out: its rows in
their order. A list that is fetched is kept row by row as it comes in: it can't be read again.
Raises `ConfigError` for what is no list, `ScraperError` for one that can't be had now.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import httpx

from scraper.crawl import STDIN, CrawlSpec, InlineRows
from scraper.errors import ConfigError
from scraper.fetch.lists import ListFetcher
from scraper.listsource import ListSource
from scraper.models import HostMemory
from scraper.parts import PartWriter, packed
from scraper.seeds import (
    FetchedList,
    ListOptions,
    RawRow,
    is_list_url,
    read_inline,
    read_seeds,
)
from scraper.seeds.rows import FAILED, URL
from scraper.stopping import StopFlag

__all__ = ["Inputs", "Lists"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What comes from outside: standard input, the flag that stops all, the way to the network.

    `transport` takes requests instead of the network.
    """

    stdin: BinaryIO | None = None
    stop: StopFlag | None = None
    transport: httpx.AsyncBaseTransport | None = None


class Lists:
    """A crawl's lists; a context manager.

    Args:
        spec: the crawl.
        scratch: a folder for what has to become a file.
        inputs: what comes from outside; none: what isn't on this machine is `NeedsNetwork`.
    """

    def __init__(self, spec: CrawlSpec, scratch: Path, inputs: Inputs | None) -> None:
        self.sources: tuple[ListSource | InlineRows, ...] = tuple(
            _with_defaults(source, spec) for source in spec.lists
        )
        self.fetched: dict[int, PartWriter] = {}
        """The rows of the lists that were fetched, by the place of the list, from 0."""
        self._settings, self._scratch, self._inputs = spec.settings, scratch, inputs
        self._stack = ExitStack()
        self._fetcher: ListFetcher | None = None
        self._fetches = 0

    def __enter__(self) -> "Lists":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def rows(self) -> Iterator[RawRow]:
        """All rows of all lists, once.

        Raises:
            ConfigError: a list is none, or can't be had.
            NeedsNetwork: it isn't on this machine, and nothing comes from outside.
            ScraperError: it can't be had now.
            Stopped: the stop flag was set.
        """
        for place, source in enumerate(self.sources):
            if isinstance(source, ListSource):
                yield from self._rows_of(source, place)
            else:
                yield from read_inline(source)

    def memories(self) -> list[HostMemory]:
        """What the run must know of the hosts that gave lists. Raises: nothing."""
        return self._fetcher.memories() if self._fetcher is not None else []

    def path_of(self, source: ListSource) -> Path:
        """The file of a list that wasn't fetched. Raises: nothing."""
        if source.path is not None:
            return source.path
        return self._scratch / STDIN if source.source == STDIN else Path(source.source)

    def _rows_of(self, source: ListSource, place: int) -> Iterator[RawRow]:
        fetches = self._fetches
        for raw in self._read(source):
            # A sitemap index may be a file: that its sitemaps are fetched shows only here.
            if self._fetches > fetches:
                self._kept(place).write(_line(raw, source.url_column or URL))
            yield raw

    def _read(self, source: ListSource) -> Iterator[RawRow]:
        path, lists, stdin = self.path_of(source), self._settings.all.lists, None
        if source.source == STDIN:
            if source.path is None:
                self._copy_stdin(path)
            stdin = self._stack.enter_context(path.open("rb"))
        elif not is_list_url(source.source) and path.is_fifo():
            raise ConfigError(f"{path}: is a pipe: give it to stdin, as `scraper run -`")
        options = ListOptions(
            url_column=source.url_column,
            encoding=source.encoding,
            form=source.form,
            path=source.path,
            max_bytes=lists.max_bytes,
            max_sitemaps=lists.max_sitemaps,
        )
        fetch = self._fetch if self._inputs is not None else None
        return read_seeds(source.source, options, stdin=stdin, fetch=fetch)

    def _copy_stdin(self, path: Path) -> None:
        """Standard input can be read but once: from here on it is a file."""
        stdin = self._inputs.stdin if self._inputs is not None else None
        assert stdin is not None, "a list from stdin needs the stream"
        with path.open("wb") as file:
            shutil.copyfileobj(stdin, file)

    def _fetch(self, url: str) -> FetchedList:
        assert self._inputs is not None
        if self._fetcher is None:
            self._fetcher = self._stack.enter_context(
                ListFetcher(
                    self._settings,
                    self._scratch,
                    stop=self._inputs.stop,
                    transport=self._inputs.transport,
                )
            )
        self._fetches += 1
        return self._fetcher(url)

    def _kept(self, place: int) -> PartWriter:
        if place not in self.fetched:
            self.fetched[place] = self._stack.enter_context(PartWriter())
        return self.fetched[place]


def _with_defaults(
    source: str | ListSource | InlineRows, spec: CrawlSpec
) -> ListSource | InlineRows:
    """A list with what the crawl says of all its lists, where it says nothing itself."""
    if isinstance(source, tuple):
        return source
    given = ListSource(source=source) if isinstance(source, str) else source
    return replace(
        given,
        url_column=given.url_column or spec.url_column,
        encoding=given.encoding or spec.settings.all.lists.encoding,
    )


def _line(raw: RawRow, url_column: str) -> bytes:
    """A row as a line of JSON that is read alike; what had no URL has none again."""
    line = {url_column: raw.url} | raw.columns
    return packed(line if raw.url is not None else line | {FAILED: {"text": raw.text}})
