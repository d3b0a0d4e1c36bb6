"""What stands in `seeds = [...]`: rows of the crawl file itself, and lists elsewhere.

A text that is the URL of a list, or no URL at all, is a list; any other URL is a row. A table
with `list` and without `url` is a list with options:

    {list = "https://example.org/export?type=csv", format = "csv", url_column = "link"}

Pure. What is wrong with a table is a `ValueError` that names the key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from scraper.charsets import named_charset
from scraper.seeds import ListFormat, is_list_url
from scraper.seeds.rows import split_url
from scraper.settings import nearest

__all__ = ["ListSource", "is_row", "list_source"]

_NAME_OF_A_LIST = re.compile(
    r"://[^/]+/.*\.((txt|csv|tsv|jsonl|ndjson|parquet|xml)(\.(gz|zst))?|gz|zst)$", re.IGNORECASE
)
_LIST = "list"
_KEYS = (_LIST, "format", "url_column", "encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSource:
    """A list: a path, a URL or `-`, and how it is to be read where that can't be told from it.

    `path` is a copy of it on this machine, where it can't be read from its source.
    """

    source: str
    url_column: str | None = None
    form: ListFormat | None = None
    encoding: str | None = None
    path: Path | None = None


def is_row(seed: str | Mapping[str, object]) -> bool:
    """Whether a seed of a crawl file is a row of its own. Raises: nothing."""
    if isinstance(seed, str):
        path = re.split(r"[?#]", seed.strip(), maxsplit=1)[0]
        return "://" in seed and not (is_list_url(seed.strip()) and _NAME_OF_A_LIST.search(path))
    return _LIST not in seed or split_url(seed)[0] is not None


def list_source(seed: str | Mapping[str, object], folder: Path) -> ListSource:
    """The list that a seed which is no row stands for; paths are relative to a folder.

    Raises:
        ValueError: an unknown key or format, a value that is no text.
    """
    options = {_LIST: seed} if isinstance(seed, str) else _checked(seed)
    source = str(options[_LIST])
    form = options.get("format")
    formats = get_args(ListFormat)
    if form is not None and form not in formats:
        raise ValueError(f"unknown format {form!r}{nearest(form, formats)}")
    return ListSource(
        source=source.strip() if is_list_url(source.strip()) else str(folder / source),
        url_column=options.get("url_column"),
        form=form,  # type: ignore[arg-type]  # it is one of them
        encoding=options.get("encoding"),
    )


def _checked(table: Mapping[str, object]) -> dict[str, str]:
    options: dict[str, str] = {}
    for key, value in table.items():
        if key not in _KEYS:
            raise ValueError(f"unknown key {key!r}{nearest(key, _KEYS)}")
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{key} must be a text")
        options[key] = value
    named_charset(options.get("encoding", "utf-8"))
    return options
