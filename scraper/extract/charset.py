"""Bytes of a document → its text, and the charset that was believed.

The first that speaks wins: byte order mark, `Content-Type` header, `<meta>` or XML declaration
in the first 1024 bytes, valid UTF-8, a detector, windows-1252. Labels are read as browsers read
them: `iso-8859-1` means windows-1252, `gb2312` means gbk; one that nobody knows is passed over.
Bytes that can't be decoded become U+FFFD, so the text has no lone surrogates. No errors.

Source: WHATWG Encoding (labels, decoders) and HTML, "determining the character encoding".
"""

import re
from dataclasses import dataclass
from typing import Literal

from scraper.charsets import (
    FALLBACK,
    ascii_charset_name,
    charset_in,
    charset_name,
    decode,
    detected,
    xml_charset,
)

__all__ = ["CharsetSource", "Decoded", "decode_html"]

CharsetSource = Literal["bom", "header", "meta", "xml", "utf-8", "detected", "fallback"]

_PRESCAN_BYTES = 1024
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16be"), (b"\xff\xfe", "utf-16le"))
_TAG_OR_COMMENT = re.compile(
    rb"<!--(?=-?>)|<!--.*?(?:-->|\Z)|</?([a-zA-Z][^\s/>]*+)|<[!/?][^>]*+>", re.S
)
_ATTRIBUTE = re.compile(
    rb"""[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+)))?"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A document's text. `charset` is the WHATWG name in lower case, `source` who gave it."""

    text: str
    charset: str
    source: CharsetSource


def decode_html(body: bytes, content_type: str | None) -> Decoded:
    """Decode a document; the byte order mark is cut off.

    Args:
        body: decoded from its Content-Encoding.
        content_type: the header's value, if there was one.

    Raises: nothing.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return Decoded(text=decode(body[len(mark) :], name), charset=name, source="bom")
    declared = _declared(body, content_type)
    if declared is not None:
        charset, source = declared
        return Decoded(text=decode(body, charset), charset=charset, source=source)
    try:
        return Decoded(text=body.decode("utf-8"), charset="utf-8", source="utf-8")
    except UnicodeDecodeError:
        return _detected(body)


def _declared(body: bytes, content_type: str | None) -> tuple[str, CharsetSource] | None:
    """What header or document say, if it is a charset that we know."""
    if (name := charset_name(charset_in(content_type or ""))) is not None:
        return name, "header"
    head = body[:_PRESCAN_BYTES]
    if (name := _prescan(head)) is not None:
        return name, "meta"
    if (name := xml_charset(head)) is not None:
        return name, "xml"
    return None


def _detected(body: bytes) -> Decoded:
    """What the detector makes of a body that isn't valid UTF-8."""
    name = detected(body)
    if name is not None:
        return Decoded(text=decode(body, name), charset=name, source="detected")
    return Decoded(text=decode(body, FALLBACK), charset=FALLBACK, source="fallback")


def _prescan(head: bytes) -> str | None:
    """The charset of the first `<meta>` that names a known one, outside comments and tags."""
    position = 0
    while (found := _TAG_OR_COMMENT.search(head, position)) is not None:
        position = found.end()
        if found[1] is None:
            continue
        attributes, position = _attributes(head, position)
        if found[0].lower() == b"<meta" and (name := _meta_charset(attributes)) is not None:
            return name
    return None


def _attributes(head: bytes, position: int) -> tuple[dict[bytes, bytes], int]:
    """The attributes of a tag, the first of a name, and where they end."""
    attributes: dict[bytes, bytes] = {}
    while (found := _ATTRIBUTE.match(head, position)) is not None:
        value = next((group for group in found.groups()[1:] if group), b"")
        attributes.setdefault(found[1].lower(), value)
        position = found.end()
    return attributes, position


def _meta_charset(attributes: dict[bytes, bytes]) -> str | None:
    if b"charset" in attributes:
        return ascii_charset_name(attributes[b"charset"])
    if attributes.get(b"http-equiv", b"").strip().lower() != b"content-type":
        return None
    content = attributes.get(b"content", b"").decode("latin-1")
    return ascii_charset_name(charset_in(content).encode("latin-1"))
