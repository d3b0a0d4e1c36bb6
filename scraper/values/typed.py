"""Any value → the value of a field's type.

URLs are absolute, in WHATWG's normal form; a truth is plainly said (`yes`, `off`, 1); texts take
every scalar. Numbers, money and dates are read by the modules beside this one.

Whatever doesn't fit: `ValueError`.
"""

from datetime import date

from ada_url import join_url

from scraper.values.dates import read_date, read_datetime
from scraper.values.money import read_money
from scraper.values.numbers import read_float, read_int
from scraper.values.reading import PLAIN, Kind, Reading, Value

__all__ = ["typed"]

_WORDS = dict.fromkeys(("true", "yes", "1", "on"), True) | dict.fromkeys(
    ("false", "no", "0", "off"), False
)


def typed(value: object, kind: Kind, *, base_url: str, reading: Reading = PLAIN) -> Value:
    """Make a value of a field's type; `base_url` is what a URL is relative to.

    Raises:
        ValueError: the value doesn't fit.
    """
    if kind == "str":
        return value if isinstance(value, str) else _text(value)
    if kind == "url":
        return join_url(base_url, _text(value))
    if kind == "bool":
        return _bool(value)
    return _read(value, kind, reading)


def _read(value: object, kind: Kind, reading: Reading) -> Value:
    if kind == "int":
        return read_int(value, reading.locale)
    if kind == "float":
        return read_float(value, reading.locale)
    if kind == "money":
        return read_money(value, reading)
    return read_date(value, reading) if kind == "date" else read_datetime(value, reading)


def _bool(value: object) -> bool:
    word = str(value).strip().lower()
    if word not in _WORDS:
        raise ValueError("neither true nor false")
    return _WORDS[word]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("not a text")
