"""Conditional requests: what is asked, and what an answer tells that the page is as it was.

In: what the last published run knows of a row, an answer. Out: headers, a reason, the validators
that the next run may ask by. Pure; raises nothing.

Source: RFC 9110, sections 8.8 (validators), 13.1 (conditions) and 15.4.5 (304); RFC 9111,
sections 3 (no-store) and 4.1 (Vary).
"""

import base64
import hashlib
import re

from scraper.memory import Known
from scraper.models import Exchange, Reason

__all__ = ["Conditions", "conditions", "page_facts", "payload_digest", "unchanged_reason"]

Conditions = tuple[tuple[str, str], ...]

_LONGEST = 1024
"""A longer validator would be no bargain to send, and may not be one."""

_CONDITIONS = {b"if-none-match", b"if-modified-since"}
_PLAIN = re.compile(r"[!-~]([ -~]*[!-~])?")


def conditions(known: Known | None, url: str) -> Conditions:
    """The headers that ask for a page only if it isn't what it was; none for another URL.

    A tag goes back byte for byte, weak ones and those without quotes too. Raises: nothing.
    """
    if known is None or known.url != url:
        return ()
    named = (("If-None-Match", known.etag), ("If-Modified-Since", known.last_modified))
    return tuple((name, value) for name, value in named if value is not None)


def unchanged_reason(exchange: Exchange, known: Known | None) -> Reason | None:
    """Why an answer is no news: it says so to a condition, or has the same bytes; else None.

    A 304 that wasn't asked for tells nothing. Raises: nothing.
    """
    if known is None or known.url != exchange.url:
        return None
    if exchange.http_status == 304:
        asked = {name.lower() for name, _ in exchange.request_headers}
        return Reason.NOT_MODIFIED if asked & _CONDITIONS else None
    same = known.payload_digest is not None and exchange.http_status == 200
    if same and payload_digest(exchange.body) == known.payload_digest:
        return Reason.SAME_CONTENT
    return None


def page_facts(exchange: Exchange) -> dict[str, str | None]:
    """What an attempt keeps of a page for the next run, by its fields' names. Raises: nothing.

    Validators that the server doesn't want kept, or that hold for no other request, are not.
    """
    if exchange.http_status != 200:
        return {}
    facts: dict[str, str | None] = {"payload_digest": payload_digest(exchange.body)}
    directives = (exchange.header("cache-control") or "").lower()
    if "no-store" in directives or (exchange.header("vary") or "").strip() == "*":
        return facts
    facts["etag"] = _validator(exchange.header("etag"))
    facts["last_modified"] = _validator(exchange.header("last-modified"))
    return facts


def payload_digest(body: bytes) -> str:
    """The digest of a body as received, as WARC has it. Raises: nothing."""
    digest = hashlib.sha1(body, usedforsecurity=False).digest()
    return "sha1:" + base64.b32encode(digest).decode()


def _validator(text: str | None) -> str | None:
    is_sound = text is not None and len(text) <= _LONGEST and _PLAIN.fullmatch(text)
    return text if is_sound else None
