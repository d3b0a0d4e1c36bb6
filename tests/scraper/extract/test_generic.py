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
    assert fields_of(html) == NOTHING


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


ODD = {
    "the first title that has a text": ("<title> </title><title>Real</title>", {"title": "Real"}),
    "a title is text": ("<title>a <b> &amp; c</title>", {"title": "a <b> & c"}),
    "a title in a comment": ("<!--[if IE]><title>x</title><![endif]-->", {}),
    "the first heading that has a text": (
        "<h1><img alt=logo></h1><h1>A</h1><h1>B</h1>",
        {"h1": "A", "text": "A B"},
    ),
    "a heading for those without scripts": (
        "<body><noscript><h1>Turn it on</h1></noscript><h1>A</h1>",
        {"h1": "A", "text": "A"},
    ),
    "a heading with an icon": (
        "<h1><svg><title>star</title></svg> A</h1>",
        {"h1": "A", "text": "A"},
    ),
    "a template": (
        "<template><h1>A</h1><a href=/a>a</a><link rel=canonical href=/></template>",
        {},
    ),
    "neither html nor body": ("<p>a<table><tr><td>b<table><tr><td>c", {"text": "a b c"}),
    "two bodies": ("<body>a</body><body lang=fr>b", {"text": "ab", "lang": "fr"}),
    "a NUL": ("<title>a\0b</title><p>c\0d", {"title": "a\ufffdb", "text": "cd"}),
    "entities": ("<p>&eacute;&#x20AC;&bogus;&nbsp;&lt;", {"text": "é€&bogus; <"}),
    "the first canonical that leads somewhere": (
        "<link rel=canonical href=' '><link rel=canonical href='javascript:x'>"
        "<link rel=canonical href='/a'><link rel=canonical href='/b'>",
        {"canonical_url": "https://example.org/a"},
    ),
    "the language of XML": ("<html lang='' xml:lang=' nl '>", {"lang": "nl"}),
    "the language of the body": ("<html><body lang=pt>", {"lang": "pt"}),
    "the language of a meta": ("<meta http-equiv=Content-Language content=' de '>", {"lang": "de"}),
    "the root's language first": (
        "<html lang=fr><meta http-equiv=content-language content=de><body lang=pt>",
        {"lang": "fr"},
    ),
    "languages of the audience": ("<meta http-equiv=content-language content='de, fr'>", {}),
    "a link in a drawing": (
        "<svg><a xlink:href='/a'>x</a></svg>",
        {"links": ["https://example.org/a"], "text": "x"},
    ),
    "a base that is no place": (
        "<base href='javascript:x'><a href=/a>x</a>",
        {"links": ["https://example.org/a"], "text": "x"},
    ),
    "Open Graph under name, property and both": (
        "<meta name=OG:a content=1><meta property='og:b x:y' content=2>"
        "<meta property=og:c name=description content=3><meta property=og:d name=og:d content=4>",
        {
            "description": "3",
            "open_graph": '{"og:a":"1","og:b":"2","og:c":"3","og:d":"4"}',
        },
    ),
    "Open Graph without content": ("<meta property=og:title content=' '>", {}),
    "a feed": (
        "<rss><channel><title>Feed</title><item><title>One</title></item></channel></rss>",
        {"title": "Feed", "text": "Feed One"},
    ),
}


@pytest.mark.parametrize(("html", "fields"), ODD.values(), ids=ODD)
def test_odd_pages(html, fields):
    assert fields_of(html) == NOTHING | fields


def test_a_broken_json_ld_block_never_loses_the_others():
    html = "".join(
        f"<script type=application/ld+json>{text}</script>" for text in ('{"a":1}', "{", "[2]")
    )
    assert fields_of(html)["json_ld"] == '[{"a":1},[2]]'


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
