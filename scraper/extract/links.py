"""The base of a document and the hrefs in it → absolute URLs in WHATWG's normal form.

Most hrefs need no parser: those absolute and in plain normal form already, and those relative to
the root or to the page's folder that are made of safe characters. They take the short road, which
gives exactly what the full road gives (a property test holds that); all others are joined by
`ada_url`. No errors.

Source: WHATWG URL; https://html.spec.whatwg.org/#document-base-url.
"""

import re
from collections.abc import Iterable

from ada_url import join_url
from selectolax.lexbor import LexborHTMLParser

__all__ = ["LinkJoiner", "document_base", "full_join"]

_WEB = ("http://", "https://")
_NO_BASES = ("data:", "javascript:")
_NO_BASE = "about:blank"
"""A base against which absolute URLs join and relative ones don't."""

# A segment that begins with a dot, written out or escaped, may be one that climbs.
_SEGMENT = r"(?!\.|%2)[\w~!$&'()*+,;=:@%.-]*+"
_PLAIN_PATH = rf"(?:/{_SEGMENT})++(?:\?[\w~!$&()*+,;=:@%./?-]*+)?"
# Labels without `--` are no punycode; a last one that begins with a letter makes no IPv4 address.
_PLAIN_HOST = r"(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.)*+[a-z](?:-?[a-z0-9])*+"
_ABSOLUTE = re.compile(rf"https?://{_PLAIN_HOST}{_PLAIN_PATH}", re.ASCII)
_FROM_ROOT = re.compile(rf"(?!//){_PLAIN_PATH}", re.ASCII)
# What stands before a colon would be a scheme.
_FROM_FOLDER = re.compile(rf"(?![^/]*:)(?=[^/?]){_SEGMENT}(?:{_PLAIN_PATH})?", re.ASCII)


def document_base(tree: LexborHTMLParser, url: str) -> str:
    """The URL that a document's hrefs are relative to: its own, or what `<base href>` makes of it.

    Raises: nothing. A URL that is none gives a base for absolute hrefs only.
    """
    own = full_join(_NO_BASE, url) or _NO_BASE
    node = tree.css_first("base[href]")
    href = node.attributes.get("href") if node is not None else None
    base = full_join(own, href) if href is not None else None
    return own if base is None or base.startswith(_NO_BASES) else base


def full_join(base: str, href: str) -> str | None:
    """The absolute URL of an href; none if there is none. Raises: nothing."""
    try:
        return join_url(base, href)
    except ValueError:
        return None


class LinkJoiner:
    """Joins the hrefs of one document.

    Args:
        base: what `document_base` gave.
    """

    __slots__ = ("_base", "_folder", "_root")

    def __init__(self, base: str) -> None:
        self._base = base
        self._root = _prefix(base, "/")
        self._folder = _prefix(base, "x")

    def link(self, href: str) -> str | None:
        """The http(s) URL without fragment that an href leads to, if any. Raises: nothing."""
        plain = href.partition("#")[0]
        if _ABSOLUTE.fullmatch(plain) is not None:
            return plain
        if self._root is not None and _FROM_ROOT.fullmatch(plain) is not None:
            return self._root + plain
        if self._folder is not None and _FROM_FOLDER.fullmatch(plain) is not None:
            return self._folder + plain
        # The parser gets it whole: it drops white space at the very end, not before a fragment.
        url = full_join(self._base, href)
        return url.partition("#")[0] if url is not None and url.startswith(_WEB) else None

    def links(self, hrefs: Iterable[str]) -> list[str]:
        """The links of a document, in order, each once. Raises: nothing."""
        # Equal hrefs are frequent (menus), so they are told apart before anything is joined.
        urls = (self.link(href) for href in dict.fromkeys(hrefs))
        return list(dict.fromkeys(url for url in urls if url is not None))


def _prefix(base: str, href: str) -> str | None:
    """What comes before an href of one character, if the base is of the web."""
    url = full_join(base, href)
    return url[:-1] if url is not None and url.startswith(_WEB) else None
