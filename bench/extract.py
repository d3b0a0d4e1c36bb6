"""What the generic record of a page costs, part by part.

Pages of 10 KB, as the comparison has them; CPU microseconds a page, medians of rounds that take
turns. `whole record` is what a run does for a page without a rule, from its bytes to the line of
its item; the parts are measured by themselves. The short road for links is compared with the
full one, which gives the same.

    python bench/extract.py [ROUNDS]
"""

import hashlib
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pages import page
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.charset import decode_html
from scraper.extract.json_ld import json_ld_blocks
from scraper.extract.links import LinkJoiner, document_base, full_join
from scraper.extract.metas import page_metas
from scraper.extract.page import extract
from scraper.extract.text import visible_text
from scraper.models import Page
from scraper.parts import packed

SIZE = 10_240
PAGES = 64
REPEATS = 8
URL = "http://127.0.0.1:8799/p10/7"
HTML = "text/html; charset=utf-8"


def as_page(body: bytes) -> Page:
    """A body as it comes out of the archive."""
    return Page(
        url=URL,
        final_url=URL,
        redirects=(),
        http_status=200,
        headers=(("content-type", HTML),),
        body=body,
        fetched_at=datetime.now(UTC),
        elapsed_s=0.0,
    )


def whole(body: bytes) -> None:
    """From the bytes to the line of the item."""
    found = extract(as_page(body), None)
    packed({"_row": 1} | found.items[0])


def full_links(tree: LexborHTMLParser) -> list[str]:
    """The links of a page, each joined by the URL parser alone."""
    base = document_base(tree, URL)
    urls = (full_join(base, href) for href in hrefs(tree))
    return list(dict.fromkeys(url.partition("#")[0] for url in urls if url is not None))


def hrefs(tree: LexborHTMLParser) -> list[str]:
    """What stands in a page's links."""
    return [node.attributes.get("href") or "" for node in tree.css("a[href]")]


def parts() -> dict[str, Callable[[], object]]:
    """The work on all pages, by name."""
    bodies = [page(SIZE, number) for number in range(PAGES)]
    texts = [body.decode() for body in bodies]
    trees = [LexborHTMLParser(text) for text in texts]
    records = [dict(extract(as_page(body), None).items[0]) for body in bodies]
    joiners = [LinkJoiner(document_base(tree, URL)) for tree in trees]
    assert joiners[0].links(hrefs(trees[0])) == full_links(trees[0])
    return {
        "whole record": lambda: [whole(body) for body in bodies],
        "  decode": lambda: [decode_html(body, HTML) for body in bodies],
        "  parse (Lexbor)": lambda: [LexborHTMLParser(text) for text in texts],
        "  metas": lambda: [page_metas(tree) for tree in trees],
        "  JSON-LD": lambda: [json_ld_blocks(tree) for tree in trees],
        "  title and h1": lambda: [
            [visible_text(node) for node in tree.css("title, h1")] for tree in trees
        ],
        "  text": lambda: [visible_text(tree.body) for tree in trees if tree.body is not None],
        "  links": lambda: [
            joiner.links(hrefs(tree)) for joiner, tree in zip(joiners, trees, strict=True)
        ],
        "  sha256": lambda: [hashlib.sha256(body).hexdigest() for body in bodies],
        "  write the line": lambda: [packed(record) for record in records],
        "links, full road": lambda: [full_links(tree) for tree in trees],
    }


def main(rounds: int) -> None:
    """Take turns, print medians."""
    work = parts()
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, do in work.items():
            start = time.process_time()
            for _ in range(REPEATS):
                do()
            found[name].append((time.process_time() - start) / REPEATS / PAGES * 1e6)
    print(f"CPU of a page of {SIZE:,} bytes, µs: median (lowest to highest) of {rounds} rounds")
    for name, costs in found.items():
        costs.sort()
        print(f"{name:<18} {statistics.median(costs):7.0f} ({costs[0]:.0f} to {costs[-1]:.0f})")


if __name__ == "__main__":
    main(int((*sys.argv[1:], "9")[0]))
