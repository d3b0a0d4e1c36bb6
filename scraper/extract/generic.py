"""A page without a rule → the fields that any page has.

The fields are those of `scraper.rules.GENERIC_FIELDS`; what a page lacks is None, its links an
empty list. URLs are absolute. The tree is only read. No errors.

Source: https://html.spec.whatwg.org/ (metadata), https://ogp.me/ (Open Graph).
"""

import orjson
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.json_ld import json_ld_blocks
from scraper.extract.links import LinkJoiner, document_base
from scraper.extract.text import collapse, visible_text

__all__ = ["generic_fields"]

_OPEN_GRAPH = ("og:", "article:", "book:", "music:", "product:", "profile:", "video:")

Meta = list[tuple[str, str]]


def generic_fields(tree: LexborHTMLParser, base_url: str) -> dict[str, object]:
    """The fields of `GENERIC_FIELDS`, in that order.

    Args:
        tree: the parsed page.
        base_url: the URL that the page came from; its `<base href>` is seen to here.

    Raises: nothing.
    """
    joiner = LinkJoiner(document_base(tree, base_url))
    metas = _metas(tree)
    blocks = json_ld_blocks(tree)
    hrefs = (node.attributes.get("href") or "" for node in tree.css("a[href]"))
    return {
        "title": _text(tree, "title:not(svg title)"),
        "description": _description(metas),
        "canonical_url": _canonical(tree, joiner),
        "lang": _attribute(tree, "html[lang]", "lang"),
        "h1": _text(tree, "h1"),
        "text": _text(tree, "body"),
        "links": joiner.links(hrefs),
        "open_graph": _open_graph(metas),
        "json_ld": orjson.dumps(blocks).decode() if blocks else None,
    }


def _metas(tree: LexborHTMLParser) -> Meta:
    """Name (or property) in lower case and content of each `<meta>`, in order."""
    metas: Meta = []
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or ""
        metas.append((name.strip().lower(), collapse(attributes.get("content") or "")))
    return metas


def _description(metas: Meta) -> str | None:
    for wanted in ("description", "og:description"):
        for name, content in metas:
            if name == wanted and content:
                return content
    return None


def _open_graph(metas: Meta) -> str | None:
    found: dict[str, list[str]] = {}
    for name, content in metas:
        if name.startswith(_OPEN_GRAPH):
            found.setdefault(name, []).append(content)
    plain = {name: values if len(values) > 1 else values[0] for name, values in found.items()}
    return orjson.dumps(plain).decode() if plain else None


def _canonical(tree: LexborHTMLParser, joiner: LinkJoiner) -> str | None:
    href = _attribute(tree, 'link[rel~="canonical" i][href]', "href")
    return joiner.link(href) if href else None


def _attribute(tree: LexborHTMLParser, css: str, name: str) -> str | None:
    node = tree.css_first(css)
    return ((node.attributes.get(name) or "").strip() or None) if node is not None else None


def _text(tree: LexborHTMLParser, css: str) -> str | None:
    node = tree.css_first(css)
    return (visible_text(node) or None) if node is not None else None
