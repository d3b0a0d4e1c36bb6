"""The bytes of a sitemap, mended: what is wrong in many of them is put right before parsing.

UTF-8 in, pieces of UTF-8 out, cut behind a `>`. Comments and processing instructions (the XML
declaration too, which stands behind blank lines in many) are dropped, so are characters that XML
forbids; a bare `&` is escaped, an entity of HTML becomes its character, one that nobody knows
text. CDATA stays as it is. Line ends are kept: a line has its number.

**Source:** XML 1.0 (characters, sections), HTML (named characters).
"""

import html
import re
from collections.abc import Iterator
from html.entities import html5

from scraper.errors import ConfigError
from scraper.seeds.stream import ListStream

__all__ = ["MAX_TOKEN_BYTES", "mended"]

MAX_TOKEN_BYTES = 1_048_576
"""No text, no tag of a sitemap is longer; what is, is refused, not held."""

_BLOCK_BYTES = 262_144
_CONTROLS = bytes(sorted({*range(32)} - {9, 10, 13}))
_ALL_BUT_LINE_ENDS = bytes(sorted({*range(256)} - {10, 13}))
_NO_CHARACTER = re.compile(rb"\xef\xbf[\xbe\xbf]")
_CDATA = b"<![CDATA["
_ENDS = {_CDATA: b"]]>", b"<!--": b"-->", b"<?": b"?>"}
_SECTION = re.compile(rb"<!\[CDATA\[|<!--|<\?")
_MENDABLE = re.compile(
    rb"&(?!(?:amp|lt|gt|quot|apos);)"
    rb"(?:([A-Za-z][A-Za-z0-9]{1,31});|#(?:(\d{1,7})|[xX]([0-9A-Fa-f]{1,6}));)?"
)


def mended(stream: ListStream) -> Iterator[bytes]:
    """Give a sitemap's text in pieces that a strict parser can read.

    Raises:
        ConfigError: 1 MiB without a `>`, or the list can't be read to its end.
    """
    kept, section, is_first = b"", b"", True
    while block := stream.read(_BLOCK_BYTES):
        piece, mark, kept = (kept + block).rpartition(b">")
        if len(kept) > MAX_TOKEN_BYTES:
            raise ConfigError(
                f"{stream.name}: can't be read after line {stream.line}: "
                f"more than {MAX_TOKEN_BYTES} bytes without a tag"
            )
        if mark:
            piece += mark
            text, section = _mend(_from_root(piece) if is_first else piece, section)
            is_first = is_first and b"<" not in piece
            yield text
    yield _mend(kept, section)[0]


def _from_root(data: bytes) -> bytes:
    """The beginning without its byte order mark: before the first tag only lines count."""
    before, mark, rest = data.partition(b"<")
    return before.translate(None, _ALL_BUT_LINE_ENDS) + mark + rest


def _mend(data: bytes, section: bytes) -> tuple[bytes, bytes]:
    """A piece mended, and the section that is still open at its end; both begin with one."""
    data = _legal(data)
    parts, at = [], 0
    while at < len(data):
        if section:
            end = data.find(_ENDS[section], at)
            stop = len(data) if end < 0 else end + len(_ENDS[section])
            part = data[at:stop]
            parts.append(part if section == _CDATA else part.translate(None, _ALL_BUT_LINE_ENDS))
            section = section if end < 0 else b""
        else:
            found = _SECTION.search(data, at)
            stop = found.end() if found else len(data)
            section = found[0] if found else b""
            text = data[at : stop - len(section)]
            parts.append(_MENDABLE.sub(_mended, text).replace(b"]]>", b"]]&gt;"))
            parts.append(section if section == _CDATA else b"")
        at = stop
    return b"".join(parts), section


def _legal(data: bytes) -> bytes:
    """Valid UTF-8 of characters that XML allows."""
    data = data.translate(None, _CONTROLS)
    if data.isascii():
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        data = data.decode(errors="replace").encode()
    return _NO_CHARACTER.sub(b"", data)


def _mended(found: re.Match[bytes]) -> bytes:
    """What should stand in place of a bare `&`, or of a reference."""
    name, decimal, hexadecimal = found.groups()
    if name is not None:
        text = html5.get(name.decode() + ";")
        return b"&amp;" + found[0][1:] if text is None else _escaped(text)
    if decimal is None and hexadecimal is None:
        return b"&amp;"
    number = int(decimal) if decimal is not None else int(hexadecimal, 16)
    return _escaped(chr(number)) if _is_character(number) else b""


def _escaped(text: str) -> bytes:
    return html.escape(text).encode()


def _is_character(number: int) -> bool:
    """Whether XML knows this character."""
    if number < 0x20:
        return number in (9, 10, 13)
    return number < 0xD800 or 0xE000 <= number < 0xFFFE or 0x10000 <= number <= 0x10FFFF
