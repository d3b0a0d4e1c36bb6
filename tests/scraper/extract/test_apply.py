import json
import pickle

import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper.errors import ScraperError
from scraper.extract.apply import apply_rule
from scraper.extract.document import PageSources
from scraper.extract.errors import FieldError, MissingField
from scraper.rules import FieldRule, SiteRule

URL = "https://example.org/shop/lamp.html"

PAGE = """
<h1> Lamp<br>No.&nbsp;5 </h1>
<p class=price>£1,234.50</p><p class=stock>In stock (22 available)</p>
<p class="rating Three" data-sale>x</p><p class=empty> </p>
<ul><li><a href=/a>a</a> 1</li><li><a href="b">b</a> 2</li><li><a>c</a></li></ul>
<script id=data>{"sku": "L-5"}</script>
"""
BLOCKS = [{"@type": "Product", "name": "Lamp", "gtin": 123, "offers": [{"price": "9.50"}] * 2}]


def rule_of(item=None, **fields):
    rules = {name: FieldRule(**field) for name, field in fields.items()}
    return SiteRule(name="shop", hosts=["example.org"], item=item, fields=rules)


def items_of(rule, html=PAGE, blocks=BLOCKS):
    html = f"{html}<script type='application/ld+json'>{json.dumps(blocks)}</script>"
    return apply_rule(PageSources(LexborHTMLParser(html), url=URL, html=html), rule)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"css": "h1"}, "Lamp No. 5"),
        ({"css": ".price", "type": "float"}, 1234.5),
        ({"css": ".price", "regex": "[£$€]"}, "£"),
        ({"css": ".stock", "regex": r"\((\d+)", "type": "int"}, 22),
        ({"css": ".stock", "regex": "^(?:In|(Out)) stock"}, None),
        ({"css": ".rating", "attr": "class", "regex": r"rating (\w+)"}, "Three"),
        ({"css": ".rating", "attr": "CLASS"}, "rating Three"),
        ({"css": ".rating", "attr": "data-sale"}, None),
        ({"css": "a", "attr": "href", "type": "url"}, "https://example.org/a"),
        ({"css": "li", "regex": r"b (\d)", "type": "int"}, 2),
        ({"css": "#data", "regex": '"sku": "([^"]+)"'}, "L-5"),
        ({"css": ".absent"}, None),
        ({"css": ".empty"}, None),
        ({"css": ".price", "regex": "no such"}, None),
        ({"css": "li", "many": True}, ["a 1", "b 2", "c"]),
        ({"css": "li", "many": True, "regex": r"\d", "type": "int"}, [1, 2]),
        ({"css": "li a", "attr": "href", "many": True}, ["/a", "b"]),
        ({"css": ".absent", "many": True}, []),
        ({"json_ld": "name"}, "Lamp"),
        ({"json_ld": "gtin"}, "123"),
        ({"json_ld": "gtin", "type": "int"}, 123),
        ({"json_ld": "gtin", "regex": "^1(2)"}, "2"),
        ({"json_ld": "offers.price", "type": "float"}, 9.5),
        ({"json_ld": "offers.price", "type": "float", "many": True}, [9.5, 9.5]),
        ({"json_ld": "absent"}, None),
        ({"css": "h1", "json_ld": "name"}, "Lamp No. 5"),
        ({"css": ".absent", "json_ld": "name"}, "Lamp"),
        ({"css": ".empty", "json_ld": "name"}, "Lamp"),
        ({"css": ".price", "regex": "^(L.*)", "json_ld": "name"}, "Lamp"),
        ({"css": ".absent", "json_ld": "name", "many": True}, ["Lamp"]),
    ],
    ids=str,
)
def test_field(field, value):
    assert items_of(rule_of(value=field)) == [{"value": value}]


def test_keys_are_the_rules_fields_in_order():
    rule = rule_of(b={"css": "h1"}, a={"css": ".absent"}, c={"css": "li", "many": True})
    (item,) = items_of(rule)
    assert list(item.items()) == [("b", "Lamp No. 5"), ("a", None), ("c", ["a 1", "b 2", "c"])]


def test_each_element_of_item_is_an_item():
    rule = rule_of(
        "li",
        text={"css": "a"},
        link={"css": "a", "attr": "href", "type": "url"},
        whole={"css": "li"},
        brand={"css": "b", "json_ld": "name"},
    )
    assert items_of(rule) == [
        {"text": "a", "link": "https://example.org/a", "whole": "a 1", "brand": "Lamp"},
        {"text": "b", "link": "https://example.org/shop/b", "whole": "b 2", "brand": "Lamp"},
        {"text": "c", "link": None, "whole": "c", "brand": "Lamp"},
    ]


def test_item_that_matches_nothing_gives_no_items():
    assert items_of(rule_of(".absent", a={"css": "h1", "required": True})) == []


def test_url_goes_through_base_href():
    html = "<base href='https://cdn.org/i/'><img src='1.jpg'>"
    rule = rule_of(image={"css": "img", "attr": "src", "type": "url"})
    assert items_of(rule, html) == [{"image": "https://cdn.org/i/1.jpg"}]


def test_line_break_inside_a_url_is_dropped_as_browsers_do():
    rule = rule_of(link={"css": "a", "attr": "href", "type": "url"})
    assert items_of(rule, "<a href=' /a\nb '>") == [{"link": "https://example.org/ab"}]


@pytest.mark.parametrize(
    "field",
    [
        {"css": ".absent"},
        {"css": ".empty"},
        {"css": "li", "regex": "no such", "many": True},
        {"json_ld": "absent"},
    ],
    ids=str,
)
def test_missing_required_field_is_told(field):
    with pytest.raises(MissingField) as caught:
        items_of(rule_of(title={"css": "h1"}, sku={**field, "required": True}))
    assert (caught.value.field, str(caught.value)) == (
        "sku",
        "rule shop, field sku: nothing found",
    )


def test_required_field_of_every_item_counts():
    with pytest.raises(MissingField):
        items_of(rule_of("li", link={"css": "a", "attr": "href", "required": True}))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ({"css": "h1", "type": "bool"}, "Lamp No. 5"),
        ({"css": "li", "type": "int", "many": True}, "c"),
        ({"json_ld": "name", "type": "float"}, "Lamp"),
    ],
    ids=str,
)
def test_value_that_does_not_fit_is_told(field, text):
    with pytest.raises(FieldError) as caught:
        items_of(rule_of(sku=field))
    assert (caught.value.field, caught.value.text) == ("sku", text)
    assert str(caught.value) == f"field: sku: {text!r} doesn't fit its type"


def test_errors_survive_a_process_border():
    for error in (MissingField("a"), FieldError("a", "x" * 500)):
        copy = pickle.loads(pickle.dumps(error))
        assert isinstance(copy, ScraperError)
        assert (type(copy), vars(copy), str(copy)) == (type(error), vars(error), str(error))
        assert len(str(copy)) < 150
