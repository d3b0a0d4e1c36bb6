"""A page without a rule → the fields that any page has.

The fields are those of `scraper.rules.GENERIC_FIELDS`; what a page lacks is None, its links an
empty list. URLs are absolute. The tree is only read. No errors.

Source: https://html.spec.whatwg.org/ (metadata), https://ogp.me/ (Open Graph).
"""

import orjson
from selectolax.lexbor import LexborHTMLParser, LexborNode

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
    hrefs = (_href(node) for node in tree.css("a[href]"))
    return {
        "title": _text(tree, "title:not(svg title)"),
        "description": _description(metas),
        "canonical_url": _canonical(tree, joiner),
        "lang": _lang(tree),
        "h1": _text(tree, "h1:not(noscript h1)"),
        "text": _text(tree, "body"),
        "links": joiner.links(hrefs),
        "open_graph": _open_graph(metas),
        "json_ld": orjson.dumps(blocks).decode() if blocks else None,
    }


def _metas(tree: LexborHTMLParser) -> Meta:
    """Name in lower case and content of each `<meta>`, in order; one may have several names."""
    metas: Meta = []
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        content = collapse(attributes.get("content") or "")
        names = [
            *(attributes.get("property") or "").split(),
            (attributes.get("name") or "").strip(),
        ]
        metas += [(name, content) for name in dict.fromkeys(map(str.lower, names)) if name]
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
        if name.startswith(_OPEN_GRAPH) and content:
            found.setdefault(name, []).append(content)
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
