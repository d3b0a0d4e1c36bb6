"""Bytes of a document → its text, the charset that was believed, and why.

The first that speaks and isn't contradicted by the bytes wins: byte order mark, NULs as UTF-16
has them, `Content-Type` header, `<meta>` or XML declaration in the first 1024 bytes, valid UTF-8,
a `<meta>` in the first 8 KiB, a detector, windows-1252. A few bytes that can't be decoded are no
contradiction: they become U+FFFD, so the text has no lone surrogates. No errors.

Source: WHATWG Encoding (decoders) and HTML, "determining the character encoding". Browsers believe
every declaration; but a server's default charset says nothing about a page.
"""

from dataclasses import dataclass
from typing import Literal

from scraper.charsets import (
    FALLBACK,
    MULTIBYTE,
    decode,
    detected,
    is_mostly_whole,
    is_same_charset,
)
from scraper.extract.declared import Claim, early_claims, late_claim

__all__ = ["CharsetSource", "Decoded", "decode_html"]

CharsetSource = Literal["bom", "utf-16", "header", "meta", "xml", "utf-8", "detected", "fallback"]

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16be"), (b"\xff\xfe", "utf-16le"))
_UTF_16 = frozenset({"utf-16le", "utf-16be"})
# Thai words of three letters may be valid UTF-8: "แบบ" is.
_NEEDS_MORE_PROOF = MULTIBYTE | {"windows-874"}

_HEAD_BYTES = 1024
_FEW = 4
"""So many U+FFFD are an accident, not a contradiction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A document's text.

    `charset` is the WHATWG name in lower case, `source` who gave it, `why` a line for people.
    """

    text: str
    charset: str
    source: CharsetSource
    why: str


def decode_html(body: bytes, content_type: str | None) -> Decoded:
    """Decode a document; the byte order mark is cut off.

    Args:
        body: decoded from its Content-Encoding.
        content_type: the header's value, if there was one.

    Raises: nothing.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            why = f"byte order mark of {name}"
            return Decoded(
                text=decode(body[len(mark) :], name), charset=name, source="bom", why=why
            )
    if (utf_16 := _as_utf_16(body)) is not None:
        return utf_16
    lies: list[Claim] = []
    for claim in early_claims(body, content_type):
        text = _if_true(body, claim)
        if text is not None and not _is_a_default(body, claim):
            return _believed(claim, text, lies)
        lies.append(claim)
    try:
        why = _why("valid UTF-8", lies)
        return Decoded(text=body.decode("utf-8"), charset="utf-8", source="utf-8", why=why)
    except UnicodeDecodeError:
        return _undeclared(body, lies)


def _as_utf_16(body: bytes) -> Decoded | None:
    """Markup in UTF-16 has a NUL in every second place, and in no other charset has it any."""
    if body.find(0, 0, _HEAD_BYTES) < 0:
        return None
    head = body[:_HEAD_BYTES]
    even, odd = head[::2].count(0), head[1::2].count(0)
    most = max(even, odd)
    if most < _FEW or most * 8 < len(head) or min(even, odd) * 8 > most:
        return None
    name = "utf-16le" if odd > even else "utf-16be"
    source: CharsetSource = "xml" if head.startswith((b"<\0?\0x\0", b"\0<\0?\0x")) else "utf-16"
    why = f"every second byte is NUL, as in {name}"
    return Decoded(text=decode(body, name), charset=name, source=source, why=why)


def _if_true(body: bytes, claim: Claim) -> str | None:
    """The text that a claim gives; none if the bytes contradict it."""
    name = claim.name
    if name == "utf-8":
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            text = decode(body, name)
            return text if is_mostly_whole(text, few=_FEW) else None
    if name in _UTF_16:
        # No page is without a single character of ASCII.
        return decode(body, name) if body.find(0, 0, _HEAD_BYTES) >= 0 else None
    text = decode(body, name)
    if body.isascii() or not (_is_surely_utf_8(body, name, text) or _is_mangled(text)):
        return text
    return None


def _is_a_default(body: bytes, claim: Claim) -> bool:
    """Whether a header says what its server says of every page: this one says and shows else."""
    if claim.name != FALLBACK or claim.source != "header" or body.isascii():
        return False
    own = next(early_claims(body, None), None)
    return own is not None and own.name != FALLBACK and is_same_charset(own.name, detected(body))


def _is_surely_utf_8(body: bytes, name: str, text: str) -> bool:
    """Whether bytes that are declared as something older are UTF-8 beyond doubt.

    One character may be chance: `CAFÉ®` in windows-1252 is valid UTF-8, and so is one word in
    four of two letters in gbk.
    """
    try:
        found = {character for character in body.decode("utf-8") if character > "\x7f"}
    except UnicodeDecodeError:
        return False
    if name in _NEEDS_MORE_PROOF:
        return len(found) >= 4 or "\ufffd" in text
    return len(found) >= 3 or any(not "\u0100" <= character < "\u0800" for character in found)


def _is_mangled(text: str) -> bool:
    """Whether more than one in twenty characters beyond ASCII had to be replaced."""
    bad = text.count("\ufffd")
    return bad > _FEW and bad * 20 > _beyond_ascii(text)


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _undeclared(body: bytes, lies: list[Claim]) -> Decoded:
    """What becomes of a body that isn't valid UTF-8, and whose early claims are lies."""
    late = late_claim(body)
    if late is not None and late not in lies:
        if (text := _if_true(body, late)) is not None:
            return _believed(late, text, lies)
        lies.append(late)
    name = detected(body)
    if name is None or name == "utf-8":
        return _guessed(body, lies)
    for lie in lies:
        if is_same_charset(lie.name, name):
            # Two witnesses are right after all: such a page is broken.
            return _believed(lie, decode(body, lie.name), [])
    why = _why(f"the bytes look like {name}", lies)
    return Decoded(text=decode(body, name), charset=name, source="detected", why=why)


def _guessed(body: bytes, lies: list[Claim]) -> Decoded:
    """What becomes of a body that the detector knows nothing of."""
    text = decode(body, "utf-8")
    # On few bytes the detector guesses UTF-8, which this is at best in the main.
    if is_mostly_whole(text):
        why = _why("nearly valid UTF-8", lies)
        return Decoded(text=text, charset="utf-8", source="detected", why=why)
    why = _why(f"nothing says or shows what it is: {FALLBACK}", lies)
    return Decoded(text=decode(body, FALLBACK), charset=FALLBACK, source="fallback", why=why)


def _believed(claim: Claim, text: str, lies: list[Claim]) -> Decoded:
    why = _why(claim.told, lies) if lies else claim.told
    return Decoded(text=text, charset=claim.name, source=claim.source, why=why)


def _why(reason: str, lies: list[Claim]) -> str:
    if not lies:
        return reason
    return f"{reason}; {' and '.join(lie.told for lie in lies)}, which the bytes contradict"
