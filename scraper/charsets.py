"""Charsets: labels → the names that browsers know, their decoders, and guesses for bytes.

Labels are read as browsers read them: `iso-8859-1` means windows-1252, `gb2312` means gbk; one
that nobody knows is None. Pure; no errors.

Source: WHATWG Encoding (labels, decoders).
"""

import codecs
import difflib
import re

import webencodings
from resiliparse.parse.encoding import detect_encoding

__all__ = [
    "FALLBACK",
    "MULTIBYTE",
    "ascii_charset_name",
    "charset_in",
    "charset_name",
    "codec",
    "decode",
    "detected",
    "is_mostly_whole",
    "is_same_charset",
    "named_charset",
    "xml_charset",
    "xml_label",
]

FALLBACK = "windows-1252"
"""What bytes are in when nothing else fits: each byte has its character there."""

# What browsers decode under these names is more than Python does: the euro sign and characters
# of four bytes, circled digits, all Hangul, Hong Kong's characters.
_CODECS = {
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc-jp": "euc_jis_2004",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
}
MULTIBYTE = frozenset({*_CODECS, "gb18030", "iso-2022-jp"})

_CHARSET = re.compile(r"charset\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s;,\"']++))", re.IGNORECASE)
_XML_DECLARATION = re.compile(rb"""<\?xml\s[^>]*?encoding\s*+=\s*+["']\s*+([^"'\s>]++)""")
# WHATWG knows no UTF-32; by itself it leaves the order of its bytes to the mark.
_UTF_32 = {"utf-32": "utf-32le", "utf-32le": "utf-32le", "utf-32be": "utf-32be"}
_HANGUL = re.compile("[\uac00-\ud7a3]")
_FEW = 4


def charset_name(label: str) -> str | None:
    """The WHATWG name of a label, in lower case; None if nobody knows it.

    `replacement` (iso-2022-kr, hz-gb-2312) would turn the whole document into one U+FFFD for the
    sake of a browser's users: it counts as unknown.

    Raises: nothing.
    """
    encoding = webencodings.lookup(label) if label.isascii() else None
    return None if encoding is None or encoding.name == "replacement" else str(encoding.name)


def named_charset(label: str) -> str:
    """The charset that a person names: a label of browsers, UTF-32, or one that Python knows.

    Raises:
        ValueError: nobody knows it; with the nearest label.
    """
    folded = label.strip().lower()
    name = _UTF_32.get(folded) or charset_name(folded)
    if name is not None:
        return name
    try:
        "".encode(folded)
        return codecs.lookup(folded).name
    except (LookupError, ValueError):
        close = difflib.get_close_matches(folded, [*webencodings.LABELS, *_UTF_32], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"unknown encoding {label!r}{hint}")


def ascii_charset_name(label: str) -> str | None:
    """The name of a label that was read as ASCII, which rules UTF-16 out. Raises: nothing."""
    name = charset_name(label)
    if name in {"utf-16le", "utf-16be"}:
        return "utf-8"
    return FALLBACK if name == "x-user-defined" else name


def charset_in(text: str) -> str:
    """The label after `charset=`, in a header or in the content of a `<meta>`; "" if none.

    Raises: nothing.
    """
    found = _CHARSET.search(text)
    return next((group for group in found.groups() if group), "") if found else ""


def xml_label(head: bytes) -> str:
    """The label in an XML declaration, or what shows by its bytes; "" if none. Raises: nothing."""
    if head.startswith(b"<\0?\0x\0"):
        return "utf-16le"
    if head.startswith(b"\0<\0?\0x"):
        return "utf-16be"
    found = _XML_DECLARATION.match(head.lstrip())
    return found[1].decode("latin-1") if found else ""


def xml_charset(head: bytes) -> str | None:
    """The charset that an XML declaration names, or shows by its bytes. Raises: nothing."""
    label = xml_label(head)
    # A declaration that can be read as ASCII isn't in UTF-16, whatever it says.
    return label or None if 0 in head[:2] else ascii_charset_name(label)


def detected(data: bytes) -> str | None:
    """The detector's word on bytes that aren't valid UTF-8; None if it has none.

    It spells names as Python does, and takes Korean for UTF-8.

    Raises: nothing.
    """
    label = detect_encoding(data) or ""
    name = charset_name(label) or charset_name(label.replace("_", "-"))
    return "euc-kr" if name in {None, "utf-8"} and _is_korean(data) else name


def codec(name: str) -> codecs.CodecInfo:
    """The codec of a name that `charset_name` or `named_charset` gave. Raises: nothing."""
    known = None if name in _CODECS else webencodings.lookup(name)
    if known is None:
        return codecs.lookup(_CODECS.get(name, name))
    found: codecs.CodecInfo = known.codec_info
    return found


def decode(data: bytes, name: str) -> str:
    """Decode bytes; those that can't be become U+FFFD. Raises: nothing."""
    text: str = codec(name).decode(data, "replace")[0]
    return text


def is_same_charset(name: str, other: str | None) -> bool:
    """Whether two names are read by one decoder, as gbk and gb18030 are. Raises: nothing."""
    return other is not None and _CODECS.get(name, name) == _CODECS.get(other, other)


def is_mostly_whole(text: str, *, few: int = 0) -> bool:
    """Whether few, or fewer than half, of the characters beyond ASCII had to be replaced."""
    bad = text.count("\ufffd")
    return bad <= few or bad * 2 < len(text) - len(text.encode("ascii", "ignore"))


def _is_korean(data: bytes) -> bool:
    text = decode(data, "euc-kr")
    hangul = len(_HANGUL.findall(text))
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return hangul >= _FEW and hangul * 4 > beyond_ascii * 3 and "\ufffd" not in text
