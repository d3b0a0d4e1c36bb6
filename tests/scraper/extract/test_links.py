import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.links import LinkJoiner, document_base, full_join

BASES = [
    "http://example.org/",
    "https://example.org/a/b.html?q=1",
    "https://user:word@example.org:8443/a/",
    "http://[::1]:8000/x/y",
    "http://127.0.0.1/",
    "file:///home/page.html",
    "about:blank",
    "data:text/html,x",
]

# What hrefs are made of, with all that is awkward in them.
CHARACTERS = list("/\\.%?#&=;:@'\"[]|^`{}<> \t\naZ01-_~+,!$()*\x00\x7f\u00a0\u3002\u200bé")
SEGMENTS = ["//", "..", "./", "../", "%2e", "%2E", "%2", "%41", "%zz", "index.html", "a/b", "x=1"]
SCHEMES = ["http:", "https:", "HTTP:", "http://", "https://", "mailto:", "javascript:", "file://"]
HOSTS = ["example.org", "EXAMPLE.org", "xn--", "xn--bcher-kva.de", "faß.de", "1.2.3.4", "0x7f"]
PORTS = [":80", ":443", ":8080", "--"]
PIECES = st.sampled_from([*CHARACTERS, *SEGMENTS, *SCHEMES, *HOSTS, *PORTS])
HREFS = st.lists(PIECES, max_size=7).map("".join)


def full_road(base, href):
    url = full_join(base, href)
    if url is None or not url.startswith(("http://", "https://")):
        return None
    return url.partition("#")[0]


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(BASES), HREFS | st.text(max_size=20).map(lambda text: "/" + text))
@example("http://example.org/", "/a/.%2e/b")
@example("http://example.org/", "http://example.org/%2E%2e/b")
@example("http://example.org/", "http://a.1/")
@example("http://example.org/", "http://a.0x/")
@example("http://example.org/", "http://a--b.org/x?y='z")
@example("http://example.org/", "/a?b/../c#d")
@example("http://example.org/", "/a #b")
@example("http://example.org/a/b", "c:d")
@example("http://example.org/a/b", "c/d:e")
def test_short_road_gives_what_the_full_road_gives(base, href):
    assert LinkJoiner(base).link(href) == full_road(base, href)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(BASES), st.from_regex(r"(https?://[a-z0-9.-]+|/?)[\w/.%&?=:;'-]*"))
def test_short_road_is_exact_on_everyday_hrefs(base, href):
    assert LinkJoiner(base).link(href) == full_road(base, href)


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("https://other.org/x?y=1#z", "https://other.org/x?y=1"),
        ("/x", "https://example.org/x"),
        ("//cdn.org/x", "https://cdn.org/x"),
        ("c.html", "https://example.org/a/c.html"),
        ("../x", "https://example.org/x"),
        ("?page=2", "https://example.org/a/b?page=2"),
        ("#top", "https://example.org/a/b"),
        ("", "https://example.org/a/b"),
        (" /x y ", "https://example.org/x%20y"),
        ("HTTPS://EXAMPLE.ORG:443/%7e", "https://example.org/%7e"),
        ("http:\\\\other.org\\x", "http://other.org/x"),
        ("https://bücher.de/", "https://xn--bcher-kva.de/"),
        ("mailto:a@b.org", None),
        ("javascript:void(0)", None),
        ("data:text/html,x", None),
        ("tel:+1", None),
        ("http://", None),
        ("http://[bad/", None),
        ("http://1.2.3.4.5/", None),
        ("/\udcff", None),
    ],
)
def test_link_is_absolute_http_without_fragment(href, url):
    assert LinkJoiner("https://example.org/a/b").link(href) == url


def test_plain_hrefs_need_no_parser(monkeypatch):
    joiner = LinkJoiner("https://example.org/a/b")
    monkeypatch.setattr("scraper.extract.links.join_url", None)
    hrefs = ["/c/d?e=1", "https://other.org/x.html?a=b&c=d", "e/f.html", "/c/d?e=1#g"]
    assert joiner.links(hrefs) == [
        "https://example.org/c/d?e=1",
        "https://other.org/x.html?a=b&c=d",
        "https://example.org/a/e/f.html",
    ]


def test_links_keep_order_and_come_once():
    joiner = LinkJoiner("https://example.org/a/")
    hrefs = ["b", "/c", "b", "/a/b", "mailto:x@y", "b#1", "/c"]
    assert joiner.links(hrefs) == ["https://example.org/a/b", "https://example.org/c"]


@pytest.mark.parametrize(
    ("html", "url", "base"),
    [
        ("", "HTTP://Example.org", "http://example.org/"),
        ("<base href='/x/'>", "http://example.org/a", "http://example.org/x/"),
        ("<base href='https://cdn.org/y/'>", "http://example.org/a", "https://cdn.org/y/"),
        ("<base target=_top><base href=x><base href=y>", "http://a.org/", "http://a.org/x"),
        ("<base href='http://[bad'>", "http://a.org/b", "http://a.org/b"),
        ("<base href='data:text/html,x'>", "http://a.org/b", "http://a.org/b"),
        ("<base href='JavaScript:x'>", "http://a.org/b", "http://a.org/b"),
        ("<base href>", "http://a.org/b", "http://a.org/b"),
        ("<base href='x'>", "no url", "about:blank"),
        ("<base href='http://b.org/'>", "", "http://b.org/"),
    ],
)
def test_document_base(html, url, base):
    assert document_base(LexborHTMLParser(html), url) == base
