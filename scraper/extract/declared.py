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

import webencodings

__all__ = ["Claim", "early_claims", "late_claim", "whatwg_name"]

_PRESCAN_BYTES = 1024
_LATE_BYTES = 8192

_CHARSET = re.compile(r"charset\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s;,\"']++))", re.IGNORECASE)
_XML_DECLARATION = re.compile(rb"""<\?xml\s[^>]*?encoding\s*+=\s*+["']\s*+([^"'\s>]++)""")
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
    label = _charset_in(content_type or "")
    if (name := whatwg_name(label)) is not None:
        yield Claim("header", name, label)
    head = body[:_PRESCAN_BYTES]
    claim = _prescan(head) or _xml(head)
    if claim is not None:
        yield claim


def late_claim(body: bytes) -> Claim | None:
    """What a `<meta>` in the first 8 KiB says; browsers don't look that far. Raises: nothing."""
    return _prescan(body[:_LATE_BYTES])


def whatwg_name(label: str) -> str | None:
    """The WHATWG name of a label.

    `replacement` (iso-2022-kr, hz-gb-2312) would turn the whole page into one U+FFFD for the
    sake of a browser's users: it counts as unknown.
    """
    encoding = webencodings.lookup(label) if label.isascii() else None
    return None if encoding is None or encoding.name == "replacement" else str(encoding.name)


def _charset_in(text: str) -> str:
    """The label after `charset=`, in a header or in the content of a `<meta>`."""
    found = _CHARSET.search(text)
    return next((group for group in found.groups() if group), "") if found else ""


def _in_ascii(source: Literal["meta", "xml"], label: bytes) -> Claim | None:
    """The claim of a label that was read as ASCII, which rules UTF-16 out."""
    text = label.decode("latin-1")
    name = whatwg_name(text)
    if name is None:
        return None
    instead = {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}
    return Claim(source, instead.get(name, name), text)


def _xml(head: bytes) -> Claim | None:
    if head.startswith(b"<\0?\0x\0"):
        return Claim("xml", "utf-16le", "utf-16le")
    if head.startswith(b"\0<\0?\0x"):
        return Claim("xml", "utf-16be", "utf-16be")
    found = _XML_DECLARATION.match(head.lstrip())
    return _in_ascii("xml", found[1]) if found else None


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
        return _in_ascii("meta", attributes[b"charset"])
    if attributes.get(b"http-equiv", b"").strip().lower() != b"content-type":
        return None
    content = attributes.get(b"content", b"").decode("latin-1")
    return _in_ascii("meta", _charset_in(content).encode("latin-1"))
