import json
import pickle
from datetime import UTC, date, datetime

import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper.errors import ScraperError
from scraper.extract.apply import apply_rule
from scraper.extract.document import PageSources
from scraper.extract.errors import ExtractorError, FieldError, MissingField
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
    ("field", "message"),
    [
        ({"css": "h1", "type": "bool"}, "'Lamp No. 5' is no bool: neither true nor false"),
        ({"css": "li", "type": "int", "many": True}, "'c' is no int: 0 numbers"),
        ({"json_ld": "name", "type": "float"}, "'Lamp' is no float: 0 numbers"),
        (
            {"css": "h1", "type": "date"},
            "'Lamp No. 5' is no date: no day, month and year in English",
        ),
        ({"css": "h1", "pattern": "[a-z]+"}, "'Lamp No. 5' does not match pattern '[a-z]+'"),
        ({"css": "h1", "pattern": "Lamp"}, "'Lamp No. 5' does not match pattern 'Lamp'"),
        ({"css": "h1", "enum": ["Chair", "Sofa"]}, "'Lamp No. 5' is none of enum: Chair, Sofa"),
        ({"css": ".stock", "type": "int", "max": 21}, "'In stock (22 available)' is above max 21"),
        ({"css": ".stock", "type": "int", "min": 23}, "'In stock (22 available)' is below min 23"),
        ({"css": ".price", "type": "money", "max": 5.5}, "'£1,234.50' is above max 5.5"),
        (
            {"const": "2026-04-03", "type": "date", "clean": ["lower"], "min": date(2026, 4, 4)},
            "'2026-04-03' is below min 2026-04-04",
        ),
        (
            {
                "const": "2026-04-03",
                "type": "datetime",
                "timezone": "Europe/Berlin",
                "clean": ["lower"],
                "max": datetime(2026, 4, 2, 21, tzinfo=UTC),
            },
            "'2026-04-03' is above max 2026-04-02 21:00:00+00:00",
        ),
        ({"css": "li", "many": True, "max_items": 2}, "3 values, max_items is 2"),
        ({"css": ".absent", "type": "list", "min_items": 1}, "0 values, min_items is 1"),
    ],
    ids=str,
)
def test_value_that_does_not_fit_is_told(field, message):
    with pytest.raises(FieldError) as caught:
        items_of(rule_of(sku=field))
    assert str(caught.value) == f"rule shop, field sku: {message}"


def test_errors_survive_a_process_border():
    errors = (
        MissingField("r", "a"),
        FieldError("r", "a", "is no int", "x" * 500),
        FieldError("r", "a", "3 values"),
        ExtractorError("r", "m:f", "gave int"),
    )
    for error in errors:
        copy = pickle.loads(pickle.dumps(error))
        assert isinstance(copy, ScraperError)
        assert (type(copy), vars(copy), str(copy)) == (type(error), vars(error), str(error))
        assert len(str(copy)) < 150


CHECKED = {
    "pattern": ({"css": "h1", "pattern": r"Lamp.*\d"}, "Lamp No. 5"),
    "enum": ({"css": ".stock", "type": "int", "enum": [21, 22]}, 22),
    "min_and_max": ({"css": ".stock", "type": "int", "min": 22, "max": 22}, 22),
    "of_money": (
        {"css": ".price", "type": "money", "min": 1234.5},
        {"amount": 1234.5, "currency": "GBP"},
    ),
    "of_a_date": (
        {"const": "2026-04-03", "type": "date", "min": date(2026, 4, 3)},
        date(2026, 4, 3),
    ),
    "of_a_time_in_its_zone": (
        {"const": "2026-04-03 10:00", "type": "datetime", "timezone": "Asia/Tokyo",
         "min": datetime.fromisoformat("2026-04-03T10:00"),
          "max": datetime(2026, 4, 3, 1, tzinfo=UTC)},
        datetime(2026, 4, 3, 1, tzinfo=UTC),
    ),
    "of_each": ({"css": "li", "many": True, "regex": r"\d", "type": "int", "max": 2}, [1, 2]),
    "of_a_list": ({"css": "li", "type": "list", "min_items": 3, "max_items": 3},
                  ["a 1", "b 2", "c"]),
    "nothing_is_not_checked": ({"css": ".absent", "enum": ["a"], "pattern": "b"}, None),
}  # fmt: skip


@pytest.mark.parametrize(("field", "value"), CHECKED.values(), ids=CHECKED.keys())
def test_what_holds_is_kept(field, value):
    assert items_of(rule_of(value=field)) == [{"value": value}]


def test_the_rule_s_locale_and_zone_are_its_fields_unless_they_have_their_own():
    fields = {
        "number": FieldRule(const="1.234", type="int"),
        "english": FieldRule(const="1.234", type="float", locale="en"),
        "price": FieldRule(const="1.234", type="money", currency="EUR"),
        "day": FieldRule(const="3. März 2026", type="date"),
        "time": FieldRule(const="3.4.2026 10:00", type="datetime"),
        "tokyo": FieldRule(const="3.4.2026 10:00", type="datetime", timezone="Asia/Tokyo"),
    }
    rule = SiteRule(name="s", hosts=["a.org"], locale="de", timezone="Europe/Berlin", fields=fields)
    assert items_of(rule) == [
        {
            "number": 1234,
            "english": 1.234,
            "price": {"amount": 1234.0, "currency": "EUR"},
            "day": date(2026, 3, 3),
            "time": datetime(2026, 4, 3, 8, tzinfo=UTC),
            "tokyo": datetime(2026, 4, 3, 1, tzinfo=UTC),
        }
    ]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("str", ["1", "2"]),
        ("int", [1, 2]),
        ("float", [1.0, 2.0]),
        ("bool", [True, False]),
        ("url", ["https://example.org/shop/1", "https://example.org/shop/2"]),
        ("money", [{"amount": 1.0, "currency": None}, {"amount": 2.0, "currency": None}]),
        ("date", [date(2026, 1, 1), date(2026, 1, 2)]),
        ("datetime", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]),
    ],
)
def test_every_type_may_be_many(kind, values):
    texts = {"bool": "yes|no"}.get(kind, "1|2")
    prefix = "2026-01-0" if kind.startswith("date") else ""
    field = {"css": "p", "many": True, "type": kind, "split": r"\|"}
    html = f"<p>{'|'.join(prefix + text for text in texts.split('|'))}</p>"
    assert items_of(rule_of(value=field), html) == [{"value": values}]
