"""Seeds: lists of URLs as a stream of rows, one reader a format.

A path or `-` in, one `RawRow` a row out, with the line that it begins on. Blank lines and
comments are no rows; a bad row is a row without a URL, and reading goes on. A file that is no
list is a `ConfigError` that names it.

    for row in read_seeds("shops.csv.gz"):
        print(row.line, row.url, row.columns)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time
from typing import BinaryIO

from scraper.errors import ConfigError
from scraper.seeds.jsonl import read_jsonl
from scraper.seeds.options import FetchedList, FetchList, ListFormat, NeedsNetwork
from scraper.seeds.rows import RawRow, excerpt, split_url
from scraper.seeds.source import (
    crawl_name,
    is_list_url,
    is_url,
    list_format,
    list_suffixes,
    open_list,
)
from scraper.seeds.stream import ListStream
from scraper.seeds.table import read_csv, read_tsv
from scraper.seeds.text import read_text

__all__ = [
    "FetchList",
    "FetchedList",
    "NeedsNetwork",
    "RawRow",
    "crawl_name",
    "is_list_url",
    "list_suffixes",
    "read_inline",
    "read_seeds",
]

_READERS: dict[ListFormat, Callable[[ListStream, str | None], Iterator[RawRow]]] = {
    "txt": read_text,
    "csv": read_csv,
    "tsv": read_tsv,
    "jsonl": read_jsonl,
}


def read_seeds(
    source: str,
    *,
    url_column: str | None = None,
    stdin: BinaryIO | None = None,
    encoding: str | None = None,
    form: ListFormat | None = None,
    fetch: FetchList | None = None,
    max_bytes: int | None = None,
    max_sitemaps: int = 50_000,
) -> Iterator[RawRow]:
    """Read a list as a stream; nothing is opened before the first row is asked for.

    Args:
        source: a path, a URL, or `-` for standard input.
        url_column: the column of the URL in tables and JSON lines; `url` if None.
        stdin: what to read for `-`; the process's own if None.
        encoding: not used yet.
        form: the list's format; told from its name or its bytes if None.
        fetch: fetches a list at a URL.
        max_bytes: not used yet.
        max_sitemaps: not used yet.

    Raises:
        ConfigError: the list can't be read, is none, or has no rows; with file and line.
        NeedsNetwork: the list has to be fetched, and `fetch` is None.
    """
    path = source
    if is_url(source):
        if fetch is None:
            raise NeedsNetwork(f"{source}: a list at a URL has to be fetched")
        path = str(fetch(source).path)
    with open_list(path, stdin=stdin) as stream:
        name = form or list_format(source, stream.head, url_column=url_column)
        row = None
        for row in _READERS[name](stream, url_column):
            yield row
        if row is None:
            raise ConfigError(f"{stream.name if source == path else source}: the list is empty")


def read_inline(rows: Iterable[str | Mapping[str, object]]) -> Iterator[RawRow]:
    """Give the rows that stand in a crawl file: a URL, or a table with a `url`.

    `line` is a row's place among them, from 1. Dates and times become text.

    Raises:
        ConfigError: a row without a URL.
    """
    for place, row in enumerate(rows, 1):
        given: Mapping[str, object] = {"url": row} if isinstance(row, str) else row
        url, columns = split_url({key: _plain(value) for key, value in given.items()})
        if url is None:
            raise ConfigError(f"seeds: row {place} has no url: {excerpt(repr(row))}")
        yield RawRow(line=place, url=url, text=excerpt(url), columns=columns)


def _plain(value: object) -> object:
    """A value of TOML as one of JSON."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value
