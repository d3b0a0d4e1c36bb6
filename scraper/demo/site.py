"""The demo website as a table: a host and a path in, the answers to its first, second, … ask out.

Ten shops of 94 products each, and the troubles of the open web spread over them, never so many
in a row that a crawl would give a host up. The port is part of a few absolute URLs; all else is
the same on every start. Delays are seconds. Pure, raises nothing.

Source: RFC 9110 (redirects, Retry-After, Content-Length), RFC 9309 (robots.txt), RFC 6761
(names under `.localhost` are this machine).
"""

import base64
import gzip
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from scraper.demo.pages import home_html, product_html
from scraper.demo.products import UTF_8, Encoding, Product, make_product
from scraper.demo.words import CHINESE, ENGLISH, FRENCH, JAPANESE, RUSSIAN, Language
from scraper.models import Reason

__all__ = [
    "DEFAULT_PORT",
    "HOSTS",
    "NOT_FOUND",
    "Answer",
    "Routes",
    "Trouble",
    "build_routes",
    "shop_products",
    "troubles",
]

DEFAULT_PORT = 8765
HOSTS = tuple(f"shop-{number}.localhost" for number in range(1, 11))
PRODUCTS_PER_HOST = 94
HOST_WITHOUT_ROBOTS = HOSTS[6]
EVERY_HOST = range(1, 11)

