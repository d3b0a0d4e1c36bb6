"""What the demo shops sell: a host and a number in, a product out.

Everything follows from these two, so that every start gives the same catalogue: no clock, no
randomness. Prices are decimal text in units of the currency. Pure, raises nothing.

Source: the WHATWG encoding labels for `Encoding.label`.
"""

import zlib
from dataclasses import dataclass
from typing import Literal

from scraper.demo.words import CATEGORIES, ENGLISH, Language

__all__ = ["UTF_8", "Encoding", "Product", "digit", "make_product"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How a page becomes bytes, and what its header and its `meta` say about that."""

    codec: str
    header: str | None = None
    meta: Literal["charset", "http-equiv"] | None = None
    label: str = ""


UTF_8 = Encoding(codec="utf-8", header="utf-8", meta="charset", label="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One thing for sale; `path` is where its page stands on its host."""

    host: str
    path: str
    sku: str
    name: str
    category: str
    price: str
    language: Language
    encoding: Encoding

    def pick(self, what: str, words: tuple[str, ...]) -> str:
        """The word that this product has for a purpose: always the same one."""
        return words[digit(self.sku, what) % len(words)]

    @property
    def image(self) -> str:
        """The path of its picture."""
        return f"/img/{self.sku}.png"

    @property
    def description(self) -> str:
        """Its name, if it has one, and one sentence."""
        sentence = self.pick("description", self.language.sentences)
        return f"{self.name}. {sentence}" if self.name else sentence


def make_product(
    host: str, number: int, *, language: Language = ENGLISH, encoding: Encoding = UTF_8
) -> Product:
    """The product of a number. Raises: nothing."""
    sku = f"{host.partition('.')[0].upper()}-{number:04d}"
    category = list(CATEGORIES)[number % len(CATEGORIES)]
    things = CATEGORIES[category]
    thing = things[digit(sku, "noun") % len(things)]
    nouns = language.nouns or things
    noun = nouns[digit(sku, "noun") % len(nouns)]
    adjective = language.adjectives[digit(sku, "adjective") % len(language.adjectives)]
    return Product(
        host=host,
        path=f"/p/{number}-{thing.lower().replace(' ', '-')}.html",
        sku=sku,
        name=f"{adjective} {noun} No. {number}",
        category=category,
        price=_price(490 + digit(sku, "price") % 19_500, language.currency),
        language=language,
        encoding=encoding,
    )


def digit(*parts: str) -> int:
    """A number that looks random and follows from the parts alone. Raises: nothing."""
    # Not `hash`, which differs from process to process.
    return zlib.crc32("/".join(parts).encode("utf-8"))


def _price(cents: int, currency: str) -> str:
    return str(cents) if currency == "JPY" else f"{cents // 100}.{cents % 100:02d}"
