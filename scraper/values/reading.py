"""What a field's values may be, and how their text is to be read.

Values only; no errors.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

__all__ = ["PLAIN", "Kind", "Money", "Reading", "Value"]

Kind = Literal["str", "int", "float", "bool", "date", "datetime", "url", "money"]

Money: TypeAlias = dict[str, float | str | None]
"""`{"amount": 12.5, "currency": "EUR"}`; the currency is an ISO 4217 code, or None."""

Value: TypeAlias = str | int | float | bool | date | datetime | Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a text is read: as which locale writes, in which time zone, format and currency.

    `format` is strptime's; `currency` is that of amounts which don't say theirs.
    """

    locale: str | None = None
    timezone: str = "UTC"
    format: str | None = None
    currency: str | None = None


PLAIN = Reading()
