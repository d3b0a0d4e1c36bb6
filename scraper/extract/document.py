"""A page under its rule: what its sources are read from, and what an extractor is given.

Nothing is looked up before a source asks for it, and nothing twice. The tree is only read.
No errors.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from selectolax.lexbor import LexborHTMLParser

from scraper.extract.found import Item
from scraper.extract.json_ld import JsonValue, json_ld_blocks
from scraper.extract.links import document_base
from scraper.extract.metas import Meta, page_metas
from scraper.models import Page

__all__ = ["Document", "PageSources"]


class PageSources:
    """The whole page, as the sources of its fields see it.

    Args:
        tree: the parsed page.
        url: its final URL; its `<base href>` is seen to here.
        html: its source text, decoded.
        seed: the columns of its row, by their names in the list.
        page: the page as fetched, where it was.
    """

    def __init__(
        self,
        tree: LexborHTMLParser,
        *,
        url: str,
        html: str = "",
        seed: Mapping[str, object] | None = None,
        page: Page | None = None,
    ) -> None:
        self.tree, self.url, self.html, self.page = tree, url, html, page
        self.seed: Mapping[str, object] = seed or {}

    @cached_property
    def base_url(self) -> str:
        """What the URLs in the page are relative to."""
        return document_base(self.tree, self.url)

    @cached_property
    def blocks(self) -> list[JsonValue]:
        """The page's JSON-LD."""
        return json_ld_blocks(self.tree)

    @cached_property
    def metas(self) -> list[Meta]:
        """The page's `<meta>` elements."""
        return page_metas(self.tree)

    @cached_property
    def columns(self) -> dict[str, object]:
        """The seed's columns, their names in lower case; of two that are equal the first."""
        columns: dict[str, object] = {}
        for name, value in self.seed.items():
            columns.setdefault(name.strip().lower(), value)
        return columns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """What an extractor is given.

    `url` is the page's final URL, `html` its text, `tree` the parsed page, `seed` the columns of
    its row in the list, `page` the page as fetched (None for a page at hand). `select()` gives
    the items that the rule's own selectors find.
    """

    url: str
    html: str = field(repr=False)
    tree: LexborHTMLParser = field(repr=False)
    seed: Mapping[str, object]
    page: Page | None = field(repr=False)
    select: Callable[[], list[Item]] = field(repr=False)
