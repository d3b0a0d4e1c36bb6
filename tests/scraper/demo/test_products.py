import dataclasses

import pytest

from scraper.demo.products import UTF_8, Product, digit, make_product
from scraper.demo.words import CATEGORIES, CHINESE, ENGLISH, FRENCH, JAPANESE, RUSSIAN

LANGUAGES = {
    "utf-8": ENGLISH,
    "cp1251": RUSSIAN,
    "shift_jis": JAPANESE,
    "gb2312": CHINESE,
    "latin-1": FRENCH,
}


def test_a_product_follows_from_its_host_and_number():
    assert make_product("shop-1.localhost", 7) == Product(
        host="shop-1.localhost",
        path="/p/7-sponge.html",
        sku="SHOP-1-0007",
        name="Plain Sponge No. 7",
        category="bath",
        price="115.74",
        language=ENGLISH,
        encoding=UTF_8,
    )


def test_digit_is_the_same_in_every_process():
    assert digit("a", "b") == 133_447_708


def test_no_two_products_share_a_path_or_a_name():
    products = [make_product("shop-3.localhost", number) for number in range(1, 200)]
    assert len({product.path for product in products}) == 199
    assert len({product.name for product in products}) == 199
    assert {product.category for product in products} == set(CATEGORIES)


def test_two_hosts_sell_different_things():
    names = {
        host: [make_product(host, number).name for number in range(1, 20)]
        for host in ("shop-1.localhost", "shop-2.localhost")
    }
    assert names["shop-1.localhost"] != names["shop-2.localhost"]


def test_yen_have_no_decimals():
    price = make_product("shop-1.localhost", 7, language=JAPANESE).price
    assert price == "11574"


def test_a_description_begins_with_the_name_if_there_is_one():
    product = make_product("shop-1.localhost", 7)
    nameless = dataclasses.replace(product, name="")
    assert product.description == f"Plain Sponge No. 7. {nameless.description}"
    assert nameless.description in ENGLISH.sentences


@pytest.mark.parametrize(("codec", "language"), LANGUAGES.items(), ids=LANGUAGES)
def test_a_language_fits_its_legacy_encoding(codec, language):
    words = [
        language.buy,
        *language.adjectives,
        *language.nouns,
        *language.sentences,
        *language.authors,
        *(word for measure in language.measures for word in measure),
    ]
    text = "\n".join(words)
    assert text.encode(codec).decode(codec) == text
