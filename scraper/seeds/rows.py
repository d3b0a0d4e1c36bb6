"""What every format's reader gives: one `RawRow` a row of the list.

A reader never judges a URL: it says where the row stands, which text is its URL and which
columns ride along. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["EXCERPT_BYTES", "URL", "RawRow", "column_name", "excerpt", "split_url"]

URL = "url"
"""The column that holds the URL, unless another one is asked for."""

EXCERPT_BYTES = 2048

FAILED = "_failed"
"""What `failed.jsonl` adds to a row stands under this name, and is dropped on reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row as it stands in the list, its URL not yet parsed.

    `line` is the line that it begins on, from 1. `url` is trimmed, never empty; None is a row
    without a URL. `text` is the row as given, at most 2 KB of it, for the outcome of a bad row.
    """

    line: int
    url: str | None
    text: str
    columns: dict[str, object] = field(default_factory=dict)


def excerpt(text: str) -> str:
    """At most 2 KB of a text, cut between two characters. Raises: nothing."""
    if len(text) * 4 <= EXCERPT_BYTES:
        return text
    data = text[:EXCERPT_BYTES].encode(errors="replace")
    return data[:EXCERPT_BYTES].decode(errors="ignore")


def column_name(name: str, place: int) -> str:
    """A column's name, trimmed; one without a name is called by its place, from 1."""
    return name.strip() or f"column_{place}"


def split_url(
    row: Mapping[str, object], url_column: str = URL
) -> tuple[str | None, dict[str, object]]:
    """Part a row's URL from its columns; None if it has none.

    Names are trimmed and compared without case; of two that are equal the first one counts.

    Raises: nothing.
    """
    wanted = url_column.strip().lower()
    url: object = None
    seen = {FAILED}
    columns: dict[str, object] = {}
    for place, (key, value) in enumerate(row.items(), 1):
        name = column_name(key, place)
        folded = name.lower()
        if folded in seen:
            continue
        seen.add(folded)
        if folded == wanted:
            url = value
        else:
            columns[name] = value
    return (url.strip() or None) if isinstance(url, str) else None, columns
