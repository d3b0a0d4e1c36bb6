"""The charset of a list: told from its beginning, undone as it is read.

Bytes in, UTF-8 out. What speaks first wins: the user, a byte order mark, an XML declaration,
valid UTF-8, the `Content-Type`, a detector, windows-1252. In a list that is UTF-8, a line that
isn't is windows-1252, for itself.
"""

import codecs

from scraper.charsets import (
    FALLBACK,
    charset_in,
    charset_name,
    codec,
    detected,
    named_charset,
    xml_charset,
)
from scraper.errors import ConfigError
from scraper.seeds.stream import Readable

__all__ = ["UTF8", "Transcoder", "as_text", "told_encoding"]

UTF8 = "utf-8"

# UTF-32 first: its mark begins like that of UTF-16.
_BOMS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32le"),
    (codecs.BOM_UTF32_BE, "utf-32be"),
    (codecs.BOM_UTF16_LE, "utf-16le"),
    (codecs.BOM_UTF16_BE, "utf-16be"),
)

_TABLE = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256))
"""windows-1252 as browsers have it: no byte is without a character."""


def as_text(data: bytes, *, is_cut: bool = False) -> str:
    """The text of a line that should be UTF-8, and is windows-1252 if it isn't.

    Args:
        data: one line.
        is_cut: its end is missing, maybe in the middle of a character.

    Raises: nothing.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if is_cut and error.reason == "unexpected end of data":
            return data[: error.start].decode()
    return codecs.charmap_decode(data, "strict", _TABLE)[0]


def told_encoding(head: bytes, *, wanted: str | None, content_type: str | None, name: str) -> str:
    """Tell a list's charset by its first bytes.

    Args:
        head: the first bytes; the last character may be cut.
        wanted: the label that a user gave.
        content_type: the header that came with the list.
        name: what errors call the list.

    Raises:
        ConfigError: `wanted` is no charset that is known here.
    """
    marked = next((charset for mark, charset in _BOMS if head.startswith(mark)), None)
    if wanted is not None:
        return _wanted(wanted, marked, name)
    known = marked or xml_charset(head)
    if known is not None:
        return known
    if _is_utf8(head):
        return UTF8
    header = charset_name(charset_in(content_type or ""))
    # Whoever says UTF-8 of other bytes knows no more than we do.
    guesses = (header, detected(head))
    return next((name for name in guesses if name not in {None, UTF8}), None) or FALLBACK


class Transcoder:
    """A file of some charset, read as UTF-8; bytes without a character become U+FFFD."""

    def __init__(self, rest: Readable, charset: str) -> None:
        self._rest = rest
        info = codec(charset)
        assert info.incrementaldecoder is not None, charset
        self._decoder = info.incrementaldecoder("replace")

    def read(self, size: int) -> bytes:
        """The next bytes, about so many; none at the end. Raises: what the file raises."""
        while True:
            # A byte may become three, a character that was begun before among them.
            piece = self._rest.read(max(1, size // 4))
            text = self._decoder.decode(piece, final=not piece)
            if text or not piece:
                return text.encode(errors="replace")


def _wanted(label: str, marked: str | None, name: str) -> str:
    try:
        charset = named_charset(label)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
    # `utf-16` by itself leaves the order of the bytes to the mark.
    return marked if marked is not None and marked.startswith(label.strip().lower()) else charset


def _is_utf8(head: bytes) -> bool:
    """Whether text is UTF-8, its last character aside; a few lines of another charset don't count.

    Two lines beyond ASCII that are valid UTF-8 by chance are rarer than one slip in a long list.
    """
    try:
        codecs.getincrementaldecoder(UTF8)().decode(head)
    except UnicodeDecodeError:
        lines = [line for line in head.splitlines() if not line.isascii()]
        return 2 * sum(map(_is_valid, lines)) > len(lines)
    return True


def _is_valid(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
