"""A locale's name → how it writes: its marks, the order of its dates, its currencies.

Names are CLDR's, `de` or `en-GB`. Babel and dateparser are imported on first use: most rules
need neither. What isn't known is a `ValueError` that says what was probably meant.

Source: Unicode CLDR by way of Babel; ISO 4217; the tz database.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

if TYPE_CHECKING:
    from babel import Locale

__all__ = [
    "check_currency",
    "check_locale",
    "currency_symbols",
    "date_language",
    "date_order",
    "group_mark",
    "is_currency",
    "time_zone",
]

# Symbols that mean one currency wherever they stand; the locale's own come first.
_SYMBOLS = {
    "$": "USD", "US$": "USD", "$US": "USD", "CA$": "CAD", "C$": "CAD", "A$": "AUD", "AU$": "AUD",
    "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "NT$": "TWD", "MX$": "MXN", "R$": "BRL", "€": "EUR",
    "£": "GBP", "¥": "JPY", "￥": "JPY", "円": "JPY", "CN¥": "CNY", "元": "CNY", "₹": "INR",
    "₩": "KRW", "₪": "ILS", "₫": "VND", "₽": "RUB", "₴": "UAH", "₺": "TRY", "₱": "PHP",
    "฿": "THB", "₦": "NGN", "₸": "KZT", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "лв.": "BGN",
    "Fr.": "CHF",
}  # fmt: skip


def check_locale(name: str) -> str:
    """A locale's name as given, if there is such a locale.

    Raises:
        ValueError: there is none.
    """
    _locale(name)
    return name


def check_currency(code: str) -> str:
    """A currency's code as given, if there is such a currency.

    Raises:
        ValueError: there is none.
    """
    if not is_currency(code):
        raise ValueError(f"there is no currency {code!r}{_meant(code.upper(), _currencies())}")
    return code


def time_zone(name: str) -> ZoneInfo:
    """A time zone by its name (`Europe/Berlin`).

    Raises:
        ValueError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        hint = _meant(name, available_timezones())
        raise ValueError(f"there is no time zone {name!r}{hint}") from error


@lru_cache(maxsize=64)
def group_mark(name: str) -> str:
    """The mark between thousands. Raises: `ValueError`, as `check_locale`."""
    symbols = _locale(name).number_symbols
    return str(symbols.get("latn", symbols).get("group", ""))


@lru_cache(maxsize=64)
def date_order(name: str) -> str:
    """The order of day, month and year in a numeric date: `DMY`. Raises: `ValueError`."""
    pattern = str(_locale(name).date_formats["short"].pattern)
    return "".join(dict.fromkeys(re.findall("[dMy]", pattern))).upper()


@lru_cache(maxsize=64)
def date_language(name: str | None) -> str:
    """The language that dates in words are read in; English without a locale.

    Raises:
        ValueError: dates in this language can't be read.
    """
    from dateparser.data.languages_info import language_order

    language = _locale(name).language if name is not None else "en"
    if language not in language_order:
        raise ValueError(f"dates in words can't be read in {name!r}: give a format")
    return str(language)


@lru_cache(maxsize=64)
def currency_symbols(name: str | None) -> Mapping[str, str]:
    """Codes by symbol, the longest symbols first: the locale's, then those known everywhere.

    Raises:
        ValueError: as `check_locale`.
    """
    own: dict[str, str] = {}
    for code, symbol in _locale(name).currency_symbols.items() if name is not None else ():
        if symbol != code and is_currency(code):
            own.setdefault(symbol.replace("\u200f", ""), code)
    symbols = _SYMBOLS | own
    return {symbol: symbols[symbol] for symbol in sorted(symbols, key=len, reverse=True)}


def is_currency(code: str) -> bool:
    """Whether there is, or was, a currency of this code. Raises: nothing."""
    return code in _currencies()


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    from babel.core import get_global

    return frozenset(get_global("all_currencies"))


@lru_cache(maxsize=64)
def _locale(name: str) -> "Locale":
    from babel import Locale, UnknownLocaleError
    from babel.localedata import locale_identifiers

    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError) as error:
        known = [identifier.replace("_", "-") for identifier in locale_identifiers()]
        # Another territory of the language is nearer than another language.
        near = [other for other in known if other[:2] == name[:2].lower()] or known
        raise ValueError(f"there is no locale {name!r}{_meant(name, near)}") from error


def _meant(word: str, options: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, sorted(options), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
