import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.metas import Meta, page_metas


@pytest.mark.parametrize(
    ("html", "meta"),
    [
        ("<meta name=A content=' x  y '>", Meta(["a"], "", "x y")),
        ("<meta property='og:Title' content=x>", Meta(["og:title"], "", "x")),
        ("<meta itemprop=price content=5>", Meta([], "price", "5")),
        ("<meta property=p name=n itemprop=i content=x>", Meta(["p", "n"], "i", "x")),
        ("<meta content>", Meta([], "", "")),
    ],
)
def test_an_element_has_its_names_and_its_content(html, meta):
    assert page_metas(LexborHTMLParser(html)) == [meta]


def test_those_without_content_are_left_out_and_the_rest_is_in_order():
    html = "<meta charset=utf-8><meta name=b content=1><body><meta name=a content=2>"
    assert [meta.names for meta in page_metas(LexborHTMLParser(html))] == [["b"], ["a"]]
