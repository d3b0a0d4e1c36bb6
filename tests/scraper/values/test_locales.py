"""What a locale's name stands for, and what is said of a name that stands for nothing."""

import pytest

from scraper.values.locales import (
    check_currency,
    check_locale,
    currency_symbols,
    date_language,
    date_order,
    group_mark,
    is_currency,
    time_zone,
)


@pytest.mark.parametrize(
    "name", ["de", "de-DE", "en_GB", "en-gb", "zh-Hant-TW", "zh-TW", "en-UK", "sr-Latn"]
)
def test_a_locale_keeps_its_name(name):
    assert check_locale(name) == name


@pytest.mark.parametrize(
    ("check", "word", "message"),
    [
        (check_locale, "en-GBB", "there is no locale 'en-GBB'; did you mean 'en-GB'?"),
        (check_locale, "de-XX", "there is no locale 'de-XX'; did you mean 'de-"),
        (check_locale, "german", "there is no locale 'german'"),
        (check_locale, "", "there is no locale ''"),
        (check_locale, "de DE!", "there is no locale 'de DE!'"),
        (check_currency, "EURO", "there is no currency 'EURO'; did you mean 'EUR'?"),
        (check_currency, "eur", "there is no currency 'eur'; did you mean 'EUR'?"),
        (check_currency, "€", "there is no currency '€'"),
        (time_zone, "Europe/Berln", "there is no time zone 'Europe/Berln'; did you mean "
                                    "'Europe/Berlin'?"),
        (time_zone, "../etc/passwd", "there is no time zone '../etc/passwd'"),
        (time_zone, "", "there is no time zone ''"),
        (date_language, "ceb", "dates in words can't be read in 'ceb': give a format"),
    ],
)  # fmt: skip
def test_a_name_of_nothing_is_told_with_the_nearest(check, word, message):
    with pytest.raises(ValueError, match=r".") as error:
        check(word)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "mark", "order", "language"),
    [
        ("de", ".", "DMY", "de"),
        ("fr", "\u202f", "DMY", "fr"),
        ("en-US", ",", "MDY", "en"),
        ("en-GB", ",", "DMY", "en"),
        ("sv", "\u00a0", "YMD", "sv"),
        ("ja", ",", "YMD", "ja"),
        ("ar-EG", ",", "DMY", "ar"),
    ],
)
def test_how_a_locale_writes(name, mark, order, language):
    assert (group_mark(name), date_order(name), date_language(name)) == (mark, order, language)


def test_dates_are_english_without_a_locale():
    assert date_language(None) == "en"


def test_symbols_are_the_locale_s_before_those_known_everywhere():
    assert currency_symbols(None)["$"] == "USD"
    assert currency_symbols("en-AU")["$"] == "AUD"
    assert "kr" not in currency_symbols(None)
    assert currency_symbols("sv")["kr"] == "SEK"
    lengths = [len(symbol) for symbol in currency_symbols("en-AU")]
    assert lengths == sorted(lengths, reverse=True)


def test_all_symbols_are_of_currencies():
    assert {code for code in currency_symbols(None).values() if not is_currency(code)} == set()
    assert check_currency("DEM") == "DEM"
    assert str(time_zone("Europe/Berlin")) == "Europe/Berlin"
