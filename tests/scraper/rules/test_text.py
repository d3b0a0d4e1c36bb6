"""The texts of a rule, apart from the tables that they stand in."""

import pickle

import pytest

from scraper.rules import FieldRule
from scraper.rules.text import OWN_TEXT, WrongKey, split_css


@pytest.mark.parametrize(
    ("css", "parts"),
    [
        ("h1", ("h1", None)),
        ("h1::text", ("h1", OWN_TEXT)),
        (" h1 b :: text ", (" h1 b", OWN_TEXT)),
        ("a.more::attr(href)", ("a.more", "href")),
        ("a::attr( data-id )", ("a", "data-id")),
        ("svg::attr(xlink:href)", ("svg", "xlink:href")),
        ("::attr(id)", ("", "id")),
        ("::text", ("", OWN_TEXT)),
        ('a[href="x::text"]', ('a[href="x::text"]', None)),
        ("a, b::text", ("a, b", OWN_TEXT)),
        ("a::attr()", ("a::attr()", None)),
        ("a::TEXT", ("a::TEXT", None)),
        ("", ("", None)),
    ],
)  # fmt: skip
def test_what_a_selector_takes_stands_at_its_end(css, parts):
    selector, takes = split_css(css)
    assert (selector.strip(), takes) == (parts[0].strip(), parts[1])


def test_an_error_below_a_table_has_its_key():
    error = WrongKey("a.b", "is wrong")
    assert (error.key, error.problem, str(error)) == ("a.b", "is wrong", "a.b: is wrong")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_field_that_was_used_can_still_be_sent_to_a_process():
    field = FieldRule(css="h1", regex="a", clean=["lower", {"map": {"a": "b"}}])
    assert [source.label for source in field.sources] == ["css 'h1'"]
    assert pickle.loads(pickle.dumps(field)) == field
