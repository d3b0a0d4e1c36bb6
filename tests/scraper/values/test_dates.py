"""Dates and times: ISO, a format, numbers in the order of a locale, words of a language."""

import contextlib
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from babel.dates import format_date
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.values import Reading
from scraper.values.dates import check_format, read_date, read_datetime


def wide(text):
    """The full-width forms of digits and marks."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


THIRD_OF_APRIL = date(2026, 4, 3)
UNCLEAR = "day and month could be swapped: give a locale or a format"
NOTHING = "no day, month and year"

DATES = {
    "iso": ("2026-04-03", {}),
    "iso_basic": ("20260403", {}),
    "iso_time": ("2026-04-03T23:30:00Z", {}),
    "its_own_date_whatever_the_zone": ("2026-04-03T23:30:00-11:00", {"timezone": "Asia/Tokyo"}),
    "spaces": (" 2026-04-03\n", {}),
    "iso_in_any_locale": ("2026-04-03", {"locale": "en-US"}),
    "year_first": ("2026/4/3", {}),
    "year_first_in_ja": ("2026/04/03", {"locale": "ja"}),
    "wide_in_ja": (wide("2026/04/03"), {"locale": "ja"}),
    "words_in_ja": ("2026年4月3日", {"locale": "ja"}),
    "day_first_in_en_GB": ("03/04/2026", {"locale": "en-GB"}),
    "month_first_in_en_US": ("04/03/2026", {"locale": "en-US"}),
    "day_first_in_de": ("3.4.2026", {"locale": "de"}),
    "spaced_in_de": ("3. 4. 2026", {"locale": "de"}),
    "half_spaced_in_de": ("3.4. 2026", {"locale": "de"}),
    "two_digits_in_de": ("03.04.26", {"locale": "de"}),
    "two_digits_in_sv": ("26-04-03", {"locale": "sv"}),
    "day_first_in_fr": ("03/04/2026", {"locale": "fr"}),
    "spaces_in_en_GB": ("3 4 2026", {"locale": "en-GB"}),
    "words": ("3 April 2026", {}),
    "words_month_first": ("April 3rd, 2026", {}),
    "words_with_a_weekday": ("Friday, 3 April 2026", {}),
    "words_in_de": ("Freitag, 3. April 2026", {"locale": "de"}),
    "words_in_fr": ("3 avril 2026", {"locale": "fr"}),
    "words_in_sv": ("den 3 april 2026", {"locale": "sv"}),
    "format": ("03|04|2026", {"format": "%d|%m|%Y"}),
    "format_before_iso": ("20260304", {"format": "%Y%d%m"}),
    "format_or_iso": ("2026-04-03", {"format": "%d.%m.%Y"}),
    "format_with_names": ("3. April 2026", {"format": "%d. %B %Y"}),
    "format_with_names_in_fr": ("3 avril 2026", {"format": "%d %B %Y", "locale": "fr"}),
}


@pytest.mark.parametrize(("text", "reading"), DATES.values(), ids=DATES.keys())
def test_a_date_is_read(text, reading):
    assert read_date(text, Reading(**reading)) == THIRD_OF_APRIL


NO_DATES = {
    "relative": ("yesterday", {}, NOTHING),
    "in_days": ("in 3 days", {}, NOTHING),
    "relative_in_de": ("gestern", {"locale": "de"}, NOTHING),
    "no_day": ("April 2026", {}, NOTHING),
    "no_year": ("3 April", {}, NOTHING),
    "no_date": ("10:30", {}, NOTHING),
    "no_such_day": ("31 April 2026", {}, NOTHING),
    "seconds_since_1970": ("1767312000", {}, NOTHING),
    "empty": ("", {}, NOTHING),
    "another_language": ("3 avril 2026", {}, f"{NOTHING} in English"),
    "not_the_locale_s_language": ("3 avril 2026", {"locale": "de"}, NOTHING),
    "swappable": ("03/04/2026", {}, UNCLEAR),
    "swappable_with_a_time": ("03/04/2026 10:30", {}, UNCLEAR),
    "swappable_with_spaces": ("3 4 2026", {}, UNCLEAR),
    "swappable_half_spaced": ("3.4. 2026", {}, UNCLEAR),
    "swappable_in_sv": ("03/04/2026", {"locale": "sv"}, UNCLEAR),
    "swappable_half_spaced_in_ja": ("3.4. 2026", {"locale": "ja"}, UNCLEAR),
    "two_digits": ("25.12.26", {}, "a year of two digits: give a locale or a format"),
    "against_the_locale": ("25/12/2026", {"locale": "en-US"}, "month must be in 1..12"),
    "two_years": ("2026-04-2026", {}, "two years"),
    "long": ("3 April 2026" + " x" * 60, {}, "132 characters"),
    "not_in_the_format": ("3 April 2026", {"format": "%d.%m.%Y"}, "not in the format"),
    "not_in_the_locale_s_format": (
        "3 Quatsch 2026", {"format": "%d %B %Y", "locale": "de"}, "not in the format",
    ),
    "number": (20260403, {}, "not a text"),
    "none": (None, {}, "not a text"),
}  # fmt: skip


@pytest.mark.parametrize(("value", "reading", "message"), NO_DATES.values(), ids=NO_DATES.keys())
def test_what_is_no_date_or_several_is_refused(value, reading, message):
    with pytest.raises(ValueError, match=r".") as error:
        read_date(value, Reading(**reading))
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["25/12/2026", "12/25/2026", "25.12.2026"])
@pytest.mark.parametrize("locale", [None, "sv", "ja"])
def test_a_day_that_can_be_no_month_needs_no_locale(text, locale):
    assert read_date(text, Reading(locale=locale)) == date(2026, 12, 25)


def test_equal_day_and_month_need_no_locale():
    assert read_date("3/3/2026", Reading()) == date(2026, 3, 3)


@pytest.mark.parametrize(("text", "year"), [("1.1.68", 2068), ("1.1.69", 1969), ("1.1.00", 2000)])
def test_years_of_two_digits_are_those_of_posix(text, year):
    assert read_date(text, Reading(locale="de")).year == year


BERLIN = {"timezone": "Europe/Berlin"}
TIMES = {
    "utc": ("2026-04-03T10:30:00Z", BERLIN, "2026-04-03T10:30"),
    "offset": ("2026-04-03T10:30:00+09:00", BERLIN, "2026-04-03T01:30"),
    "without_a_zone": ("2026-04-03 10:30", {}, "2026-04-03T10:30"),
    "summer_in_berlin": ("2026-04-03 10:30", BERLIN, "2026-04-03T08:30"),
    "winter_in_berlin": ("2026-01-03 10:30", BERLIN, "2026-01-03T09:30"),
    "a_date_is_its_midnight": ("2026-04-03", BERLIN, "2026-04-02T22:00"),
    "numeric": ("03/04/2026 10:30 pm", {"locale": "en-GB"}, "2026-04-03T22:30"),
    "numeric_in_en_US": ("03/04/2026 10:30 pm", {"locale": "en-US"}, "2026-03-04T22:30"),
    "numeric_in_de": ("3.4.2026, 10:30 Uhr", {"locale": "de"}, "2026-04-03T10:30"),
    "words": ("3 April 2026 10:30", {}, "2026-04-03T10:30"),
    "words_with_a_zone": ("Fri, 03 Apr 2026 10:30:00 GMT", BERLIN, "2026-04-03T10:30"),
    "words_in_fr": ("3 avril 2026 à 10h30", {"locale": "fr"}, "2026-04-03T10:30"),
    "words_in_ja": ("2026年4月3日 10時30分", {"locale": "ja"}, "2026-04-03T10:30"),
    "format": ("10h30 03042026", {"format": "%Hh%M %d%m%Y"} | BERLIN, "2026-04-03T08:30"),
    "format_with_a_zone": (
        "03.04.2026 10:30 +0900", {"format": "%d.%m.%Y %H:%M %z"} | BERLIN, "2026-04-03T01:30",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "reading", "moment"), TIMES.values(), ids=TIMES.keys())
def test_a_time_is_read_in_utc(text, reading, moment):
    found = read_datetime(text, Reading(**reading))
    assert (found, found.tzinfo) == (datetime.fromisoformat(f"{moment}:00+00:00"), UTC)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+09:00", "9999-12-31T23:00:00-09:00"])
def test_times_beyond_the_calendar_are_refused(text):
    with pytest.raises(ValueError, match="beyond the years"):
        read_datetime(text, Reading())


def test_dates_are_taken_as_they_are():
    moment = datetime(2026, 4, 3, 23, 30, tzinfo=timezone(timedelta(hours=9)))
    berlin = Reading(timezone="Europe/Berlin")
    assert read_date(THIRD_OF_APRIL, berlin) == THIRD_OF_APRIL
    assert read_date(moment, berlin) == THIRD_OF_APRIL
    assert read_datetime(moment, berlin) == moment
    assert read_datetime(moment.replace(tzinfo=None), berlin).hour == 21
    assert read_datetime(THIRD_OF_APRIL, berlin) == datetime(2026, 4, 2, 22, tzinfo=UTC)


@pytest.mark.parametrize("text", ["%d.%m.%Y", "%Y-%j", "%B %d, %Y %H:%M", "%x", "%y%m%d"])
def test_a_format_that_makes_a_date_is_right(text):
    assert check_format(text) == text


@pytest.mark.parametrize("text", ["%d.%m.", "%Y", "%Q", "%", "date", "", "%H:%M"])
def test_a_format_that_makes_none_is_refused(text):
    with pytest.raises(ValueError, match="is not a date format: "):
        check_format(text)


@settings(deadline=None, max_examples=60)
@given(
    st.dates(date(1970, 1, 1), date(2060, 12, 31)),
    st.sampled_from(["de", "fr", "en-US", "en-GB", "ja"]),
    st.sampled_from(["short", "long"]),
)
def test_dates_are_read_as_babel_writes_them(day, locale, form):
    text = format_date(day, form, locale=locale.replace("-", "_"))
    assert read_date(text, Reading(locale=locale)) == day


@settings(deadline=None)
@given(st.dates(), st.sampled_from([None, "de", "en-US", "ja"]))
def test_iso_dates_need_no_locale(day, locale):
    assert read_date(day.isoformat(), Reading(locale=locale)) == day


@settings(deadline=None, max_examples=60)
@given(st.text("0123456789/.- aprilmy:", max_size=20))
def test_nothing_but_value_errors_comes_of_odd_texts(text):
    with contextlib.suppress(ValueError):
        assert isinstance(read_date(text, Reading()), date)
