"""The text of a field → its typed value.

Numbers are read out of their surroundings (`£1,234.50`, `1 234,50 EUR`, `In stock (22)`); a text
with several numbers is no number. URLs are absolute, in WHATWG's normal form.

`int` and `bool` take only what is whole or plainly said. Whatever doesn't fit: `ValueError`.
"""

import math
import re

from ada_url import join_url

from scraper.extract.json_ld import JsonScalar
from scraper.rules import FieldType

__all__ = ["typed"]

_WORDS = dict.fromkeys(("true", "yes", "1", "on"), True) | dict.fromkeys(
    ("false", "no", "0", "off"), False
)
_NUMBER = re.compile(
    r"""
    (?: (?<![\w.,]) (?P<sign>[-+\u2212]) \s? [$\u00a3\u20ac\u00a5]? \s? )?
    (?P<digits>
        (?: (?<![\w.,]) \. )? \d++
        (?: [.,'\u2019]\d++ | [ \u00a0\u2009\u202f]\d{3}(?!\d) )*+
    )
    """,
    re.VERBOSE,
)
_GROUPS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_MAX_INT = 2**63


def typed(value: JsonScalar, kind: FieldType, *, base_url: str) -> JsonScalar:
    """Make a value of a field's type; `base_url` is what a URL is relative to.

    Raises:
        ValueError: the value doesn't fit.
    """
    if kind == "str":
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "url":
        return join_url(base_url, str(value))
    if kind == "bool":
        return _bool(value)
    return _whole(_number(value)) if kind == "int" else _finite(_number(value))


def _bool(value: JsonScalar) -> bool:
    word = str(value).strip().lower()
    if word not in _WORDS:
        raise ValueError("neither true nor false")
    return _WORDS[word]


def _number(value: JsonScalar) -> int | str | float:
    """A number as it is, or the digits of the one number in a text, with `.` as its point."""
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")
    if not isinstance(value, str):
        return value
    found = list(_NUMBER.finditer(value))
    if len(found) != 1:
        raise ValueError(f"{len(found)} numbers")
    sign = "-" if found[0]["sign"] in {"-", "\u2212"} else ""
    return sign + _plain(re.sub(r"[\s'\u2019]", "", found[0]["digits"]))


def _plain(digits: str) -> str:
    """Drop the marks between thousands; the last of two different marks is the point."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits
    mark, other = digits[last], "," if digits[last] == "." else "."
    if other in digits and digits.count(mark) == 1:
        return digits.replace(other, "").replace(mark, ".")
    # One dot alone is a point, even before three digits; one comma there is not.
    if _GROUPS.fullmatch(digits) and (mark == "," or digits.count(".") > 1):
        return digits.replace(mark, "").replace(other, "")
    if digits.count(mark) > 1:
        raise ValueError("neither thousands nor a fraction")
    return digits.replace(",", ".")


def _finite(number: int | str | float) -> float:
    result = float(number)
    if not math.isfinite(result):
        raise ValueError("not finite")
    return result


def _whole(number: int | str | float) -> int:
    result = number if isinstance(number, int) else _int(number)
    if not -_MAX_INT <= result < _MAX_INT:
        raise ValueError("more than 64 bits")
    return result


def _int(number: str | float) -> int:
    whole, _, fraction = str(number).partition(".")
    if fraction.strip("0"):
        raise ValueError("not whole")
    return int(whole)
