"""The pages of the benchmark: made of words, links and metadata as real ones are, the same always.

In: a size in bytes and a number. Out: an HTML document of exactly that size. A page has about a
link in 220 bytes: root-relative, relative, absolute, to other hosts, with fragments, and some
twice; Open Graph, JSON-LD, a script and a style sheet. Of each size there are a few variants of
other words, and the number stands in title, canonical, Open Graph, JSON-LD and some links.
"""

import random
import re
from functools import lru_cache

__all__ = ["DIGITS", "page"]

DIGITS = 7
"""Of a page's number as it is written, so that all pages of a size are of one length."""

_MARK = b"@NUMBER"
_VARIANTS = 8
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Thing @NUMBER &amp; what is said of it</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="All about thing @NUMBER: {words}">
<link rel="canonical" href="/p/@NUMBER"><link rel="stylesheet" href="/style.css">
<meta property="og:title" content="Thing @NUMBER"><meta property="og:type" content="product">
<meta property="og:url" content="/p/@NUMBER"><meta property="og:image" content="/i/@NUMBER.jpg">
<script type="application/ld+json">{{"@context": "https://schema.org", "@type": "Product",
"sku": "@NUMBER", "name": "Thing @NUMBER", "offers": {{"price": "12.50"}}}}</script>
<style>body {{ margin: 0 }} .thing {{ color: #333 }}</style></head>
<body><header><h1>Thing @NUMBER</h1><nav><ul>{menu}</ul></nav></header><main>
"""
_MENU = '<li class="menu"><a href="/shelf/{n}">Shelf {n}</a></li>'
_FOOT = (
    "<script>window.shown = {{n: 1}};</script></main><footer><ul>{menu}</ul><p>{pad}</p>"
    "</footer></body></html>\n"
)
_BLOCKS = (
    '<p>{a} <a href="/things/{n}">{b}</a> {c}, <em>{d}</em> <a href="more-{n}.html">{b}</a>.</p>\n',
    '<div class="thing" data-n="{n}"><h3><a href="/things/{n}?from=list">{b}</a></h3>'
    '<p>{a}</p><span class="price">{n}.99</span> <a href="/things/{n}#reviews">reviews</a></div>\n',
    '<p>{a}: <b>{c}</b>. {a}. See <a href="https://other-{n}.example/{n}">{b}</a>.</p>\n',
    "<table><tr><th>{d}</th><td>{b}</td></tr><tr><th>{b}</th><td>{c}</td></tr></table>\n",
)
_WORDS = re.findall(
    r"\w+",
    """
    time year people way day man thing woman life child world school state family student
    group country problem hand part place case week company system program question work
    number night point home water room mother area money story fact month lot right study book
    eye job word
    """,
)


def page(size: int, number: int) -> bytes:
    """A document of `size` bytes. Raises: nothing."""
    pieces = _template(size, number % _VARIANTS)
    return (b"%0*d" % (DIGITS, number)).join(pieces)


@lru_cache(maxsize=64)
def _template(size: int, variant: int) -> tuple[bytes, ...]:
    """A variant, cut where the number stands."""
    chance = random.Random(f"{size} {variant}")  # equal on every start
    menu = "".join(_MENU.format(n=n) for n in range(8))
    text = _HEAD.format(words=_phrase(chance, 12), menu=menu)
    foot = _FOOT.format(menu=menu, pad="{pad}")
    while len(text) + len(foot) < size - 500:
        text += chance.choice(_BLOCKS).format(
            n=chance.randrange(10_000, 99_999),
            a=_phrase(chance, 24),
            b=_phrase(chance, 3),
            c=_phrase(chance, 8),
            d=_phrase(chance, 2),
        )
    text += foot
    pad = size - len(text) + len("{pad}")
    return tuple(text.replace("{pad}", _padding(chance, pad)).encode().split(_MARK))


def _phrase(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words))


def _padding(chance: random.Random, size: int) -> str:
    """Words, cut to the byte and ended by a full stop."""
    return _phrase(chance, size)[: size - 1].rstrip().ljust(size - 1, "x") + "."
