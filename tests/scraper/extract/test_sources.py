"""Every source of a value, in the order in which they are tried."""

import json

import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.apply import apply_rule, found_items
from scraper.extract.document import PageSources
from scraper.extract.found import Found
from scraper.rules import FieldRule, SiteRule

URL = "https://example.org/shop/product/17?v=2"
LD = {"sku": "L-5", "price": 9.5, "isNew": True}
PAGE = f"""<html lang=en><head>
<meta property="og:title" content="A  Lamp"><meta property="product:price:amount" content="12">
<meta name="Author" content="Ann"><meta name=author content="Bob"><meta name=empty content=" ">
<meta itemprop=price content="13">
<script type="application/ld+json">{json.dumps(LD)}</script></head>
<body><h1 title="T"> Lamp <b>new</b>&nbsp;!</h1>
<ul><li data-id=1><i>one</i> a</li><li data-id=2> b <i>two</i> c</li></ul>
<p class=tags>Red, Blue ,, red</p><p class=state>Neu</p>
<script>var p = {{"price": "14", "old": "15"}};</script></body></html>"""
SEED = {"Shelf": "A 1", "n": 5, "nothing": None}


def sources(seed=SEED):
    return PageSources(LexborHTMLParser(PAGE), url=URL, html=PAGE, seed=seed)


def rule_of(item=None, **fields):
    rules = {name: FieldRule(**field) for name, field in fields.items()}
    return SiteRule(name="shop", hosts=["example.org"], item=item, fields=rules)


def found(**field):
    (item,) = found_items(sources(), rule_of(value=field))
    return item["value"]


SOURCES = {
    "css": ({"css": "h1"}, "Lamp new !", "css 'h1'"),
    "own_text": ({"css": "h1::text"}, "Lamp !", "css 'h1::text'"),
    "attribute": ({"css": "h1::attr(title)"}, "T", "css 'h1::attr(title)'"),
    "attribute_in_capitals": ({"css": "h1 :: attr( TITLE )"}, "T", "css 'h1 :: attr( TITLE )'"),
    "attr": ({"css": "h1", "attr": "title"}, "T", "css 'h1' attr title"),
    "the_page_itself": ({"css": "::attr(lang)"}, "en", "css '::attr(lang)'"),
    "json_ld": ({"json_ld": "sku"}, "L-5", "json_ld sku"),
    "open_graph": ({"open_graph": "og:title"}, "A Lamp", "open_graph og:title"),
    "open_graph_without_og": ({"open_graph": "title"}, "A Lamp", "open_graph title"),
    "open_graph_of_a_product": (
        {"open_graph": "Product:Price:Amount", "type": "int"},
        12,
        "open_graph Product:Price:Amount",
    ),
    "meta_name": ({"meta": "author"}, "Ann", "meta author"),
    "meta_property": ({"meta": "OG:title"}, "A Lamp", "meta OG:title"),
    "meta_itemprop": ({"meta": "price", "type": "int"}, 13, "meta price"),
    "meta_many": ({"meta": "AUTHOR", "many": True}, ["Ann", "Bob"], "meta AUTHOR"),
    "html": ({"html": r'"price":\s*"([^"]+)"'}, "14", r"""html '"price":\s*"([^"]+)"'"""),
    "html_many": ({"html": r'": "(\d+)"', "type": "int", "many": True}, [14, 15],
                  r"""html '": "(\d+)"'"""),
    "html_whole_match": ({"html": "var p"}, "var p", "html 'var p'"),
    "url": ({"url": r"/(\d+)\?", "type": "int"}, 17, r"url '/(\d+)\?'"),
    "seed": ({"seed": "shelf"}, "A 1", "seed column shelf"),
    "seed_number": ({"seed": "N", "type": "int"}, 5, "seed column N"),
    "const": ({"const": "shop"}, "shop", "const"),
    "const_number": ({"const": 1.5, "type": "float"}, 1.5, "const"),
    "const_many": ({"const": "a,b", "type": "list", "split": ","}, ["a", "b"], "const"),
    "nothing": ({"meta": "empty"}, None, None),
    "nothing_in_the_seed": ({"seed": "nothing"}, None, None),
    "no_such_column": ({"seed": "shelf2"}, None, None),
    "nothing_of_many": ({"url": "/x/", "many": True}, [], None),
}  # fmt: skip


@pytest.mark.parametrize(("field", "value", "source"), SOURCES.values(), ids=SOURCES.keys())
def test_a_source_gives_a_value_and_its_name(field, value, source):
    assert found(**field) == Found(value, source)


ORDER = ["css", "json_ld", "open_graph", "meta", "html", "url", "seed", "const"]
GIVING = {
    "css": "h1", "json_ld": "sku", "open_graph": "title", "meta": "author", "html": "var",
    "url": "shop", "seed": "shelf", "const": "c",
}  # fmt: skip
EMPTY = {
    "css": ".absent", "json_ld": "absent", "open_graph": "absent", "meta": "absent",
    "html": "(absent)", "url": "(absent)", "seed": "absent",
}  # fmt: skip


