"""Charsets: labels → the names that browsers know, and guesses for bytes that name none.

Labels are read as browsers read them: `iso-8859-1` means windows-1252, `gb2312` means gbk; one
that nobody knows is None. Pure; no errors.

Source: WHATWG Encoding (labels, decoders).
"""

import codecs
import re

import webencodings
from resiliparse.parse.encoding import detect_encoding

__all__ = [
    "FALLBACK",
    "ascii_charset_name",
    "charset_in",
    "charset_name",
    "codec",
    "decode",
    "detected",
    "xml_charset",
]

FALLBACK = "windows-1252"
"""What bytes are in when nothing else fits: each byte has its character there."""

_CHARSET = re.compile(r"charset\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s;,\"']++))", re.IGNORECASE)
_XML_DECLARATION = re.compile(rb"""<\?xml\s[^>]*?encoding\s*+=\s*+["']\s*+([^"'\s>]++)""")


def charset_name(label: str) -> str | None:
    """The WHATWG name of a label, in lower case; None if nobody knows it.

    `replacement` (iso-2022-kr, hz-gb-2312) would turn the whole document into one U+FFFD for the
    sake of a browser's users: it counts as unknown.

    Raises: nothing.
    """
    encoding = webencodings.lookup(label) if label.isascii() else None
    return None if encoding is None or encoding.name == "replacement" else str(encoding.name)


def ascii_charset_name(label: bytes) -> str | None:
    """The name of a label that was read as ASCII, which rules UTF-16 out. Raises: nothing."""
    name = charset_name(label.decode("latin-1"))
    if name in {"utf-16le", "utf-16be"}:
        return "utf-8"
    return FALLBACK if name == "x-user-defined" else name


def charset_in(text: str) -> str:
    """The label after `charset=`, in a header or in the content of a `<meta>`; "" if none.

    Raises: nothing.
    """
    found = _CHARSET.search(text)
    return next((group for group in found.groups() if group), "") if found else ""


def xml_charset(head: bytes) -> str | None:
    """The charset that an XML declaration names, or shows by its bytes. Raises: nothing."""
    if head.startswith(b"<\0?\0x\0"):
        return "utf-16le"
    if head.startswith(b"\0<\0?\0x"):
        return "utf-16be"
    found = _XML_DECLARATION.match(head.lstrip())
    return ascii_charset_name(found[1]) if found else None


def detected(data: bytes) -> str | None:
    """What the detector makes of bytes that aren't valid UTF-8; None if nothing.

    Raises: nothing.
    """
    name = charset_name(detect_encoding(data) or "")
    # On few bytes the detector guesses UTF-8, which this is at best in the main.
    if name == "utf-8" and not _is_mostly_whole(decode(data, name)):
        return None
    return name


def codec(name: str) -> codecs.CodecInfo:
    """The codec of a name that `charset_name` gave."""
    # WHATWG's gbk decoder is the one of gb18030; Python's gbk knows neither the euro sign
    # nor the characters of four bytes.
    found: codecs.CodecInfo = webencodings.lookup("gb18030" if name == "gbk" else name).codec_info
    return found


def decode(data: bytes, name: str) -> str:
    """Decode bytes; those that can't be become U+FFFD. Raises: nothing."""
    text: str = codec(name).decode(data, "replace")[0]
    return text


def _is_mostly_whole(text: str) -> bool:
    """Whether fewer than half of the characters beyond ASCII had to be replaced."""
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return text.count("\ufffd") * 2 < beyond_ascii
