"""What a document's header and its own bytes say about its charset.

In: the body's bytes and the `Content-Type` header. Out: claims, in the order in which they are
believed. Labels are read as browsers read them: `iso-8859-1` means windows-1252, `gb2312` means
gbk; one that nobody knows is passed over. Whether a claim is true is `scraper.extract.charset`'s
business. No errors.

Source: WHATWG Encoding (labels) and HTML, "prescan a byte stream to determine its encoding".
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from scraper.charsets import (
    ascii_charset_name,
    charset_in,
    charset_name,
    xml_charset,
    xml_label,
)

__all__ = ["Claim", "early_claims", "late_claim"]

_PRESCAN_BYTES = 1024
_LATE_BYTES = 8192

_TAG_OR_COMMENT = re.compile(
    rb"<!--(?=-?>)|<!--.*?(?:-->|\Z)|</?([a-zA-Z][^\s/>]*+)|<[!/?][^>]*+>", re.S
)
_ATTRIBUTE = re.compile(
    rb"""[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+)))?"""
)


class Claim(NamedTuple):
    """Who says what: the WHATWG name of a charset, and the label that it was read from."""

    source: Literal["header", "meta", "xml"]
    name: str
    label: str

    @property
    def told(self) -> str:
        """The claim in words."""
        who = "XML declaration" if self.source == "xml" else self.source
        if self.label == self.name:
            return f"{who} says {self.name}"
        label = self.label.strip().lower()
        return f"{who} says {label}" + ("" if label == self.name else f" (read as {self.name})")


def early_claims(body: bytes, content_type: str | None) -> Iterator[Claim]:
    """What is said in the header and in the first 1024 bytes. Raises: nothing."""
    label = charset_in(content_type or "")
    if (name := charset_name(label)) is not None:
        yield Claim("header", name, label)
    head = body[:_PRESCAN_BYTES]
    claim = _prescan(head) or _xml(head)
    if claim is not None:
        yield claim


def late_claim(body: bytes) -> Claim | None:
    """What a `<meta>` in the first 8 KiB says; browsers don't look that far. Raises: nothing."""
    return _prescan(body[:_LATE_BYTES])


def _said(label: str) -> Claim | None:
    name = ascii_charset_name(label)
    return None if name is None else Claim("meta", name, label)


def _xml(head: bytes) -> Claim | None:
    name = xml_charset(head)
    return None if name is None else Claim("xml", name, xml_label(head))


def _prescan(head: bytes) -> Claim | None:
    """The claim of the first `<meta>` that names a known charset, outside comments and tags."""
    position = 0
    while (found := _TAG_OR_COMMENT.search(head, position)) is not None:
        position = found.end()
        if found[1] is None:
            continue
        attributes, position = _attributes(head, position)
        if found[0].lower() == b"<meta" and (claim := _meta(attributes)) is not None:
            return claim
    return None


def _attributes(head: bytes, position: int) -> tuple[dict[bytes, bytes], int]:
    """The attributes of a tag, the first of a name, and where they end."""
    attributes: dict[bytes, bytes] = {}
    while (found := _ATTRIBUTE.match(head, position)) is not None:
        value = next((group for group in found.groups()[1:] if group), b"")
        attributes.setdefault(found[1].lower(), value)
        position = found.end()
    return attributes, position


def _meta(attributes: dict[bytes, bytes]) -> Claim | None:
    if b"charset" in attributes:
        return _said(attributes[b"charset"].decode("latin-1"))
    if attributes.get(b"http-equiv", b"").strip().lower() != b"content-type":
        return None
    content = attributes.get(b"content", b"").decode("latin-1")
    return _said(charset_in(content))
