"""A page and a rule → its items with what gave each value: for whoever writes the rule.

A field that is missing or doesn't fit is told in its place, so that the others are seen too.
"""

from collections.abc import Mapping

from scraper.extract.apply import find_field, scopes_of
from scraper.extract.charset import decode_html
from scraper.extract.document import PageSources
from scraper.extract.errors import FieldError, MissingField
from scraper.extract.extractor import extracted_items
from scraper.extract.found import Found, FoundItem
from scraper.extract.generic import generic_found
from scraper.extract.page import page_sources
from scraper.extract.sources import Scope
from scraper.models import Page
from scraper.rules import Declared, SiteRule

__all__ = ["explain"]


def explain(
    page: Page | str | bytes,
    rule: SiteRule | None = None,
    *,
    url: str | None = None,
    seed: Mapping[str, object] | None = None,
) -> list[FoundItem]:
    """The items of a page, each value with its source or its error.

    Args:
        page: as fetched, or its text or bytes.
        rule: the rule of its site; without one the generic fields are taken.
        url: where a text came from; a page knows.
        seed: the columns of its row, by their names in the list.

    Raises:
        MissingField, FieldError, ExtractorError: of a rule with an extractor only.
    """
    text, fetched = _text(page), page if isinstance(page, Page) else None
    where = url or (fetched.final_url if fetched else "")
    sources = page_sources(text, url=where, seed=seed, page=fetched)
    if sources is None:
        return []
    if rule is None:
        return [generic_found(sources.tree, sources.url)]
    if rule.extractor is not None:
        return extracted_items(sources, rule, rule.extractor)
    return [
        {one.name: _explained(one, scope, rule=rule, page=sources) for one in rule.declared}
        for scope in scopes_of(sources, rule)
    ]


def _text(page: Page | str | bytes) -> str:
    if isinstance(page, Page):
        return decode_html(page.body, page.header("content-type")).text
    return (page if isinstance(page, str) else decode_html(page, None).text).removeprefix("\ufeff")


def _explained(declared: Declared, scope: Scope, *, rule: SiteRule, page: PageSources) -> Found:
    try:
        return find_field(declared, scope, rule=rule, page=page)
    except (MissingField, FieldError) as error:
        return Found(value=None, error=str(error))
