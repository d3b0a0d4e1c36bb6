"""Where a list comes from and what it is: opened, decompressed, its format told.

A path or `-` in, a stream of plain bytes out. What is no list (a folder, a picture, a web page)
or none that is read yet is a `ConfigError` that names it.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from isal import igzip

from scraper.errors import ConfigError
from scraper.seeds.options import DEFAULTS, ListFormat, ListOptions
from scraper.seeds.stream import ListStream

__all__ = [
    "GZIP_MAGIC",
    "ListFormat",
    "crawl_name",
    "is_list_url",
    "is_url",
    "list_format",
    "list_suffixes",
    "open_list",
    "told_suffixes",
]

STDIN = "-"

_FORMATS: dict[str, ListFormat] = {
    ".txt": "txt",
    ".lst": "txt",
    ".urls": "txt",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_NOT_READ_YET = {".parquet": "Parquet", ".xml": "sitemap", ".zst": "zstd"}
_KNOWN_SUFFIXES = {*_FORMATS, *_NOT_READ_YET, ".gz", ".toml"}

GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_MAGICS = {
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"PK\x03\x04": "ZIP or a spreadsheet",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PAR1": "Parquet",
    b"\xff\xfe": "UTF-16, it must be UTF-8",
    b"\xfe\xff": "UTF-16, it must be UTF-8",
    GZIP_MAGIC: "gzip twice over",
}
_MARKUP = (b"<?xml", b"<!doctype", b"<html")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_MAX_NAME = 100


@contextmanager
def open_list(source: str, *, stdin: BinaryIO | None = None) -> Iterator[ListStream]:
    """Open a list, plain or gzip (told by its bytes, not by its name); `-` is standard input.

    Args:
        source: a path or `-`.
        stdin: what to read for `-`; it is left open.

    Raises:
        ConfigError: missing, a folder, not to be read, no list, or of a format not read yet.
    """
    _refuse_unread(source)
    with ExitStack() as stack:
        if source == STDIN:
            stream = ListStream(_shown(source), stdin or sys.stdin.buffer)
        else:
            stream = ListStream(_shown(source), stack.enter_context(_open_file(source)))
        if stream.head.startswith(GZIP_MAGIC):
            plain = igzip.IGzipFile(fileobj=stream)  # type: ignore[no-untyped-call]  # no stub
            stream = ListStream(stream.name, stack.enter_context(closing(plain)))
        _refuse_binary(stream)
        yield stream


def list_format(source: str, head: bytes, *, url_column: str | None = None) -> ListFormat:
    """Tell a list's format by its suffix; where that says nothing, by its first bytes.

    Unnamed bytes are JSON lines if they begin with `{`, a table if a URL column is asked for or
    the first line names a column `url` beside others, and otherwise one URL a line.

    Raises:
        ConfigError: unnamed bytes that are a JSON array.
    """
    named = _FORMATS.get(Path(source.lower().removesuffix(".gz")).suffix)
    if named is not None and source != STDIN:
        return named
    text = head.removeprefix(_BOM).lstrip()
    if text.startswith(b"{"):
        return "jsonl"
    if text.startswith(b"["):
        raise ConfigError(f"{_shown(source)}: a JSON array is no list: write one object a line")
    first_line = re.split(rb"[\r\n]", text, maxsplit=1)[0].lower()
    cells = [cell.strip(b' "') for cell in re.split(rb"[,;\t]", first_line)]
    is_table = url_column is not None or (len(cells) > 1 and b"url" in cells)
    return "csv" if is_table else "txt"


def crawl_name(source: str) -> str:
    """The name of a list's crawl: its file's name without the suffixes known here.

    `seeds/x.jsonl.gz` is `x`, `shop.a.org.txt` is `shop.a.org`. What may not stand in a key of
    the store becomes `-`.

    Raises:
        ConfigError: standard input has no name.
    """
    if source == STDIN:
        raise ConfigError(f"{_shown(source)}: a list without a name needs --crawl NAME")
    parts = urlsplit(source.strip()) if is_url(source) else None
    path = parts.path.strip("/") if parts else source
    name = Path(path).name.removesuffix("".join(list_suffixes(path)))
    if parts:
        name = "-".join(part for part in (parts.hostname or "", name) if part)
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".-")[:_MAX_NAME] or "list"


def is_url(source: str) -> bool:
    """Whether a list has to be fetched. Raises: nothing."""
    return source.lower().startswith(("http://", "https://"))


def is_list_url(text: str) -> bool:
    """Whether a source is a URL that can be fetched. Raises: nothing."""
    return is_url(text)


def _shown(source: str) -> str:
    return "stdin" if source == STDIN else source


def list_suffixes(source: str) -> list[str]:
    """The suffixes of a list's name that are known here, in their order: `.jsonl`, `.gz`."""
    name, suffixes = Path(source).name, list[str]()
    while (suffix := re.search(r"\.\w+$", name)) and suffix[0].lower() in _KNOWN_SUFFIXES:
        name = name.removesuffix(suffix[0])
        suffixes.insert(0, suffix[0])
    return suffixes


def told_suffixes(path: Path, options: ListOptions = DEFAULTS) -> str:
    """The suffixes that a list without any should have, so that a copy of it is read alike.

    Raises:
        ConfigError: as `open_list` does.
    """
    with path.open("rb") as file, open_list(STDIN, stdin=file) as stream:
        suffix = options.form or list_format(STDIN, stream.head, url_column=options.url_column)
    with path.open("rb") as file:
        return f".{suffix}" + ".gz" * (file.read(2) == GZIP_MAGIC)


def _open_file(source: str) -> BinaryIO:
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise ConfigError(f"{source}: can't be opened: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{source!r}: is no path: {error}") from error


def _refuse_unread(source: str) -> None:
    if _URL.match(source):
        raise ConfigError(f"{source}: a list at a URL isn't read yet")
    kind = _NOT_READ_YET.get(Path(source.lower().removesuffix(".gz")).suffix)
    if kind is not None:
        raise ConfigError(f"{source}: the format isn't read yet: {kind}")


def _refuse_binary(stream: ListStream) -> None:
    for magic, kind in _MAGICS.items():
        if stream.head.startswith(magic):
            raise ConfigError(f"{stream.name}: is no list: binary ({kind})")
    if b"\0" in stream.head:
        raise ConfigError(f"{stream.name}: is no list: binary")
    if stream.head.removeprefix(_BOM).lstrip().lower().startswith(_MARKUP):
        raise ConfigError(f"{stream.name}: is no list: HTML or XML")
