"""A page → its `<meta>` elements: names in lower case, contents with white space collapsed.

The tree is only read. No errors.

Source: https://html.spec.whatwg.org/ (metadata, microdata), https://ogp.me/ (Open Graph).
"""

from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser

from scraper.extract.text import collapse

__all__ = ["Meta", "page_metas"]


_NAMES = ("property", "name", "itemprop")


class Meta(NamedTuple):
    """One element. `name` is its property, or else its name; `names` are all that it has."""

    name: str
    names: list[str]
    content: str


def page_metas(tree: LexborHTMLParser) -> list[Meta]:
    """All that have content, in document order. Raises: nothing."""
    metas: list[Meta] = []
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        given = [(attributes.get(key) or "").strip().lower() for key in _NAMES]
        content = collapse(attributes.get("content") or "")
        metas.append(Meta(given[0] or given[1], given, content))
    return metas
