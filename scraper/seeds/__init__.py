"""Seeds: lists of URLs as a stream of rows, one reader a format.

A path, a URL or `-` in, one `RawRow` a row out, with the line that it begins on. Blank lines and
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
from scraper.seeds.names import crawl_name, is_list_url, list_suffixes
from scraper.seeds.options import (
    DEFAULTS,
    FetchedList,
    FetchList,
    ListFormat,
    ListOptions,
    NeedsNetwork,
)
from scraper.seeds.parquet import read_parquet
from scraper.seeds.rows import RawRow, excerpt, split_url
from scraper.seeds.sitemap_index import read_sitemaps
from scraper.seeds.source import OpenList, open_list, told_suffixes
from scraper.seeds.stream import ListStream
from scraper.seeds.table import read_csv, read_tsv
from scraper.seeds.text import read_text

__all__ = [
    "FetchList",
    "FetchedList",
    "ListFormat",
    "ListOptions",
    "NeedsNetwork",
    "RawRow",
    "crawl_name",
    "is_list_url",
    "list_suffixes",
    "read_inline",
    "read_seeds",
    "told_suffixes",
]

_READERS: dict[ListFormat, Callable[[ListStream, str | None], Iterator[RawRow]]] = {
    "txt": read_text,
    "csv": read_csv,
    "tsv": read_tsv,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}


def read_seeds(
    source: str,
    options: ListOptions = DEFAULTS,
    *,
    stdin: BinaryIO | None = None,
    fetch: FetchList | None = None,
) -> Iterator[RawRow]:
    """Read a list as a stream; nothing is opened before the first row is asked for.

    Args:
        source: a path, a URL, or `-` for standard input.
        options: how it is to be read, where its name and its bytes don't tell.
        stdin: what to read for `-`; the process's own if None.
        fetch: what fetches the list at a URL, and the sitemaps of an index.

    Raises:
        NeedsNetwork: there is something to fetch, and nothing to fetch it.
        ConfigError: the list can't be read, is none, or has no rows; with file and line.
    """
    with open_list(source, options, stdin=stdin, fetch=fetch) as opened:
        row = None
        for row in _rows(opened, options, fetch):
            yield row
        if row is None:
            raise ConfigError(f"{opened.stream.name}: the list is empty")


def _rows(opened: OpenList, options: ListOptions, fetch: FetchList | None) -> Iterator[RawRow]:
    if opened.form == "sitemap":
        return read_sitemaps(opened, options, fetch)
    return _READERS[opened.form](opened.stream, options.url_column)


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