_UNLISTED = PRODUCTS_PER_HOST + 1
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
_SLOW_S = {(1, 40): 0.5, (3, 50): 0.6, (6, 60): 0.7, (8, 70): 0.8, (10, 80): 1.0}
_LEGACY: dict[tuple[int, int], tuple[Language, Encoding]] = {
    (2, 20): (RUSSIAN, Encoding(codec="cp1251", header="windows-1251")),
    (3, 31): (JAPANESE, Encoding(codec="shift_jis", meta="charset", label="shift_jis")),
    (5, 42): (CHINESE, Encoding(codec="gb2312", meta="http-equiv", label="gb2312")),
    (7, 53): (FRENCH, Encoding(codec="latin-1", meta="http-equiv", label="iso-8859-1")),
    # The header lies: the page is UTF-8, as its `meta` says.
    (8, 64): (FRENCH, replace(UTF_8, header="iso-8859-1")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server says. `is_cut`: only half the body is sent, whatever its length says."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay_s: float = 0.0
    is_cut: bool = False


Routes = dict[tuple[str, str], tuple[Answer, ...]]
"""By host and path: the answers in turn; the last one is for all later asks too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A listed path that is no plain product: on which shops, and how its seed ends.

    `routes` are the answers at this path and at those it leads to.
    """

    name: str
    path: str
    ends_as: Reason
    shops: range | tuple[int, ...]
    routes: dict[str, tuple[Answer, ...]] = field(default_factory=dict)


NOT_FOUND = Answer(
    status=404,
    headers=(("Content-Type", "text/html; charset=utf-8"),),
    body=b"<!DOCTYPE html><title>Not found</title><h1>We have looked everywhere</h1>",
)


def shop_products(shop: int) -> list[Product]:
    """The listed products of the shop of a number, from 1. Raises: nothing."""
    return [_product(shop, number) for number in range(1, PRODUCTS_PER_HOST + 1)]


def build_routes(port: int) -> Routes:
    """The whole site at this port. Raises: nothing."""
    routes: Routes = {}
    for shop in EVERY_HOST:
        host = HOSTS[shop - 1]
        answers = dict(_shop_routes(shop, port))
        routes |= {(host, path): (answer,) for path, answer in answers.items()}
    for trouble in troubles(port):
        for shop in trouble.shops:
            host = HOSTS[shop - 1]
            routes |= {(host, path): answers for path, answers in trouble.routes.items()}
    return routes


def troubles(port: int) -> tuple[Trouble, ...]:
    """All troubles, in the order in which a shop's list has its own. Raises: nothing."""
    return (*_missing_and_moved(port), *_passing(port), *_lasting(port))


def _missing_and_moved(port: int) -> Iterator[Trouble]:
    for path in ("/sale/last-summer.html", "/blog/hello-world.html"):
        yield Trouble(name="not-found", path=path, ends_as=Reason.HTTP_4XX, shops=EVERY_HOST)
    for shop in (1, 2, 4, 5, 6, 7, 9, 10):
        yield _redirects("moved", ["/old/item-12.html", _product(shop, 12).path], shop=shop)
    chain = ["/go/1", "/go/2", "/go/3", _product(2, 33).path]
    yield _redirects("chain", chain, shop=2)
    for shop, other in ((3, 4), (8, 1)):
        product = _product(other, 25)
        target = _origin(product, port) + product.path
        yield _redirects("elsewhere", ["/partner.html", target], shop=shop)
    loop = _redirects("loop", ["/loop/a", "/loop/b", "/loop/a"], shop=5)
    yield replace(loop, ends_as=Reason.REDIRECT_LOOP)


def _passing(port: int) -> Iterator[Trouble]:
    """What is well on the second ask."""
    for shop, name, first in (
        (4, "busy", Answer(status=503, headers=(("Retry-After", "1"),), body=b"Back soon.")),
        (6, "preparing", Answer(status=202, body=b"Your page is being prepared.")),
    ):
        path = f"/{name}.html"
        then = _page(_product(shop, _UNLISTED), port)
        yield _trouble(name, path, first, then, shop=shop, ends_as=Reason.OK)


def _lasting(port: int) -> Iterator[Trouble]:
    """What no second ask heals, and what must not be asked at all."""
    for shop in (1, 3, 4, 6, 8, 9):
        page = _page(_product(shop, _UNLISTED), port)
        path = "/private/stock.html"
        yield _trouble("private", path, page, shop=shop, ends_as=Reason.ROBOTS_DISALLOWED)
    broken = Answer(status=500, body=b"Traceback (most recent call last):")
    yield _trouble("broken", "/broken.html", broken, shop=9, ends_as=Reason.HTTP_5XX)
    cut = replace(_page(_product(10, _UNLISTED), port), is_cut=True)
    yield _trouble("cut", "/cut.html", cut, shop=10, ends_as=Reason.TRUNCATED)
    nameless = _page(replace(_product(1, _UNLISTED), name=""), port)
    yield _trouble("nameless", "/nameless.html", nameless, shop=1, ends_as=Reason.MISSING_FIELD)
    yield _trouble("photo", "/photo.png", _photo(), shop=2, ends_as=Reason.UNWANTED_TYPE)
    empty = Answer(headers=(("Content-Type", "text/html"),))
    yield _trouble("empty", "/empty.html", empty, shop=7, ends_as=Reason.NO_CONTENT)


def _redirects(name: str, stops: list[str], *, shop: int) -> Trouble:
    statuses = itertools.cycle((301, 302, 308))
    hops: dict[str, tuple[Answer, ...]] = {
        here: (Answer(status=next(statuses), headers=(("Location", there),)),)
        for here, there in itertools.pairwise(stops)
    }
    return Trouble(name=name, path=stops[0], ends_as=Reason.OK, shops=(shop,), routes=hops)


def _trouble(name: str, path: str, *answers: Answer, shop: int, ends_as: Reason) -> Trouble:
    return Trouble(name=name, path=path, ends_as=ends_as, shops=(shop,), routes={path: answers})


def _shop_routes(shop: int, port: int) -> Iterator[tuple[str, Answer]]:
    products = shop_products(shop)
    if HOSTS[shop - 1] != HOST_WITHOUT_ROBOTS:
        text = b"User-agent: *\nDisallow: /private/\n"
        yield "/robots.txt", Answer(headers=(("Content-Type", "text/plain"),), body=text)
    html = (("Content-Type", "text/html; charset=utf-8"),)
    yield "/", Answer(headers=html, body=home_html(products))
    for number, product in enumerate(products, start=1):
        neighbours = [*products, *products][number : number + 5]
        answer = _page(product, port, neighbours=neighbours)
        if number % 4 == 0:
            headers = (*answer.headers, ("Content-Encoding", "gzip"))
            answer = replace(answer, headers=headers, body=gzip.compress(answer.body, mtime=0))
        yield product.path, replace(answer, delay_s=_SLOW_S.get((shop, number), 0.0))
        yield product.image, _photo()


def _product(shop: int, number: int) -> Product:
    language, encoding = _LEGACY.get((shop, number), (ENGLISH, UTF_8))
    return make_product(HOSTS[shop - 1], number, language=language, encoding=encoding)


def _page(product: Product, port: int, *, neighbours: Sequence[Product] = ()) -> Answer:
    charset = product.encoding.header
    kind = f"text/html; charset={charset}" if charset else "text/html"
    body = product_html(product, neighbours, origin=_origin(product, port))
    return Answer(headers=(("Content-Type", kind),), body=body)


def _photo() -> Answer:
    return Answer(headers=(("Content-Type", "image/png"),), body=_PNG)


def _origin(product: Product, port: int) -> str:
    return f"http://{product.host}:{port}"
