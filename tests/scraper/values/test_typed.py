from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.values import Reading, typed

BASE = "https://example.org/a/b"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("51.77", 51.77),
        ("£51.77", 51.77),
        ("1,234.50", 1234.5),
        ("1.234,50 €", 1234.5),
        ("1 234,50 EUR", 1234.5),
        ("1\u00a0234\u202f567,5", 1234567.5),
        ("CHF 1'234.50", 1234.5),
        ("CHF 500.-", 500.0),
        ("Rs.500", 500.0),
        ("USD 12", 12.0),
        ("12,5", 12.5),
        ("12,345", 12345.0),
        ("12.345", 12.345),
        ("1,234,567", 1234567.0),
        ("1.234.567", 1234567.0),
        (".5", 0.5),
        ("-3.5", -3.5),
        ("-£3.50", -3.5),
        ("\u2212 3", -3.0),
        ("+7", 7.0),
        ("50%", 50.0),
        ("lamp-5", 5.0),
        ("0", 0.0),
        ("1.4E7", 14_000_000.0),
        ("1,5e-3 km", 0.0015),
    ],
)
def test_float_is_read_out_of_its_surroundings(text, number):
    assert typed(text, "float", base_url=BASE) == number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("22", 22),
        ("In stock (22 available)", 22),
        ("1,234", 1234),
        ("1.234.567", 1234567),
        ("12.00", 12),
        ("-3", -3),
        ("9223372036854775807", 2**63 - 1),
        (7, 7),
        (7.0, 7),
    ],
)
def test_int_is_whole(value, number):
    result = typed(value, "int", base_url=BASE)
    assert (result, type(result)) == (number, int)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("sold out", "float"),
        ("", "float"),
        ("10-20", "float"),
        ("3 of 5", "float"),
        ("1,2,3", "float"),
        ("1.2.3", "float"),
        ("1,234,5", "float"),
        ("1e5.5", "float"),
        ("1e500", "float"),
        ("9" * 400, "float"),
        (True, "float"),
        ("1.5", "int"),
        ("12,5", "int"),
        (1.5, "int"),
        (1e300, "int"),
        ("9223372036854775808", "int"),
        (2**63, "int"),
        ("9" * 5000, "int"),
        (False, "int"),
        ("maybe", "bool"),
        ("", "bool"),
        (2, "bool"),
        ("in stock", "bool"),
        ("http://[bad/", "url"),
        ("\udcff", "url"),
    ],
    ids=lambda value: str(value)[:12].encode("ascii", "replace").decode() or "empty",
)
def test_value_that_does_not_fit_is_refused(value, kind):
    with pytest.raises(ValueError, match=r"."):
        typed(value, kind, base_url=BASE)


@pytest.mark.parametrize("value", ["true", " Yes ", "1", "ON", 1, True])
def test_bool_is_true(value):
    assert typed(value, "bool", base_url=BASE) is True


@pytest.mark.parametrize("value", ["False", "no", "0", "off", 0, False])
def test_bool_is_false(value):
    assert typed(value, "bool", base_url=BASE) is False


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (5, "5"), (9.5, "9.5"), (True, "true"), (False, "false")]
)
def test_str_takes_every_scalar(value, text):
    assert typed(value, "str", base_url=BASE) == text


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("c.jpg", "https://example.org/a/c.jpg"),
        ("//cdn.org/x y", "https://cdn.org/x%20y"),
        ("HTTP://Other.org#f", "http://other.org/#f"),
        ("/a\nb", "https://example.org/ab"),
        ("data:image/gif;base64,x", "data:image/gif;base64,x"),
    ],
)
def test_url_is_absolute(value, url):
    assert typed(value, "url", base_url=BASE) == url


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(["{}", "{:,}"]))
def test_int_reads_what_python_writes(number, form):
    assert typed(form.format(number), "int", base_url=BASE) == number


@settings(deadline=None)
@given(st.decimals(-(10**9), 10**9, places=2))
def test_float_reads_what_python_writes(number):
    assert typed(f"{number:,}", "float", base_url=BASE) == float(number)


@pytest.mark.parametrize(
    ("value", "kind", "reading", "expected"),
    [
        ("1.234", "int", {"locale": "de"}, 1234),
        ("1.234", "float", {"locale": "de"}, 1234.0),
        ("1.234 kr", "money", {"locale": "sv"}, {"amount": 1.234, "currency": "SEK"}),
        ("5", "money", {"currency": "GBP"}, {"amount": 5.0, "currency": "GBP"}),
        ("03/04/2026", "date", {"locale": "en-GB"}, date(2026, 4, 3)),
        (
            "2026-04-03",
            "datetime",
            {"timezone": "Asia/Tokyo"},
            datetime(2026, 4, 2, 15, tzinfo=UTC),
        ),
    ],
)
def test_every_type_is_read_as_the_field_says(value, kind, reading, expected):
    found = typed(value, kind, base_url=BASE, reading=Reading(**reading))
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("value", [date(2026, 4, 3), datetime(2026, 4, 3, tzinfo=UTC)])
def test_a_date_is_a_text_too(value):
    assert typed(value, "str", base_url=BASE) == value.isoformat()


@pytest.mark.parametrize("value", [None, {}, [], b"x"], ids=repr)
@pytest.mark.parametrize(
    "kind", ["str", "int", "float", "bool", "date", "datetime", "url", "money"]
)
def test_what_is_no_scalar_is_refused(value, kind):
    with pytest.raises(ValueError, match=r"."):
        typed(value, kind, base_url=BASE)
