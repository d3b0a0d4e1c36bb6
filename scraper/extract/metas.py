"""A page → its `<meta>` elements: names in lower case, contents with white space collapsed.

The tree is only read. No errors.

Source: https://html.spec.whatwg.org/ (metadata, microdata), https://ogp.me/ (Open Graph).
"""

from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from scraper.extract.text import collapse

__all__ = ["Meta", "page_metas"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """One element. `name` is its property, or else its name; `names` are all that it has."""

    name: str
    names: tuple[str, ...]
    content: str


def page_metas(tree: LexborHTMLParser) -> list[Meta]:
    """All that have content, in document order. Raises: nothing."""
    metas: list[Meta] = []
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        given = (attributes.get(key) or "" for key in ("property", "name", "itemprop"))
        first, second, third = (name.strip().lower() for name in given)
        metas.append(
            Meta(
                name=first or second,
                names=(first, second, third),
                content=collapse(attributes.get("content") or ""),
            )
        )
    return metas
