"""The cookies that hosts gave, where that is set: kept for a batch, each for its origin alone.

In: the answers of an origin. Out: the `Cookie` header of its next request. No domain, no path:
a cookie goes back where it came from and nowhere else. Bounded: at most 50 an origin, of 4 KiB.
No errors; what can't be understood is passed over.

Source: RFC 6265, section 5; its limits are those of section 6.1.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from scraper.models import Exchange

__all__ = ["Cookies"]

_MOST, _MAX_BYTES = 50, 4096
_PAIR = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*([!-:<-~]*)\s*")


class Cookies:
    """What the origins of one batch gave."""

    def __init__(self) -> None:
        self._by_origin: dict[str, dict[str, str]] = {}

    def header(self, origin: str) -> str:
        """The value of the header `Cookie`; empty if there is none."""
        known = self._by_origin.get(origin, {})
        return "; ".join(f"{name}={value}" for name, value in known.items())

    def learn(self, origin: str, exchange: Exchange) -> None:
        """Take in what an answer sets, and drop what it ends."""
        for name, value in exchange.response_headers:
            if name.lower() == b"set-cookie" and len(value) <= _MAX_BYTES:
                self._set(origin, value.decode("latin-1"))

    def _set(self, origin: str, text: str) -> None:
        pair, *attributes = text.split(";")
        found = _PAIR.fullmatch(pair)
        if found is None:
            return
        known = self._by_origin.setdefault(origin, {})
        if _is_over(attributes):
            known.pop(found[1], None)
        elif found[1] in known or len(known) < _MOST:
            known[found[1]] = found[2]


def _is_over(attributes: list[str]) -> bool:
    """Whether a cookie is set only to be dropped: `Max-Age` wins over `Expires`."""
    named = {}
    for attribute in attributes:
        name, _, value = attribute.partition("=")
        named[name.strip().lower()] = value.strip()
    if re.fullmatch(r"-?\d+", age := named.get("max-age", "")):
        return age.startswith("-") or not age.strip("0")
    try:
        ends = parsedate_to_datetime(named.get("expires", ""))
    except (ValueError, TypeError, OverflowError):
        return False
    return (ends if ends.tzinfo is not None else ends.replace(tzinfo=UTC)) <= datetime.now(UTC)
