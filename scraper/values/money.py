"""The text of a price → its amount and its currency.

The amount is read as any number is. The currency is the ISO code beside it, else a symbol
anywhere in the text, else an ISO code anywhere; else the rule's own. `kr` and `$` mean what they
mean in the locale; `$` is USD where the locale has no dollar of its own, `kr` nothing.

Whatever doesn't fit: `ValueError`.
"""

import re
from collections.abc import Mapping

from scraper.values.locales import currency_symbols, is_currency
from scraper.values.numbers import NUMBER, read_float
from scraper.values.reading import Money, Reading

__all__ = ["read_money"]

_CODE = r"(?<![^\W\d_])([A-Z]{3})(?![^\W\d_])"
_SPACE = r"[ \u00a0\u202f:]{0,3}"
_SIGN = r"[-+\u2212]?"
_CODE_BEFORE = re.compile(rf"{_CODE}{_SPACE}{_SIGN}$")
# `USD $5`: the code says which dollar; `TOP £5` is no Tongan money.
_DOLLAR_BEFORE = re.compile(rf"(?<![^\W\d_])([A-Z]{{2}}D|MXN){_SPACE}\$ ?{_SIGN}$")
_CODE_AFTER = re.compile(rf"(?:[.,][-\u2013\u2014]+)?{_SPACE}{_CODE}")
_CODE_ANYWHERE = re.compile(_CODE)


def read_money(value: object, reading: Reading) -> Money:
    """An amount and its currency.

    Args:
        value: a text, a number, or the pair as we write it.
        reading: the locale, and the currency where the text has none.

    Raises:
        ValueError: no number, several, or a currency that there isn't.
    """
    if isinstance(value, Mapping):
        return _pair(value, reading)
    amount = read_float(value, reading.locale)
    found = _currency(value, reading.locale) if isinstance(value, str) else None
    return {"amount": amount, "currency": found or reading.currency}


def _pair(value: Mapping[str, object], reading: Reading) -> Money:
    if not {"amount"} <= set(value) <= {"amount", "currency"}:
        raise ValueError("needs amount, and currency or nothing else")
    currency = value.get("currency") or reading.currency
    if currency is not None and not (isinstance(currency, str) and is_currency(currency)):
        raise ValueError(f"there is no currency {currency!r}")
    return {"amount": read_float(value["amount"], reading.locale), "currency": currency}


def _currency(text: str, locale: str | None) -> str | None:
    number = NUMBER.search(text)
    if number is not None:
        before = text[: number.start()]
        beside = (
            _CODE_BEFORE.search(before)
            or _DOLLAR_BEFORE.search(before)
            or _CODE_AFTER.match(text, number.end())
        )
        if beside is not None and is_currency(beside[1]):
            return beside[1]
    for symbol, code in currency_symbols(locale).items():
        if symbol in text and _stands_alone(symbol, text):
            return code
    return next((code for code in _CODE_ANYWHERE.findall(text) if is_currency(code)), None)


def _stands_alone(symbol: str, text: str) -> bool:
    """Whether a symbol made of letters is a word of its own; others stand where they like."""
    before = r"(?<![^\W\d_])" if symbol[0].isalpha() else ""
    after = r"(?![^\W\d_])" if symbol[-1].isalpha() else ""
    return re.search(f"{before}{re.escape(symbol)}{after}", text) is not None
