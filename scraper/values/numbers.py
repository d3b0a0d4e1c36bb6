"""The text of a number → the number, as a locale writes it.

Numbers are read out of their surroundings (`£1,234.50`, `1 234,50 EUR`, `In stock (22)`), `1.4E7`
too; a text with several numbers is no number. `1.234` is 1234 where the locale groups by dots
(`de`), and 1.234 everywhere else; marks that can mean but one thing mean it in every locale.

Whatever doesn't fit: `ValueError`.
"""

import math
import re
from decimal import Decimal

from scraper.values.locales import group_mark

__all__ = ["NUMBER", "read_float", "read_int"]

NUMBER = re.compile(
    r"""
    (?: (?<![\w.,]) (?P<sign>[-+\u2212]) \s? (?: [A-Z]{0,2} [$\u00a3\u20ac\u00a5\uffe5] )? \s? )?
    (?P<digits>
        (?: (?<![\w.,]) \. )? \d++
        (?: [.,'\u2019]\d++ | [ \u00a0\u2009\u202f]\d{3}(?!\d) )*+
    )
    (?P<exponent> [eE] [-+]? \d{1,2} (?![\w.,]\d) (?!\w) )?
    """,
    re.VERBOSE,
)
_GROUPS = re.compile(r"(?!0)\d{1,3}(?:[.,]\d{3})+")
_MAX_INT = 2**63
_WIDE = {0xFF0C: ",", 0xFF0E: ".", 0xFF0D: "-"}
"""The full-width marks of Japanese and Chinese pages; their digits are digits already."""


def read_float(value: object, locale: str | None) -> float:
    """A finite number.

    Raises:
        ValueError: the value is none.
    """
    result = float(_number(value, locale))
    if not math.isfinite(result):
        raise ValueError("not finite")
    return result


def read_int(value: object, locale: str | None) -> int:
    """A whole number of 64 bits.

    Raises:
        ValueError: the value is none.
    """
    number = _number(value, locale)
    result = number if isinstance(number, int) else _int(number)
    if not -_MAX_INT <= result < _MAX_INT:
        raise ValueError("more than 64 bits")
    return result


def _number(value: object, locale: str | None) -> int | str | float:
    """A number as it is, or the digits of the one number in a text, with `.` as its point."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ValueError("not a number")
    found = list(NUMBER.finditer(value if value.isascii() else value.translate(_WIDE)))
    if len(found) != 1:
        raise ValueError(f"{len(found)} numbers")
    sign = "-" if found[0]["sign"] in {"-", "\u2212"} else ""
    digits = _plain(re.sub(r"[\s'\u2019]", "", found[0]["digits"]), locale)
    return sign + digits + (found[0]["exponent"] or "")


def _plain(digits: str, locale: str | None) -> str:
    """Drop the marks between thousands; the last of two different marks is the point."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits
    mark, other = digits[last], "," if digits[last] == "." else "."
    if other in digits and digits.count(mark) == 1:
        return digits.replace(other, "").replace(mark, ".")
    if _GROUPS.fullmatch(digits) and (digits.count(mark) > 1 or _groups(mark, locale)):
        return digits.replace(mark, "").replace(other, "")
    if digits.count(mark) > 1:
        raise ValueError("neither thousands nor a fraction")
    return digits.replace(",", ".")


def _groups(mark: str, locale: str | None) -> bool:
    """Whether one mark before three digits stands between thousands."""
    return mark == ("," if locale is None else group_mark(locale))


def _int(number: str | float) -> int:
    exact = Decimal(number)
    if not exact.is_finite() or exact != exact.to_integral_value():
        raise ValueError("not whole")
    return int(exact)
