import gzip
import html
from urllib.parse import urljoin, urlsplit

import pytest
from protego import Protego
from selectolax.lexbor import LexborHTMLParser

from scraper.demo.site import (
    HOST_WITHOUT_ROBOTS,
    HOSTS,
    PRODUCTS_PER_HOST,
    build_routes,
    shop_products,
    troubles,
)

PORT = 8765
ROUTES = build_routes(PORT)
LISTED = [(HOSTS[shop - 1], t.path, t.name) for t in troubles(PORT) for shop in t.shops]


def header(answer, name):
    return dict(answer.headers).get(name)


def follow(host, path, limit=10):
    """The answers from here on, along the redirects."""
    answers = []
    while len(answers) < limit:
        answer = ROUTES[host, path][-1]
        answers.append(answer)
        if header(answer, "Location") is None:
            break
        url = urlsplit(urljoin(f"http://{host}:{PORT}{path}", header(answer, "Location")))
        host, path = url.hostname, url.path
    return [answer.status for answer in answers], host


def listed(name):
    return [(host, path) for host, path, other in LISTED if other == name]


def test_two_builds_are_equal():
    assert build_routes(PORT) == ROUTES
    assert list(build_routes(PORT)) == list(ROUTES)


def test_the_port_shows_in_urls_only():
    other = build_routes(9999)
    assert other.keys() == ROUTES.keys()
    answer, moved = ROUTES[HOSTS[0], "/p/7-sponge.html"][0], other[HOSTS[0], "/p/7-sponge.html"][0]
    assert moved.body.replace(b"localhost:9999/", b"localhost:8765/") == answer.body


def test_every_product_is_served_with_its_picture():
    for shop, host in enumerate(HOSTS, start=1):
        products = shop_products(shop)
        assert len(products) == PRODUCTS_PER_HOST
        for product in products:
            assert [answer.status for answer in ROUTES[host, product.path]] == [200]
            assert header(ROUTES[host, product.image][0], "Content-Type") == "image/png"


def test_links_between_pages_lead_somewhere():
    for (host, path), answers in ROUTES.items():
        if "/p/" not in path:
            continue
        body = answers[0].body
        body = gzip.decompress(body) if header(answers[0], "Content-Encoding") else body
        links = LexborHTMLParser(body.decode("latin-1")).css("a[href], img[src]")
        for link in links:
            target = link.attributes.get("href") or link.attributes["src"]
            assert (host, target.partition("#")[0]) in ROUTES


def test_a_quarter_of_the_products_is_gzipped():
    zipped = [
        answers[0].body
        for answers in ROUTES.values()
        if header(answers[0], "Content-Encoding") == "gzip"
    ]
    assert len(zipped) == len(HOSTS) * (PRODUCTS_PER_HOST // 4)
    assert gzip.decompress(zipped[0]).startswith(b"<!DOCTYPE html>")


def test_a_handful_of_pages_is_slow_none_hangs():
    delays = sorted(answers[0].delay_s for answers in ROUTES.values() if answers[0].delay_s)
    assert delays == [0.5, 0.6, 0.7, 0.8, 1.0]


@pytest.mark.parametrize("host", HOSTS)
def test_robots_forbid_private_wherever_there_is_a_robots_txt(host):
    answers = ROUTES.get((host, "/robots.txt"))
    if host == HOST_WITHOUT_ROBOTS:
        assert answers is None
        return
    rules = Protego.parse(answers[0].body.decode())
    assert not rules.can_fetch(f"http://{host}:{PORT}/private/stock.html", "demo")
    assert rules.can_fetch(f"http://{host}:{PORT}/p/1.html", "demo")


def test_private_seeds_lie_on_hosts_with_robots_and_would_answer():
    private = listed("private")
    assert len(private) == 6
    for host, path in private:
        assert (host, "/robots.txt") in ROUTES
        assert ROUTES[host, path][0].status == 200


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("moved", [301, 200]),
        ("chain", [301, 302, 308, 200]),
        ("elsewhere", [301, 200]),
        ("loop", [301, 302] * 5),
    ],
    ids=["moved", "chain", "elsewhere", "loop"],
)
def test_redirects_lead_to_a_product_or_round_in_circles(name, statuses):
    for host, path in listed(name):
        found, last_host = follow(host, path)
        assert found == statuses
        assert (last_host != host) == (name == "elsewhere")


def test_there_are_twenty_pages_that_are_not_there():
    missing = listed("not-found")
    assert len(missing) == 20
    assert not ROUTES.keys() & set(missing)


def test_no_host_has_more_than_two_troubles_of_its_own_server():
    """Far below the five failures in a row that would give it up."""
    for host in HOSTS:
        names = [name for other, _, name in LISTED if other == host]
        assert sum(name in {"busy", "preparing", "broken", "cut", "empty"} for name in names) <= 2


@pytest.mark.parametrize(
    ("place", "content_type", "codec"),
    [
        ((2, 20), "text/html; charset=windows-1251", "cp1251"),
        ((3, 31), "text/html", "shift_jis"),
        ((5, 42), "text/html", "gb2312"),
        ((7, 53), "text/html", "latin-1"),
        ((8, 64), "text/html; charset=iso-8859-1", "utf-8"),
    ],
    ids=["windows-1251-header", "shift-jis-meta", "gb2312-meta", "latin-1-meta", "lying-header"],
)
def test_legacy_pages(place, content_type, codec):
    shop, number = place
    product = shop_products(shop)[number - 1]
    answer = ROUTES[product.host, product.path][0]
    body = gzip.decompress(answer.body) if header(answer, "Content-Encoding") else answer.body
    assert header(answer, "Content-Type") == content_type
    assert not product.name.isascii()
    assert f"<h1>{html.escape(product.name)}</h1>" in body.decode(codec)
