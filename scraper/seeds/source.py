"""Where a list comes from: opened or fetched, decompressed, its charset undone, its format told.

A path, a URL or `-` in, a stream of plain bytes out: UTF-8, unless it is Parquet. What can't be
opened, or is no list, is a `ConfigError` that names it.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from isal import igzip

from scraper.errors import ConfigError
from scraper.seeds.encoding import UTF8, Transcoder, told_encoding
from scraper.seeds.forms import GZIP_MAGIC, PARQUET_MAGIC, list_format, refuse_binary
from scraper.seeds.names import (
    FORM_BY_SUFFIX,
    STDIN,
    has_scheme,
    is_list_url,
    named_form,
    shown_name,
)
from scraper.seeds.options import (
    DEFAULTS,
    FetchedList,
    FetchList,
    ListFormat,
    ListOptions,
    NeedsNetwork,
)
from scraper.seeds.stream import Capped, ListStream, Readable
from scraper.seeds.zstd import is_zstd, open_zstd

__all__ = ["OpenList", "open_list", "told_suffixes"]

_NUL_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenList:
    """A list that can be read. `url` is where it stands at last, if it was fetched."""

    stream: ListStream
    form: ListFormat
    url: str | None


@contextmanager
def open_list(
    source: str,
    options: ListOptions = DEFAULTS,
    *,
    stdin: BinaryIO | None = None,
    fetch: FetchList | None = None,
) -> Iterator[OpenList]:
    """Open a list, plain, gzip or zstd (told by its bytes, not by its name).

    Args:
        source: a path, a URL, or `-` for standard input.
        options: how it is to be read.
        stdin: what to read for `-`; it is left open.
        fetch: what fetches the list at a URL.

    Raises:
        NeedsNetwork: a URL, and nothing to fetch it.
        ConfigError: missing, a folder, not to be read, or no list; whatever `fetch` raises.
    """
    fetched = _fetched(source, fetch)
    max_bytes = options.max_bytes if fetched else None
    with ExitStack() as stack:
        path = fetched.path if fetched else options.path
        raw = _raw_stream(source, path, stdin, stack, capped=fetched is not None)
        plain = _plain_stream(raw, max_bytes, stack)
        stream = _as_utf8(plain, options.encoding, fetched.content_type if fetched else None)
        form = _told_form(source, stream.head, options, fetched)
        yield OpenList(stream=stream, form=form, url=fetched.url if fetched else None)


def told_suffixes(path: Path, options: ListOptions = DEFAULTS) -> str:
    """The suffixes that a list without any should have, so that a copy of it is read alike.

    Raises:
        ConfigError: as `open_list` does.
    """
    with path.open("rb") as file:
        head = file.read(len(GZIP_MAGIC) + 2)
    with path.open("rb") as file, open_list(STDIN, options, stdin=file) as found:
        suffix = next(suffix for suffix, form in FORM_BY_SUFFIX.items() if form == found.form)
    return suffix + ".gz" * head.startswith(GZIP_MAGIC) + ".zst" * is_zstd(head)


def _fetched(source: str, fetch: FetchList | None) -> FetchedList | None:
    if not has_scheme(source):
        return None
    if not is_list_url(source):
        scheme = source.partition("://")[0].lower()
        raise ConfigError(f"{source}: a list is read from http and https, not from {scheme}")
    if fetch is None:
        raise NeedsNetwork(f"{source}: is at a URL, and nothing may be fetched here")
    return fetch(source)


def _raw_stream(
    source: str, path: Path | None, stdin: BinaryIO | None, stack: ExitStack, *, capped: bool
) -> ListStream:
    name = shown_name(source)
    if source == STDIN:
        return ListStream(name, stdin or sys.stdin.buffer)
    path = path or Path(source)
    try:
        file = path.open("rb")
    except OSError as error:
        raise ConfigError(f"{source}: can't be opened: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{source!r}: is no path: {error}") from error
    # A fetched list is read through its cap, whatever it is.
    return ListStream(name, stack.enter_context(file), path=None if capped else path)


def _plain_stream(raw: ListStream, max_bytes: int | None, stack: ExitStack) -> ListStream:
    plain: Readable = raw
    if raw.head.startswith(GZIP_MAGIC):
        plain = igzip.IGzipFile(fileobj=raw)  # type: ignore[no-untyped-call]  # no stub
        stack.enter_context(closing(plain))
    elif is_zstd(raw.head):
        plain = stack.enter_context(open_zstd(raw))
    if max_bytes is not None:
        plain = Capped(plain, max_bytes, raw.name)
    return raw if plain is raw else ListStream(raw.name, plain)


def _as_utf8(plain: ListStream, wanted: str | None, content_type: str | None) -> ListStream:
    """The list as UTF-8; Parquet as it is."""
    name = plain.name
    refuse_binary(plain.head, name)
    if plain.head.startswith(PARQUET_MAGIC):
        return plain
    charset = told_encoding(plain.head, wanted=wanted, content_type=content_type, name=name)
    if charset != UTF8:
        plain = ListStream(name, Transcoder(plain, charset))
    if b"\0" in plain.head[:_NUL_BYTES]:
        raise ConfigError(f"{name}: is no list: binary")
    return plain


def _told_form(
    source: str, head: bytes, options: ListOptions, fetched: FetchedList | None
) -> ListFormat:
    if options.form is not None:
        return _asked_form(source, head, options.form)
    if fetched is None:
        return list_format(source, head, url_column=options.url_column)
    # Behind a link without a suffix there may be a file that has one.
    name = source if named_form(source) else fetched.url
    return list_format(name, head, url_column=options.url_column, content_type=fetched.content_type)


def _asked_form(source: str, head: bytes, form: ListFormat) -> ListFormat:
    """The format that was asked for, if the bytes don't contradict it."""
    told = list_format(STDIN, head)
    if told != form and {told, form} & {"parquet", "sitemap"}:
        raise ConfigError(f"{shown_name(source)}: was to be read as {form}, but is {told}")
    return form
