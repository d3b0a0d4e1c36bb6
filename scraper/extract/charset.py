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

import webencodings
from resiliparse.parse.encoding import detect_encoding

__all__ = ["CharsetSource", "Decoded", "decode_html"]

CharsetSource = Literal["bom", "header", "meta", "xml", "utf-8", "detected", "fallback"]

_PRESCAN_BYTES = 1024
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16be"), (b"\xff\xfe", "utf-16le"))
_FALLBACK = "windows-1252"

_CHARSET = re.compile(r"charset\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s;,\"']++))", re.IGNORECASE)
_XML_DECLARATION = re.compile(rb"""<\?xml\s[^>]*?encoding\s*+=\s*+["']\s*+([^"'\s>]++)""")
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
            return Decoded(text=_decode(body[len(mark) :], name), charset=name, source="bom")
    declared = _declared(body, content_type)
    if declared is not None:
        charset, source = declared
        return Decoded(text=_decode(body, charset), charset=charset, source=source)
    try:
        return Decoded(text=body.decode("utf-8"), charset="utf-8", source="utf-8")
    except UnicodeDecodeError:
        return _detected(body)


def _declared(body: bytes, content_type: str | None) -> tuple[str, CharsetSource] | None:
    """What header or document say, if it is a charset that we know."""
    if (name := _name(_charset_in(content_type or ""))) is not None:
        return name, "header"
    head = body[:_PRESCAN_BYTES]
    if (name := _prescan(head)) is not None:
        return name, "meta"
    if (name := _xml(head)) is not None:
        return name, "xml"
    return None


def _detected(body: bytes) -> Decoded:
    """What the detector makes of a body that isn't valid UTF-8."""
    name = _name(detect_encoding(body) or "")
    if name is not None:
        text = _decode(body, name)
        # On few bytes the detector guesses UTF-8, which this is at best in the main.
        if name != "utf-8" or _is_mostly_whole(text):
            return Decoded(text=text, charset=name, source="detected")
    return Decoded(text=_decode(body, _FALLBACK), charset=_FALLBACK, source="fallback")


def _is_mostly_whole(text: str) -> bool:
    """Whether fewer than half of the characters beyond ASCII had to be replaced."""
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return text.count("\ufffd") * 2 < beyond_ascii


def _decode(body: bytes, name: str) -> str:
    # WHATWG's gbk decoder is the one of gb18030; Python's gbk knows neither the euro sign of
    # 0x80 nor the characters of four bytes.
    codec = webencodings.lookup("gb18030" if name == "gbk" else name).codec_info
    text: str = codec.decode(body, "replace")[0]
    return text


def _name(label: str) -> str | None:
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


def _name_in_ascii(label: bytes) -> str | None:
    """The name of a label that was read as ASCII, which rules UTF-16 out."""
    name = _name(label.decode("latin-1"))
    if name in {"utf-16le", "utf-16be"}:
        return "utf-8"
    return _FALLBACK if name == "x-user-defined" else name


def _xml(head: bytes) -> str | None:
    if head.startswith(b"<\0?\0x\0"):
        return "utf-16le"
    if head.startswith(b"\0<\0?\0x"):
        return "utf-16be"
    found = _XML_DECLARATION.match(head.lstrip())
    return _name_in_ascii(found[1]) if found else None


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
        return _name_in_ascii(attributes[b"charset"])
    if attributes.get(b"http-equiv", b"").strip().lower() != b"content-type":
        return None
    content = attributes.get(b"content", b"").decode("latin-1")
    return _name_in_ascii(_charset_in(content).encode("latin-1"))
