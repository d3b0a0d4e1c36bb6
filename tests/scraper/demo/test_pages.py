import dataclasses
import html
import json

import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper.demo.pages import home_html, product_html
from scraper.demo.products import Encoding, make_product
from scraper.demo.words import CATEGORIES, RUSSIAN

HOST = "shop-1.localhost"
ORIGIN = "http://shop-1.localhost:8765"
PRODUCTS = [make_product(HOST, number) for number in range(1, 95)]


@pytest.fixture
def product():
    """One whose name has a quote and an ampersand to escape."""
    return dataclasses.replace(PRODUCTS[0], name='Salt & "Pepper" <Mill>')


def parse(product, neighbours=()):
    return LexborHTMLParser(product_html(product, list(neighbours), origin=ORIGIN).decode())


def attributes(tree, selector, name):
    return [node.attributes[name] for node in tree.css(selector)]


def test_a_page_is_the_same_each_time(product):
    first, second = (product_html(product, PRODUCTS[1:6], origin=ORIGIN) for _ in range(2))
    assert first == second


def test_pages_are_of_the_size_of_real_ones():
    sizes = [len(product_html(product, PRODUCTS[:5], origin=ORIGIN)) for product in PRODUCTS]
    assert min(sizes) > 4_000
    assert max(sizes) < 8_000


def test_a_page_says_in_its_text_what_it_sells(product):
    tree = parse(product)
    texts = {
        selector: tree.css_first(selector).text()
        for selector in ("title", "h1", ".price", ".sku", ".category")
    }
    assert texts == {
        "title": f"{product.name} | {HOST}",
        "h1": product.name,
        ".price": f"{product.price}\xa0EUR",
        ".sku": f"Art. {product.sku}",
        ".category": product.category,
    }


def test_json_ld_is_a_product_with_an_offer(product):
    block = parse(product).css_first('script[type="application/ld+json"]').text()
    assert json.loads(block) == {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
        "sku": product.sku,
        "category": product.category,
        "image": ORIGIN + product.image,
        "description": product.description,
        "offers": {
            "@type": "Offer",
            "price": product.price,
            "priceCurrency": "EUR",
            "availability": "https://schema.org/InStock",
            "url": ORIGIN + product.path,
        },
    }


def test_json_ld_can_not_end_its_script(product):
    tree = parse(dataclasses.replace(product, name="</script><h1>Not a name</h1>"))
    assert len(tree.css("h1")) == 1


def test_open_graph_says_it_again(product):
    metas = parse(product).css("meta[property]")
    assert {meta.attributes["property"]: meta.attributes["content"] for meta in metas} == {
        "og:type": "product",
        "og:title": product.name,
        "og:url": ORIGIN + product.path,
        "og:image": ORIGIN + product.image,
        "og:description": product.description,
        "product:price:amount": product.price,
        "product:price:currency": "EUR",
    }


def test_a_page_links_to_its_neighbours(product):
    tree = parse(product, PRODUCTS[1:4])
    expected = [neighbour.path for neighbour in PRODUCTS[1:4]]
    assert attributes(tree, ".related a", "href") == expected


def test_a_nameless_product_has_no_name_anywhere(product):
    nameless = dataclasses.replace(product, name="")
    text = product_html(nameless, [], origin=ORIGIN).decode()
    tree = LexborHTMLParser(text)
    assert tree.css("h1, title, meta[property='og:title']") == []
    assert '"name"' not in text


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        (None, None),
        ("charset", '<meta charset="windows-1251">'),
        (
            "http-equiv",
            '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
        ),
    ],
    ids=["undeclared", "charset", "http-equiv"],
)
def test_a_page_is_in_its_encoding_and_declares_it_or_not(meta, expected):
    encoding = Encoding(codec="cp1251", meta=meta, label="windows-1251")
    product = make_product(HOST, 1, language=RUSSIAN, encoding=encoding)
    raw = product_html(product, [], origin=ORIGIN)
    assert f"<h1>{product.name}</h1>".encode("cp1251") in raw
    declared = [line for line in raw.decode("cp1251").split("\n") if "charset" in line]
    assert declared == ([expected] if expected else [])


def test_what_an_encoding_lacks_becomes_a_character_reference():
    encoding = Encoding(codec="latin-1")
    product = make_product(HOST, 1, language=RUSSIAN, encoding=encoding)
    raw = product_html(product, [], origin=ORIGIN)
    assert product.name in html.unescape(raw.decode("latin-1"))


def test_the_front_page_lists_all_products_by_category():
    tree = LexborHTMLParser(home_html(PRODUCTS).decode())
    assert attributes(tree, "h2", "id") == list(CATEGORIES)
    listed = attributes(tree, "li a", "href")
    assert sorted(listed) == sorted(product.path for product in PRODUCTS)
