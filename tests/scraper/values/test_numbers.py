"""Numbers as locales write them; what is read without one is in test_typed.py."""

from decimal import Decimal

import pytest
from babel.numbers import format_decimal
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.values.numbers import read_float, read_int

LOCALES = ["de", "fr", "en-US", "en-GB", "sv", "ja"]


def wide(text):
    """The full-width forms of digits and marks."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


ONE_MARK = {
    "dot_without_a_locale": ("1.234", None, 1.234),
    "comma_without_a_locale": ("1,234", None, 1234),
    "dot_in_de": ("1.234", "de", 1234),
    "comma_in_de": ("1,234", "de", 1.234),
    "dot_in_fr": ("1.234", "fr", 1.234),
    "comma_in_fr": ("1,234", "fr", 1.234),
    "dot_in_en_US": ("1.234", "en-US", 1.234),
    "comma_in_en_US": ("1,234", "en-US", 1234),
    "comma_in_en_GB": ("1,234", "en-GB", 1234),
    "comma_in_sv": ("1,234", "sv", 1.234),
    "comma_in_ja": ("1,234", "ja", 1234),
    "wide_in_ja": (wide("1,234"), "ja", 1234),
    "wide_point_in_ja": (wide("12.5"), "ja", 12.5),
    "apostrophe_in_de_CH": ("1\u2019234.50", "de-CH", 1234.5),
}


@pytest.mark.parametrize(("text", "locale", "number"), ONE_MARK.values(), ids=ONE_MARK.keys())
def test_one_mark_before_three_digits_is_what_the_locale_says(text, locale, number):
    assert read_float(text, locale) == number


@pytest.mark.parametrize("locale", [None, *LOCALES])
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.50", 12.5),
        ("12,5", 12.5),
        ("0.500", 0.5),
        ("0,500", 0.5),
        ("1,234.50", 1234.5),
        ("1.234,50", 1234.5),
        ("1.234.567", 1234567),
        ("1,234,567", 1234567),
        ("1 234 567,25", 1234567.25),
        ("1234567", 1234567),
    ],
)
def test_what_can_mean_but_one_thing_means_it_everywhere(locale, text, number):
    assert read_float(text, locale) == number


def test_whole_numbers_follow_the_locale_too():
    assert read_int("1.234 Stück", "de") == 1234
    with pytest.raises(ValueError, match="not whole"):
        read_int("1.234", "en-US")


@pytest.mark.parametrize("locale", ["de", None])
def test_numbers_are_taken_as_they_are(locale):
    assert [read_float(1.234, locale), read_float(Decimal("1.234"), locale)] == [1.234, 1.234]
    assert read_int(Decimal("1E+2"), locale) == 100


@pytest.mark.parametrize("value", [True, None, [1], b"1", Decimal("NaN")], ids=repr)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match=r"not a number|not finite"):
        read_float(value, None)


@settings(deadline=None)
@given(st.integers(-(2**62), 2**62), st.sampled_from(LOCALES))
def test_whole_numbers_are_read_as_babel_writes_them(number, locale):
    assert read_int(format_decimal(number, locale=locale.replace("-", "_")), locale) == number


@settings(deadline=None)
@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(LOCALES))
def test_numbers_are_read_as_babel_writes_them(number, locale):
    text = format_decimal(number, locale=locale.replace("-", "_"))
    assert read_float(text, locale) == float(number)