@pytest.mark.parametrize("place", range(len(ORDER)), ids=ORDER)
def test_sources_are_tried_in_order_until_one_gives_something(place):
    empty = {kind: EMPTY[kind] for kind in ORDER[:place]}
    giving = {kind: GIVING[kind] for kind in reversed(ORDER[place:])}
    first = found(**{ORDER[place]: GIVING[ORDER[place]]})
    assert first.value
    assert found(**giving, **empty) == first


FALLBACKS = {
    "only_when_nothing_else": (
        {"css": "h1", "fallbacks": [{"const": "x"}]}, Found("Lamp new !", "css 'h1'"),
    ),
    "in_turn": (
        {"css": ".no", "fallbacks": [{"css": "#no::attr(x)"}, {"json_ld": "sku"}, {"const": "x"}]},
        Found("L-5", "fallback 2: json_ld sku"),
    ),
    "after_const_would_never_come": (
        {"const": "x", "fallbacks": [{"json_ld": "sku"}]}, Found("x", "const"),
    ),
    "alone": (
        {"fallbacks": [{"url": r"(\d)$"}], "type": "int"}, Found(2, r"fallback 1: url '(\d)$'"),
    ),
    "with_a_regex_of_its_own": (
        {"css": "h1", "regex": "(No)", "fallbacks": [{"css": "h1", "regex": "L(a)"}]},
        Found("a", "fallback 1: css 'h1'"),
    ),
    "without_the_field_s_regex": (
        {"css": "h1", "regex": "(No)", "fallbacks": [{"json_ld": "sku"}]},
        Found("L-5", "fallback 1: json_ld sku"),
    ),
    "cleaned_by_both": (
        {"css": ".no", "clean": [{"map": {"lamp": "Lampe"}}],
         "fallbacks": [{"css": "h1", "regex": r"\w+", "clean": ["lower"]}]},
        Found("Lampe", "fallback 1: css 'h1'"),
    ),
    "with_attr": (
        {"css": ".no", "fallbacks": [{"css": "li", "attr": "data-id"}]},
        Found("1", "fallback 1: css 'li' attr data-id"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("field", "expected"), FALLBACKS.values(), ids=FALLBACKS.keys())
def test_fallbacks_are_other_places(field, expected):
    assert found(**field) == expected


CUT = {
    "split": ({"css": ".tags", "many": True, "split": ","}, ["Red", "Blue", "red"]),
    "split_by_an_expression": ({"css": ".tags", "type": "list", "split": r"\s*[,;]\s*"},
                               ["Red", "Blue", "red"]),
    "split_with_a_group": ({"css": ".tags", "type": "list", "split": "(,)|x"},
                           ["Red", ",", "Blue", ",", ",", "red"]),
    "split_then_cleaned": ({"css": ".tags", "type": "list", "split": ",", "clean": ["lower"]},
                           ["red", "blue", "red"]),
    "regex_then_split": ({"css": ".tags", "type": "list", "split": ",", "regex": "B.*"},
                         ["Blue", "red"]),
    "mapped": ({"css": ".state", "clean": [{"map": {"Neu": "new"}}], "enum": ["new"]}, "new"),
    "cleaned_away": ({"css": ".state", "clean": [{"remove": ".*"}], "json_ld": "sku"}, None),
    "a_number_is_cleaned_as_text": ({"json_ld": "price", "clean": [{"remove": r"\.5"}],
                                     "type": "int"}, 9),
    "a_truth": ({"json_ld": "isNew", "type": "bool"}, True),
}  # fmt: skip


@pytest.mark.parametrize(("field", "value"), CUT.values(), ids=CUT.keys())
def test_what_stands_there_is_cut_and_cleaned(field, value):
    assert found(**field).value == value


def test_selectors_see_the_item_and_all_else_the_page():
    rule = rule_of(
        "li",
        id={"css": "::attr(data-id)", "type": "int"},
        own={"css": "::text"},
        same={"css": "li::text"},
        inner={"css": "i"},
        whole={"css": "li"},
        page={"css": "h1", "meta": "author"},
        seed={"seed": "shelf"},
    )
    assert apply_rule(sources(), rule) == [
        {"id": 1, "own": "a", "same": "a", "inner": "one", "whole": "one a", "page": "Ann",
         "seed": "A 1"},
        {"id": 2, "own": "b c", "same": "b c", "inner": "two", "whole": "b two c", "page": "Ann",
         "seed": "A 1"},
    ]  # fmt: skip


def test_of_two_columns_that_differ_by_case_the_first_counts():
    page = sources({"A": 1, "a": 2, " b ": 3})
    fields = {"a": {"seed": "a", "type": "int"}, "b": {"seed": "B", "type": "int"}}
    assert apply_rule(page, rule_of(**fields)) == [{"a": 1, "b": 3}]
