"""What gave each value of a page."""

from datetime import UTC, datetime

import pytest

from scraper import Found, explain, parse_page
from scraper.models import Page
from scraper.rules import GENERIC_FIELDS, FieldRule, SiteRule

URL = "https://example.org/a"
PAGE = (
    "<html lang=de><title>T</title><meta name=description content=D><h1>H</h1>"
    "<meta property=og:title content=O><link rel=canonical href=/c><a href=b>é</a>"
    "<script type=application/ld+json>{}</script>"
)
RULE = SiteRule(
    name="shop",
    hosts=["example.org"],
    item="a",
    fields={
        "text": FieldRule(css="::text"),
        "wrong": FieldRule(css="::text", type="int"),
        "missing": FieldRule(css=".absent", required=True),
        "shelf": FieldRule(seed="shelf"),
    },
)
EXPLAINED = [
    {
        "text": Found("é", "css '::text'"),
        "wrong": Found(None, None, "rule shop, field wrong: 'é' is no int: 0 numbers"),
        "missing": Found(None, None, "rule shop, field missing: nothing found"),
        "shelf": Found("A", "seed column shelf"),
    }
]


def page_of(body, charset):
    return Page(
        url="https://example.org/",
        final_url=URL,
        redirects=(),
        http_status=200,
        headers=(("content-type", f"text/html; charset={charset}"),),
        body=body,
        fetched_at=datetime(2026, 1, 2, tzinfo=UTC),
        elapsed_s=0.1,
    )


@pytest.mark.parametrize(
    "page",
    [PAGE, f"\ufeff{PAGE}", PAGE.encode(), page_of(PAGE.encode("cp1252"), "cp1252")],
    ids=["text", "bom", "bytes", "page"],
)
def test_every_field_is_told_with_its_source_or_its_error(page):
    assert explain(page, RULE, url=URL, seed={"shelf": "A"}) == EXPLAINED


def test_a_page_without_a_rule_is_explained_too():
    (item,) = explain(PAGE, url=URL)
    assert {name: found.source for name, found in item.items()} == {
        "title": "<title>",
        "description": "meta name=description",
        "canonical_url": "link rel=canonical",
        "lang": "html lang",
        "h1": "<h1>",
        "text": "<body>",
        "links": "a href",
        "open_graph": "meta property=og:...",
        "json_ld": "ld+json",
    }
    (plain,) = parse_page(PAGE, url=URL)
    assert {name: found.value for name, found in item.items()} == {
        name: plain[name] for name in GENERIC_FIELDS
    }


def test_what_is_not_there_has_no_source():
    (item,) = explain("<p>", url=URL)
    assert {name: found for name, found in item.items() if found.source} == {}
    (item,) = explain("<meta property=og:description content=D>", url=URL)
    assert item["description"] == Found("D", "meta name=og:description")


def test_a_page_knows_its_url():
    (item,) = explain(page_of(PAGE.encode(), "utf-8"))
    assert item["links"].value == ["https://example.org/b"]


@pytest.mark.parametrize("rule", [None, RULE])
def test_an_empty_page_has_nothing_to_explain(rule):
    assert explain(" ", rule, url=URL) == []
