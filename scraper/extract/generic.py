"""A page without a rule → the fields that any page has.

The fields are those of `scraper.rules.GENERIC_FIELDS`; what a page lacks is None, its links an
empty list. URLs are absolute. The tree is only read. No errors.

Source: https://html.spec.whatwg.org/ (metadata), https://ogp.me/ (Open Graph).
"""

import orjson
from selectolax.lexbor import LexborHTMLParser, LexborNode

from scraper.extract.found import Found, FoundItem, Item, plain
from scraper.extract.json_ld import json_ld_blocks
from scraper.extract.links import LinkJoiner, document_base
from scraper.extract.metas import Meta, page_metas
from scraper.extract.text import visible_text

__all__ = ["generic_fields", "generic_found"]

_OPEN_GRAPH = ("og:", "article:", "book:", "music:", "product:", "profile:", "video:")


def generic_fields(tree: LexborHTMLParser, base_url: str) -> Item:
    """The fields of `GENERIC_FIELDS`, in that order.

    Args:
        tree: the parsed page.
        base_url: the URL that the page came from; its `<base href>` is seen to here.

    Raises: nothing.
    """
    return plain(generic_found(tree, base_url))


def generic_found(tree: LexborHTMLParser, base_url: str) -> FoundItem:
    """The same, each value with what gave it. Raises: nothing."""
    joiner = LinkJoiner(document_base(tree, base_url))
    metas = page_metas(tree)
    blocks = json_ld_blocks(tree)
    hrefs = (_href(node) for node in tree.css("a[href]"))
    return {
        "title": _given(_text(tree, "title:not(svg title)"), "<title>"),
        "description": _description(metas),
        "canonical_url": _given(_canonical(tree, joiner), "link rel=canonical"),
        "lang": _given(_lang(tree), "html lang"),
        "h1": _given(_text(tree, "h1:not(noscript h1)"), "<h1>"),
        "text": _given(_text(tree, "body"), "<body>"),
        "links": _given(joiner.links(hrefs), "a href"),
        "open_graph": _given(_open_graph(metas), "meta property=og:..."),
        "json_ld": _given(orjson.dumps(blocks).decode() if blocks else None, "ld+json"),
    }


def _given(value: str | list[str] | None, source: str) -> Found:
    return Found(value=value, source=source if value else None)


def _description(metas: list[Meta]) -> Found:
    for wanted in ("description", "og:description"):
        for meta in metas:
            if wanted in meta.names and meta.content:
                return Found(value=meta.content, source=f"meta name={wanted}")
    return Found(value=None)


def _open_graph(metas: list[Meta]) -> str | None:
    found: dict[str, list[str]] = {}
    for meta in metas:
        for name in dict.fromkeys(meta.names):
            if name.startswith(_OPEN_GRAPH) and meta.content:
                found.setdefault(name, []).append(meta.content)
    plain = {name: values if len(values) > 1 else values[0] for name, values in found.items()}
    return orjson.dumps(plain).decode() if plain else None


def _canonical(tree: LexborHTMLParser, joiner: LinkJoiner) -> str | None:
    """The first canonical link that leads somewhere."""
    for node in tree.css('link[rel~="canonical" i][href]'):
        href = (node.attributes.get("href") or "").strip()
        if href and (url := joiner.link(href)) is not None:
            return url
    return None


def _lang(tree: LexborHTMLParser) -> str | None:
    """The language of the document: of its root, of its body, or what its `<meta>` sets."""
    for css in ("html", "body"):
        node = tree.css_first(css)
        attributes = node.attributes if node is not None else {}
        for name in ("lang", "xml:lang"):
            if lang := (attributes.get(name) or "").strip():
                return lang
    node = tree.css_first('meta[http-equiv="content-language" i][content]')
    lang = ((node.attributes.get("content") or "") if node is not None else "").strip()
    # Several languages are the audience's, not the document's.
    return lang if lang and "," not in lang else None


def _href(node: LexborNode) -> str:
    attributes = node.attributes
    # A selector finds the links of SVG too, under whatever prefix.
    return (attributes["href"] if "href" in attributes else attributes.get("xlink:href")) or ""


def _text(tree: LexborHTMLParser, css: str) -> str | None:
    """The text of the first element that has any."""
    return next((text for node in tree.css(css) if (text := visible_text(node))), None)
