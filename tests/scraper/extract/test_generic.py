import json

import orjson
import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.generic import generic_fields
from scraper.rules import GENERIC_FIELDS

URL = "https://example.org/shop/lamp.html"

PAGE = """<!doctype html>
<html lang=" en-GB "><head>
<title> Lamp&nbsp;&nbsp;No.\n 5 </title>
<meta NAME=Description content=" A  lamp. ">
<meta property="og:title" content="Lamp"><meta property="og:image" content="/1.jpg">
<meta property="og:image" content="/2.jpg"><meta name="og:type" content="product">
<meta property="fb:app_id" content="1"><meta property="og:empty">
<link rel="Stylesheet" href="x.css"><link rel="nofollow CANONICAL" href="/lamp#top">
<script type="application/ld+json">{"@type": "Product", "name": "Lämp",}</script>
</head><body>
<h1>Lamp<br>No.&nbsp;5</h1><h1>Other</h1>
<p>Bright<script>no()</script><noscript>no</noscript>.</p>
<a href="/a">a</a><a href="b#c">b</a><a name=x>x</a><a href="mailto:x@y.z">m</a><a href="/a#d">a</a>
</body></html>"""

NOTHING = {
    "title": None,
    "description": None,
    "canonical_url": None,
    "lang": None,
    "h1": None,
    "text": None,
    "links": [],
    "open_graph": None,
    "json_ld": None,
}


def fields_of(html, url=URL):
    return generic_fields(LexborHTMLParser(html), url)


def test_page_gives_all_generic_fields_in_order():
    fields = fields_of(PAGE)
    assert list(fields) == list(GENERIC_FIELDS)
    assert fields == {
        "title": "Lamp No. 5",
        "description": "A lamp.",
        "canonical_url": "https://example.org/lamp",
        "lang": "en-GB",
        "h1": "Lamp No. 5",
        "text": "Lamp No. 5 Other Bright. abxma",
        "links": ["https://example.org/a", "https://example.org/shop/b"],
        "open_graph": '{"og:title":"Lamp","og:image":["/1.jpg","/2.jpg"],"og:type":"product"}',
        "json_ld": '[{"@type":"Product","name":"Lämp"}]',
    }


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<html></html>",
        "<frameset><frame src=x></frameset>",
        "<title> &nbsp; </title><meta name=description content=' '><h1> </h1>",
        "<html lang><link rel=canonical href=''><a href='javascript:x'></a><meta content=x>",
        "<script type='application/ld+json'>broken</script><svg><title>icon</title></svg>"
        "<style>x</style>",
    ],
    ids=["empty", "no body", "frames", "white space", "empty attributes", "nothing usable"],
)
def test_what_a_page_lacks_is_none(html):
    assert fields_of(html) == NOTHING | ({"text": "icon"} if "<svg>" in html else {})


@pytest.mark.parametrize(
    ("html", "description"),
    [
        ("<meta property=og:description content=og>", "og"),
        ("<meta property=og:description content=og><meta name=description content=own>", "own"),
        ("<meta name=description content=''><meta property=og:description content=og>", "og"),
        ("<meta name=description content=1><meta name=description content=2>", "1"),
        ("<meta name=twitter:description content=x>", None),
    ],
)
def test_own_description_beats_open_graph(html, description):
    assert fields_of(html)["description"] == description


def test_base_href_is_honoured():
    fields = fields_of("<base href='//cdn.org/x/'><link rel=canonical href=c><a href=l>")
    assert (fields["canonical_url"], fields["links"]) == (
        "https://cdn.org/x/c",
        ["https://cdn.org/x/l"],
    )


def test_canonical_that_is_no_web_url_is_none():
    assert fields_of("<link rel=canonical href='javascript:x'>")["canonical_url"] is None


def test_title_of_an_icon_is_not_the_pages():
    assert fields_of("<svg><title>icon</title></svg><title>Page</title>")["title"] == "Page"


def test_tree_is_only_read():
    tree = LexborHTMLParser(PAGE)
    before = tree.html
    assert generic_fields(tree, URL) == generic_fields(tree, URL)
    assert tree.html == before


def test_everything_can_be_written_as_json():
    html = "<title>&#xD800;</title><script type='application/ld+json'>{'a': '\\ud800'}</script>"
    fields = fields_of(html)
    assert json.loads(orjson.dumps(fields)) == fields
    assert (fields["title"], fields["json_ld"]) == ("\ufffd", '[{"a":"\ufffd"}]')
