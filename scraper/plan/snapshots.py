"""Snapshots: the lists of a run kept in it, as `<run>/list*`, so that they can be looked up.

A file and standard input are kept as they were, byte for byte; rows of the crawl file, and of
lists that were fetched, as JSON lines.
"""

from pathlib import Path

import orjson

from scraper.crawl import STDIN
from scraper.layout import run_key
from scraper.listsource import ListSource
from scraper.plan.lists import Lists
from scraper.seeds import ListOptions, list_suffixes, told_suffixes
from scraper.store import Store

__all__ = ["keep_lists"]


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
    named = "" if source.source == STDIN or source.form else "".join(list_suffixes(source.source))
    options = ListOptions(url_column=source.url_column, encoding=source.encoding, form=source.form)
    return named or told_suffixes(path, options)
