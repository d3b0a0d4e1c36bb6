"""A value of an item and what gave it. A tuple: one is made for every value of every page."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

from scraper.rules import SiteRule

__all__ = ["Found", "FoundItem", "Item", "items_digest", "plain"]

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE

Item = dict[str, object]


class Found(NamedTuple):
    r"""A field's value; None, or an empty list, where there is none.

    `source` says in a few words what gave it (`css 'h1::text'`, `fallback 2: url '/(\d+)$'`);
    None if nothing did. `error` is what a page's outcome would say of this field.
    """

    value: object
    source: str | None = None
    error: str | None = None


FoundItem = dict[str, Found]


def plain(item: Mapping[str, Found]) -> Item:
    """The values alone. Raises: nothing."""
    return {name: found.value for name, found in item.items()}


def items_digest(items: Iterable[Item], rule: SiteRule | None) -> str:
    """The digest of a page's items: equal if they are, whenever and wherever it was fetched.

    Items that have a key may stand in any order. Raises: nothing.
    """
    lines = [orjson.dumps(item, option=_OPTIONS) for item in items]
    if rule is not None and rule.key is not None:
        lines.sort()
    return hashlib.sha256(b"".join(lines)).hexdigest()
