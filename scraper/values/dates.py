"""The text of a date or a time → the date, or the aware UTC time.

ISO 8601 takes the short road. With a `format` the text must be in it (or ISO). Numeric dates
are read in the order of the locale; where day and month could be swapped and no locale says how,
that is an error, not a guess. All else is words, for dateparser: day, month and year must be
there, and nothing depends on the day on which it is read.

Whatever doesn't fit: `ValueError`.

Source: ISO 8601; POSIX for years of two digits (69 is 1969, 68 is 2068).
"""

import re
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from unicodedata import normalize

from scraper.values.locales import date_language, date_order, time_zone
from scraper.values.reading import Reading

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

__all__ = ["check_format", "read_date", "read_datetime"]

_MAX_CHARACTERS = 100
_NUMERIC = re.compile(
    r"(?<![\d./-])(\d{4}|\d{1,2})(\s?[./-]\s?|\s)(\d{1,2})\2(\d{4}|\d{1,2})(?![\d/-]|\.\d)"
)
_YEAR_LAST = ("DMY", "MDY")
_UNCLEAR = "day and month could be swapped: give a locale or a format"
_NEVER = datetime(2000, 1, 1)  # noqa: DTZ001  # what dateparser takes for now: no day of ours
_SAMPLE = datetime(2026, 4, 23, 17, 8, 9, tzinfo=UTC)


def read_date(value: object, reading: Reading) -> date:
    """A date; of a time the date that is written in it.

    Raises:
        ValueError: there is no date in the value, or more than one reading of it.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return _moment(value, reading).date()


def read_datetime(value: object, reading: Reading) -> datetime:
    """A time in UTC; without an offset it is one of the reading's time zone, a date its midnight.

    Raises:
        ValueError: there is no date in the value, or more than one reading of it.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001  # its zone follows
    moment = _moment(value, reading)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=time_zone(reading.timezone))
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("beyond the years 1 to 9999") from error


def check_format(text: str) -> str:
    """A strptime format as given, if it makes a date.

    Raises:
        ValueError: an unknown directive, or day, month or year is missing.
    """
    try:
        found = datetime.strptime(_SAMPLE.strftime(text), text)  # noqa: DTZ007  # only its date
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date format: {error}") from error
    if found.date() != _SAMPLE.date():
        raise ValueError(f"{text!r} is not a date format: it needs day, month and year")
    return text


def _moment(value: object, reading: Reading) -> datetime:
    """The time as written, naive where no offset is."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("not a text")
    text = value.strip()
    if reading.format is not None:
        return _formatted(text, reading, reading.format)
    return _iso(text) or _in_words(normalize("NFKC", text), reading.locale)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _formatted(text: str, reading: Reading, template: str) -> datetime:
    """Names of months are English, or the locale's."""
    try:
        return datetime.strptime(text, template)  # noqa: DTZ007  # its zone follows
    except ValueError:
        found = _iso(text)
    if found is None and reading.locale is not None and re.search("%[aAbBp]", template):
        parser = _parser(date_language(reading.locale), None, "custom-formats")
        found = parser.get_date_data(text, date_formats=[template]).date_obj
    if found is None:
        raise ValueError(f"not in the format {template!r}")
    return found


def _in_words(text: str, locale: str | None) -> datetime:
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"{len(text)} characters")
    order = date_order(locale) if locale is not None else None
    plain = _NUMERIC.sub(partial(_numeric, order=order), text)
    found = _iso(plain)
    if found is not None:
        return found
    # A locale that begins with the year doesn't say what is what when it comes last.
    orders = [order] if order in _YEAR_LAST else [*_YEAR_LAST, "YMD"]
    language = date_language(locale)
    moments = {
        _parsed(plain, language, order) for order in (orders if plain == text else ["YMD"])
    } - {None}
    if len(moments) > 1:
        raise ValueError(_UNCLEAR)
    moment = moments.pop() if moments else None
    if moment is None:
        raise ValueError("no day, month and year" + ("" if locale else " in English"))
    return moment


def _parsed(text: str, language: str, order: str) -> datetime | None:
    found: datetime | None = _parser(language, order, "absolute-time").get_date_data(text).date_obj
    return found


@lru_cache(maxsize=64)
def _parser(language: str, order: str | None, way: str) -> "DateDataParser":
    from dateparser.date import DateDataParser

    settings: dict[str, object] = {
        "PARSERS": [way],
        "STRICT_PARSING": True,
        "REQUIRE_PARTS": ["day", "month", "year"],
        "RELATIVE_BASE": _NEVER,
    }
    if order is not None:
        settings["DATE_ORDER"] = order
    return DateDataParser(languages=[language], settings=settings)


def _numeric(found: re.Match[str], order: str | None) -> str:
    """A numeric date in ISO's form."""
    first, second, third = int(found[1]), int(found[3]), int(found[4])
    if len(found[1]) == 4:
        if len(found[4]) == 4:
            raise ValueError("two years")
        parts = {"Y": first, "M": second, "D": third}
    elif len(found[4]) == 4:
        parts = _day_and_month(first, second, order) | {"Y": third}
    elif order is None:
        raise ValueError("a year of two digits: give a locale or a format")
    else:
        parts = dict(zip(order, (first, second, third), strict=True))
        parts["Y"] += 2000 if parts["Y"] < 69 else 1900
    return date(parts["Y"], parts["M"], parts["D"]).isoformat()


def _day_and_month(first: int, second: int, order: str | None) -> dict[str, int]:
    """Which is which, where the year comes last; locales that begin with it don't say."""
    if order in _YEAR_LAST:
        return dict(zip(order, (first, second), strict=False))
    if first <= 12 and second <= 12 and first != second:
        raise ValueError(_UNCLEAR)
    return {"D": first, "M": second} if first > 12 else {"M": first, "D": second}
