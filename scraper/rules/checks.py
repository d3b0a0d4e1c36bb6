"""What must hold of a value once it is typed, and whether what a rule says can hold at all.

`check_value` and `check_count` judge a page's values; `check_field` judges the declaration,
when the crawl file is read. What doesn't hold: `ValueError`, for a declaration with its key.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime

from scraper.rules.field import FieldRule
from scraper.rules.text import WrongKey
from scraper.values import Reading, Value, typed
from scraper.values.dates import check_format, read_datetime
from scraper.values.locales import check_currency, check_locale, date_language, time_zone

__all__ = ["check_count", "check_field", "check_value"]

_BASE = "https://example.org/"
_NUMBERS = ("int", "float", "money")
_DATES = ("date", "datetime")
_TYPES_OF = {
    "format": _DATES,
    "timezone": ("datetime",),
    "currency": ("money",),
    "locale": (*_NUMBERS, *_DATES),
    "pattern": ("str", "url"),
    "min": (*_NUMBERS, *_DATES),
    "max": (*_NUMBERS, *_DATES),
    "enum": ("str", "int", "float", "url"),
}
_OF_LISTS = ("split", "min_items", "max_items")


def check_value(value: Value, field: FieldRule, reading: Reading) -> None:
    """Check one typed value.

    Raises:
        ValueError: what doesn't hold.
    """
    if field.pattern is not None and re.fullmatch(field.pattern, str(value)) is None:
        raise ValueError(f"does not match pattern {field.pattern!r}")
    if field.enum is not None and value not in field.enum:
        raise ValueError(f"is none of enum: {', '.join(map(str, field.enum))}")
    if field.min is not None and _is_below(value, field.min, field, reading):
        raise ValueError(f"is below min {field.min}")
    if field.max is not None and _is_below(field.max, value, field, reading):
        raise ValueError(f"is above max {field.max}")


def check_count(count: int, field: FieldRule) -> None:
    """Check how many values a list has.

    Raises:
        ValueError: too few or too many.
    """
    if field.min_items is not None and count < field.min_items:
        raise ValueError(f"{count} values, min_items is {field.min_items}")
    if field.max_items is not None and count > field.max_items:
        raise ValueError(f"{count} values, max_items is {field.max_items}")


def check_field(field: FieldRule, reading: Reading) -> None:
    """Check that what a field declares fits its type.

    Raises:
        WrongKey: what doesn't fit.
    """
    for key, problem in _misplaced(field):
        raise WrongKey(key, problem)
    _told("locale", check_locale, field.locale)
    _told("currency", check_currency, field.currency)
    _told("timezone", time_zone, field.timezone)
    _told("format", check_format, field.format)
    if field.kind in _DATES and field.format is None:
        _told("type", date_language, reading.locale)
    _check_limits(field, reading)
    _check_enum(field, reading)
    _check_const(field, reading)


def _misplaced(field: FieldRule) -> Iterator[tuple[str, str]]:
    """Keys that a field of this type can't have."""
    for key, kinds in _TYPES_OF.items():
        if getattr(field, key) is not None and field.kind not in kinds:
            yield key, f"is for {', '.join(kinds)}, not for {field.kind}"
    for key in _OF_LISTS:
        if getattr(field, key) is not None and not field.is_many:
            yield key, 'needs many = true or type = "list"'
    if field.type == "list" and "many" in field.model_fields_set and not field.many:
        yield "many", "a list is many"


def _told(key: str, check: Callable[[str], object], value: str | None) -> None:
    if value is not None:
        try:
            check(value)
        except ValueError as error:
            raise WrongKey(key, str(error)) from error


def _check_limits(field: FieldRule, reading: Reading) -> None:
    least, most = field.min, field.max
    for key, limit in (("min", least), ("max", most)):
        if limit is not None and (field.kind in _DATES) != isinstance(limit, date):
            wanted = "date" if field.kind in _DATES else "number"
            raise WrongKey(key, f"{limit} is no {wanted}")
        if field.kind == "date" and isinstance(limit, datetime):
            raise WrongKey(key, f"{limit} is a time, not a date")
    if least is not None and most is not None and _is_below(most, least, field, reading):
        raise WrongKey("max", f"{most} is below min {least}")
    fewest, largest = field.min_items, field.max_items
    if fewest is not None and largest is not None and largest < fewest:
        raise WrongKey("max_items", f"{largest} is below min_items {fewest}")


def _check_enum(field: FieldRule, reading: Reading) -> None:
    for value in field.enum or ():
        try:
            fits = typed(value, field.kind, base_url=_BASE, reading=reading) == value
        except ValueError:
            fits = False
        if not fits:
            raise WrongKey("enum", f"{value!r} is no {field.kind}")


def _check_const(field: FieldRule, reading: Reading) -> None:
    """A constant that is cut or cleaned first is judged as it is used."""
    if field.const is None or field.regex or field.clean or field.split:
        return
    try:
        value = typed(field.const, field.kind, base_url=_BASE, reading=reading)
    except ValueError as error:
        raise WrongKey("const", f"{field.const!r} is no {field.kind}: {error}") from error
    try:
        check_value(value, field, reading)
    except ValueError as error:
        raise WrongKey("const", f"{field.const!r} {error}") from error


def _is_below(first: object, second: object, field: FieldRule, reading: Reading) -> bool:
    return _compared(first, field, reading) < _compared(second, field, reading)  # type: ignore[operator,no-any-return]  # both are of the field's type


def _compared(value: object, field: FieldRule, reading: Reading) -> object:
    """What is compared of a value, or of a limit: TOML has times without a zone."""
    if isinstance(value, Mapping):
        return value["amount"]
    return read_datetime(value, reading) if field.kind == "datetime" else value
