"""Lists that are put into a run before it is planned: whoever plans it may stand elsewhere.

A list from stdin can be read but once, and a list of the submitter's machine can't be read from
a cluster. In: a crawl's lists. Out: copies of them in the run, by the place they were named by;
later the same crawl, its lists read from those copies. Errors name a list as it was named.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO

from scraper.crawl import STDIN, CrawlSpec, InlineRows
from scraper.errors import ConfigError
from scraper.layout import run_key
from scraper.listsource import ListSource
from scraper.seeds import is_list_url
from scraper.seeds.names import shown_name
from scraper.store import Store

__all__ = ["lists_here", "upload_keys", "upload_lists", "upload_stdin"]

_IN_MEMORY_BYTES = 8_388_608


def upload_stdin(store: Store, run: str, stdin: BinaryIO) -> dict[str, str]:
    """Copy a list that can be read but once into a run. Raises: `StoreError`.

    Returns: the copy's name, by what the list is named by.
    """
    uploads = {STDIN: "uploads/stdin"}
    with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool:
        shutil.copyfileobj(stdin, spool)
        spool.seek(0)
        store.put(run_key(run, uploads[STDIN]), spool)
    return uploads


def upload_lists(store: Store, run: str, spec: CrawlSpec, stdin: BinaryIO) -> dict[str, str]:
    """Copy all of a crawl's lists that are on this machine into its run.

    Returns: the copies' names, by what the lists are named by.

    Raises:
        ConfigError: one can't be read.
        StoreError: the store failed.
    """
    uploads: dict[str, str] = {}
    for source in _sources(spec):
        if source == STDIN:
            uploads |= upload_stdin(store, run, stdin)
        elif source not in uploads and not is_list_url(source):
            uploads[source] = f"uploads/{len(uploads) + 1}"
            _upload(store, run_key(run, uploads[source]), source)
    return uploads


def lists_here(
    spec: CrawlSpec, uploads: Mapping[str, str], *, store: Store, run: str, scratch: Path
) -> CrawlSpec:
    """The crawl with those of its lists that were put into its run read from there.

    Raises:
        ConfigError: one isn't there any more.
        StoreError: the store failed.
    """
    paths: dict[str, Path] = {}
    for source, name in uploads.items():
        path = store.local_file(run_key(run, name), scratch)
        if path is None:
            shown = shown_name(source)
            raise ConfigError(f"{store.address(run)}: its copy of the list {shown} is gone")
        paths[source] = path
    return replace(spec, lists=tuple(_with_path(given, paths) for given in spec.lists))


def upload_keys(run: str, uploads: Mapping[str, str]) -> tuple[str, ...]:
    """Where the copies are. Raises: nothing."""
    return tuple(run_key(run, name) for name in uploads.values())


def _sources(spec: CrawlSpec) -> Iterable[str]:
    for given in spec.lists:
        if not isinstance(given, tuple):
            yield given.source if isinstance(given, ListSource) else given


def _upload(store: Store, key: str, source: str) -> None:
    try:
        with Path(source).open("rb") as file:
            store.put(key, file)
    except OSError as error:
        raise ConfigError(f"{source}: can't be opened: {error.strerror or error}") from error


def _with_path(
    given: str | ListSource | InlineRows, paths: Mapping[str, Path]
) -> str | ListSource | InlineRows:
    if isinstance(given, tuple):
        return given
    source = ListSource(source=given) if isinstance(given, str) else given
    return replace(source, path=paths.get(source.source))
