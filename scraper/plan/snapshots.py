"""Snapshots: the lists of a run kept in it, as `<run>/list*`, so that they can be looked up.

A file and standard input are kept as they were, byte for byte; rows of the crawl file, and of
lists that were fetched, as JSON lines.
"""

from pathlib import Path

import orjson

from scraper.layout import run_key
from scraper.listsource import ListSource
from scraper.plan.lists import Lists
from scraper.seeds import list_suffixes
from scraper.seeds.source import GZIP_MAGIC, list_format, open_list
from scraper.store import Store

__all__ = ["keep_lists"]

_STDIN = "-"
_SUFFIX_BY_FORMAT = {"sitemap": ".xml"}


def keep_lists(lists: Lists, *, run: str, store: Store) -> None:
    """Keep lists that were read to their end.

    Raises:
        StoreError: the store failed.
    """
    for place, source in enumerate(lists.sources):
        stem = f"list-{place + 1}" if len(lists.sources) > 1 else "list"
        if not isinstance(source, ListSource):
            lines = b"".join(orjson.dumps(row) + b"\n" for row in source)
            store.put(run_key(run, f"{stem}.jsonl"), lines)
        elif place in lists.fetched:
            lists.fetched[place].put(store, run_key(run, f"{stem}.jsonl.gz"))
        else:
            path = lists.path_of(source)
            store.put_file(run_key(run, stem + _suffixes(source, path)), path)


def _suffixes(source: ListSource, path: Path) -> str:
    """The suffixes of a snapshot: those of its list, or those that tell how it was read."""
    if source.form is None and source.source != _STDIN:
        named = "".join(list_suffixes(source.source))
        if named:
            return named
    suffix = _SUFFIX_BY_FORMAT.get(source.form or "") or f".{source.form or _told(source, path)}"
    with path.open("rb") as file:
        return suffix + ".gz" * (file.read(2) == GZIP_MAGIC)


def _told(source: ListSource, path: Path) -> str:
    with path.open("rb") as file, open_list(_STDIN, stdin=file) as stream:
        return list_format(_STDIN, stream.head, url_column=source.url_column)
