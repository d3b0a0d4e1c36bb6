"""A page → its `<meta>` elements: names in lower case, contents with white space collapsed.

The tree is only read. No errors.

Source: https://html.spec.whatwg.org/ (metadata, microdata), https://ogp.me/ (Open Graph).
"""

from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser

from scraper.extract.text import collapse

__all__ = ["Meta", "page_metas"]


class Meta(NamedTuple):
    """One element. `names` are the words of its property, and its name."""

    names: list[str]
    itemprop: str
    content: str


def page_metas(tree: LexborHTMLParser) -> list[Meta]:
    """All that have content, in document order. Raises: nothing."""
    metas: list[Meta] = []
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        names = (attributes.get("property") or "").lower().split()
        if name := (attributes.get("name") or "").strip().lower():
            names.append(name)
        itemprop = (attributes.get("itemprop") or "").strip().lower()
        metas.append(Meta(names, itemprop, collapse(attributes.get("content") or "")))
    return metas
