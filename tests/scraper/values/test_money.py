"""Prices: the amount as the locale writes it, the currency by code or symbol."""

import pytest
from babel.numbers import format_currency
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.values import Reading
from scraper.values.money import read_money


def wide(text):
    """The full-width forms of digits and marks."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


TEXTS = {
    "pound": ("£1,234.50", None, 1234.5, "GBP"),
    "euro_after": ("1.234,50 €", "de", 1234.5, "EUR"),
    "euro_by_code": ("EUR 1.234", "de", 1234, "EUR"),
    "code_after": ("12 EUR", None, 12, "EUR"),
    "code_without_a_space": ("12EUR", None, 12, "EUR"),
    "code_in_brackets": ("Price (EUR): 12", None, 12, "EUR"),
    "code_after_a_dash": ("12,- EUR", None, 12, "EUR"),
    "dash_for_no_cents": ("CHF 500.-", None, 500, "CHF"),
    "french": ("1\u202f234,50\u00a0€", "fr", 1234.5, "EUR"),
    "dollar_alone": ("$5", None, 5, "USD"),
    "dollar_in_en_US": ("$1,234", "en-US", 1234, "USD"),
    "dollar_in_en_GB": ("$5", "en-GB", 5, "USD"),
    "dollar_in_en_AU": ("$5", "en-AU", 5, "AUD"),
    "dollar_in_es_MX": ("$5", "es-MX", 5, "MXN"),
    "dollar_with_its_country": ("US$5", "en-AU", 5, "USD"),
    "dollar_with_its_code": ("USD $5", "en-AU", 5, "USD"),
    "canadian": ("CA$5", None, 5, "CAD"),
    "real": ("R$ 10", None, 10, "BRL"),
    "crowns_in_sv": ("1 234,50 kr", "sv", 1234.5, "SEK"),
    "crowns_in_nb": ("100kr", "nb", 100, "NOK"),
    "crowns_in_da": ("1.234,50 kr.", "da", 1234.5, "DKK"),
    "crowns_of_nobody": ("100 kr", None, 100, None),
    "yen": ("¥1,234", None, 1234, "JPY"),
    "yen_in_ja": ("￥1,234", "ja", 1234, "JPY"),
    "yen_in_words": (wide("1,234") + "円", "ja", 1234, "JPY"),
    "yuan_in_zh": ("¥5", "zh", 5, "CNY"),
    "zloty": ("5 zł", None, 5, "PLN"),
    "negative": ("-£3.50", None, -3.5, "GBP"),
    "no_code_of_a_currency": ("12 XYZ", None, 12, None),
    "a_word_that_is_a_code_elsewhere": ("TOP £5", None, 5, "GBP"),
    "a_word_that_has_a_symbol_in_it": ("12 krimskrams", "sv", 12, None),
    "nothing": ("3", None, 3, None),
}


@pytest.mark.parametrize(("text", "locale", "amount", "currency"), TEXTS.values(), ids=TEXTS.keys())
def test_a_price_is_amount_and_currency(text, locale, amount, currency):
    found = read_money(text, Reading(locale=locale))
    assert found == {"amount": amount, "currency": currency}
    assert isinstance(found["amount"], float)


def test_the_rules_currency_is_for_prices_without():
    reading = Reading(currency="EUR")
    assert read_money("3", reading)["currency"] == "EUR"
    assert read_money(3, reading) == {"amount": 3.0, "currency": "EUR"}
    assert read_money("£3", reading)["currency"] == "GBP"


def test_a_pair_is_money_already():
    assert read_money({"amount": 3, "currency": "GBP"}, Reading()) == {
        "amount": 3.0,
        "currency": "GBP",
    }
    assert read_money({"amount": "1.234"}, Reading(locale="de", currency="EUR")) == {
        "amount": 1234.0,
        "currency": "EUR",
    }


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("sold out", "0 numbers"),
        ("£3 - £5", "2 numbers"),
        (True, "not a number"),
        ({}, "needs amount"),
        ({"amount": 3, "money": "GBP"}, "needs amount"),
        ({"amount": 3, "currency": "XYZ"}, "there is no currency 'XYZ'"),
        ({"amount": "x"}, "0 numbers"),
    ],
    ids=str,
)
def test_what_is_no_price_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        read_money(value, Reading())


@settings(deadline=None)
@given(
    st.decimals(-(10**9), 10**9, places=2),
    st.sampled_from(["EUR", "GBP", "USD", "JPY"]),
    st.sampled_from(["de", "fr", "en-US", "en-GB", "ja"]),
)
def test_prices_are_read_as_babel_writes_them(number, currency, locale):
    text = format_currency(
        number,
        currency,
        locale=locale.replace("-", "_"),
        currency_digits=False,
        decimal_quantization=False,
    )
    assert read_money(text, Reading(locale=locale)) == {
        "amount": float(number),
        "currency": currency,
    }
