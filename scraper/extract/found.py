"""A value of an item and what gave it. A tuple: one is made for every value of every page."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Found", "FoundItem", "Item", "plain"]

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
