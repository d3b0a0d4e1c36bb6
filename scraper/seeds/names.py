"""What a list's name tells: its suffixes, the name of its crawl, whether it stands at a URL.

A path, a URL or `-` in, text out. Pure.
"""

import re
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from scraper.errors import ConfigError
from scraper.seeds.options import ListFormat

__all__ = [
    "FORM_BY_SUFFIX",
    "STDIN",
    "crawl_name",
    "has_scheme",
    "is_list_url",
    "list_suffixes",
    "named_form",
    "shown_name",
]

STDIN = "-"

FORM_BY_SUFFIX: dict[str, ListFormat] = {
    ".txt": "txt",
    ".lst": "txt",
    ".urls": "txt",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xml": "sitemap",
}
"""The first suffix of a format is the one that a list without a name gets."""

_COMPRESSED = (".gz", ".zst")
_KNOWN_SUFFIXES = {*FORM_BY_SUFFIX, *_COMPRESSED, ".toml"}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_MAX_NAME = 100


def has_scheme(source: str) -> bool:
    """Whether a source is a URL of whatever scheme. Raises: nothing."""
    return _SCHEME.match(source) is not None


def is_list_url(source: str) -> bool:
    """Whether a source is a URL that can be fetched: `http://…` or `https://…`. Raises: nothing."""
    return _HTTP.match(source) is not None


def shown_name(source: str) -> str:
    """What errors call a list. Raises: nothing."""
    return "stdin" if source == STDIN else source


def list_suffixes(source: str) -> list[str]:
    """The suffixes of a list's name that are known here, in their order: `.jsonl`, `.gz`.

    Raises: nothing.
    """
    name, suffixes = _file_name(source), list[str]()
    while (suffix := re.search(r"\.\w+$", name)) and suffix[0].lower() in _KNOWN_SUFFIXES:
        name = name.removesuffix(suffix[0])
        suffixes.insert(0, suffix[0])
    return suffixes


def named_form(source: str) -> ListFormat | None:
    """The format that a list's suffix tells, `.gz` and `.zst` aside. Raises: nothing."""
    if source == STDIN:
        return None
    name = _file_name(source).lower()
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    return FORM_BY_SUFFIX.get(PurePosixPath(name).suffix)


def crawl_name(source: str) -> str:
    """The name of a list's crawl: its file's name without the suffixes known here.

    `seeds/x.jsonl.gz` is `x`, `shop.a.org.txt` is `shop.a.org`; a URL is called by host and
    stem: `https://a.org/lists/x.csv.gz` is `a.org-x`. What may not stand in a key of the store
    becomes `-`.

    Raises:
        ConfigError: standard input has no name.
    """
    if source == STDIN:
        raise ConfigError(f"{shown_name(source)}: a list without a name needs --crawl NAME")
    name = _file_name(source).removesuffix("".join(list_suffixes(source)))
    if is_list_url(source):
        parts = _split(source)
        name = "-".join(part for part in (parts.hostname or "", unquote(name)) if part)
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".-")[:_MAX_NAME] or "list"


def _file_name(source: str) -> str:
    """The last part of a path, or of a URL's path: its query doesn't count."""
    path = _split(source).path if is_list_url(source) else source
    return PurePosixPath(path).name


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # a bracket without its pair
        return SplitResult("", "", "", "", "")
