"""Rules with an extractor: what it is given, what may come back, what its faults cost."""

from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime

import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper import Document, Found, Reason, explain, parse_page
from scraper.extract import extract
from scraper.extract.errors import ExtractorError, FieldError, MissingField
from scraper.models import Page
from scraper.rules import FieldRule, SiteRule

URL = "https://example.org/a/b"
PAGE = "<h1>Lamp</h1><ul><li>one</li><li>two</li></ul><p class=sku>7</p>"
FIELDS = {
    "name": FieldRule(required=True),
    "price": FieldRule(type="money"),
    "tags": FieldRule(type="list", max_items=3),
    "sku": FieldRule(css=".sku", type="int"),
    "shelf": FieldRule(seed="shelf"),
}
REST = {"tags": [], "sku": 7, "shelf": None}
HEAD = {"site": "shop", "kind": "item"}


def rule_of(function, fields=FIELDS, **more):
    extractor = f"tests.scraper.extract.extractors:{function}"
    return SiteRule(name="shop", hosts=["example.org"], fields=fields, extractor=extractor, **more)


def items_of(function, **more):
    return parse_page(PAGE, url=URL, rule=rule_of(function, **more))


def test_a_dict_is_an_item_and_values_are_typed():
    price = {"amount": 1234.5, "currency": "EUR"}
    assert items_of("shop", locale="de") == [HEAD | {"name": "Lamp", "price": price} | REST]


def test_dicts_are_items():
    def item(name, place):
        price = {"amount": float(place), "currency": None}
        return HEAD | {"name": name, "price": price} | REST | {"tags": [str(place), name]}

    assert items_of("rows") == [item("one", 1), item("two", 2)]


def test_the_rule_s_own_selectors_are_at_hand():
    fields = {"name": FieldRule(css="li"), "n": FieldRule(const=1, type="int")}
    assert items_of("selected", fields=fields, item="li") == [
        HEAD | {"name": "ONE", "n": 1},
        HEAD | {"name": "TWO", "n": 1},
    ]


def page_of(body):
    return Page(
        url=URL, final_url=URL, redirects=(), http_status=200, headers=(), body=body.encode(),
        fetched_at=datetime(2026, 1, 2, tzinfo=UTC), elapsed_s=0.1,
    )  # fmt: skip


def test_it_is_told_of_the_page():
    found = extract(page_of(PAGE), rule_of("told"), {"shelf": "A"})
    assert found.reason is Reason.OK
    (item,) = found.items
    assert item["name"] == f"{(URL, 'A', True)} 2 Document(url='{URL}', seed={{'shelf': 'A'}})"
    assert item["shelf"] == "A"
    (item,) = parse_page(PAGE, url=URL, rule=rule_of("told"))
    assert item["name"].startswith(f"{(URL, None, False)} 2")


def test_a_document_cannot_be_changed():
    document = Document(
        url=URL, html="", tree=LexborHTMLParser(""), seed={}, page=None, select=list
    )
    with pytest.raises(FrozenInstanceError):
        document.url = "x"


WRONG = {
    "misspelt": (FieldError, "field nmae: is not declared; did you mean 'name'?"),
    "wrong_type": (FieldError, "field price: 'sold out' is no money: 0 numbers"),
    "listed": (FieldError, "field name: \"['x']\" is a list, but the field has one value"),
    "unlisted": (FieldError, "field tags: 'x' is no list"),
    "number": (ExtractorError, "{it}: gave int, not a dict or dicts"),
    "text": (ExtractorError, "{it}: gave str, not a dict or dicts"),
    "texts": (ExtractorError, "{it}: gave str among its items, not a dict"),
    "gone": (ExtractorError, "{it}: tests.scraper.extract.extractors has no function 'gone'; "),
}


@pytest.mark.parametrize(
    ("function", "error", "message"), [(name, *wrong) for name, wrong in WRONG.items()], ids=WRONG
)
def test_what_is_no_item_costs_the_page(function, error, message):
    it = f"extractor tests.scraper.extract.extractors:{function}"
    message = f"rule shop, {message.format(it=it)}"
    with pytest.raises(error) as caught:
        items_of(function)
    assert str(caught.value).startswith(message)
    found = extract(page_of(PAGE), rule_of(function))
    assert (found.reason, found.items) == (Reason.PARSE, ())
    assert found.detail.startswith(message)


def test_an_empty_required_field_is_missing():
    with pytest.raises(MissingField, match=r"^rule shop, field name: nothing found$"):
        items_of("empty")
    assert extract(page_of(PAGE), rule_of("empty")).reason is Reason.MISSING_FIELD


def test_checks_hold_for_extractors_too():
    fields = FIELDS | {"tags": FieldRule(type="list", max_items=1)}
    with pytest.raises(FieldError, match="2 values, max_items is 1"):
        items_of("rows", fields=fields)


def test_dates_come_as_they_are():
    fields = {
        "name": FieldRule(type="date"),
        "price": FieldRule(),
        "late": FieldRule(type="date", const="2026-01-02"),
    }
    with pytest.raises(FieldError, match="'Lamp' is no date"):
        items_of("shop", fields=fields)
    (item,) = items_of("shop", fields=fields | {"name": FieldRule()})
    assert item["late"] == date(2026, 1, 2)


@pytest.mark.parametrize(
    ("function", "told"),
    [("fails", r"KeyError: 'pri\udc00ce'"), ("fails_late", "RuntimeError: later")],
)
def test_what_it_raises_is_that_pages_parse(function, told):
    found = extract(page_of(PAGE), rule_of(function))
    it = f"rule shop, extractor tests.scraper.extract.extractors:{function}"
    assert (found.reason, found.detail, found.items) == (Reason.PARSE, f"{it}: {told}", ())


def test_what_it_raises_reaches_whoever_calls():
    with pytest.raises(RuntimeError, match="later"):
        items_of("fails_late")


def test_no_item_is_no_content():
    found = extract(page_of(PAGE), rule_of("nothing"))
    detail = "the extractor tests.scraper.extract.extractors:nothing gave no item"
    assert (found.reason, found.detail) == (Reason.NO_CONTENT, detail)


def test_an_empty_page_is_not_given_to_it():
    assert extract(page_of(" "), rule_of("fails")).reason is Reason.NO_CONTENT


def test_its_values_are_explained_by_its_name():
    (item,) = explain(PAGE, rule_of("shop"), url=URL)
    assert item["name"] == Found("Lamp", "extractor tests.scraper.extract.extractors:shop")
    assert item["sku"] == Found(7, "css '.sku'")
    assert item["tags"] == Found([])
