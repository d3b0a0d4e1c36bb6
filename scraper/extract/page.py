"""A fetched page → its items, or the reason why there are none.

The body is decoded and parsed once. With a rule the items are the rule's, without one the page
is one item of generic fields; each begins with `site` and `kind`. All text can be written as
UTF-8. Whatever one page's extraction raises is that page's outcome: `extract` raises nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from scraper.errors import ScraperError
from scraper.extract.apply import apply_rule
from scraper.extract.charset import decode_html
from scraper.extract.document import PageSources
from scraper.extract.errors import MissingField
from scraper.extract.extractor import extracted_items
from scraper.extract.found import Item, plain
from scraper.extract.generic import generic_fields
from scraper.extract.page_tags import forbidden_by_headers, forbidden_by_metas
from scraper.extract.text import without_surrogates
from scraper.models import Page, Reason
from scraper.product import PRODUCT
from scraper.rules import SiteRule

__all__ = ["Extraction", "extract", "is_wanted_type", "page_sources", "parse_page"]

_EMPTY = "the body is empty"

Items = list[Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What a page gave. `bytes` and `content_sha256` are those of the decoded body."""

    reason: Reason
    items: tuple[Item, ...] = ()
    detail: str = ""
    charset: str | None = None
    content_sha256: str
    bytes: int


def extract(
    page: Page,
    rule: SiteRule | None,
    columns: Mapping[str, object] | None = None,
    *,
    obey_tags: bool = False,
) -> Extraction:
    """Extract the items of a page; failures are reasons. Raises: nothing.

    Args:
        page: what was fetched.
        rule: the rule of its site.
        columns: those of its row, by their names in the list.
        obey_tags: whether a page that says `noindex` or `noai` of itself is left.
    """
    charset: str | None = None
    items: Items = []
    try:
        reason, detail = _refused(page)
        if reason is Reason.OK:
            decoded = decode_html(page.body, page.header("content-type"))
            charset = decoded.charset
            sources = page_sources(decoded.text, url=page.final_url, seed=columns, page=page)
            forbidden = _forbidden(page, sources) if obey_tags else None
            items = _items(sources, rule) if forbidden is None else []
            reason, detail = forbidden or _judged(items, rule)
    except MissingField as error:
        reason, detail = Reason.MISSING_FIELD, without_surrogates(str(error))
    # The one place that catches everything: one page, one outcome, whatever its parsing raises.
    except Exception as error:
        reason, detail = Reason.PARSE, without_surrogates(_told(error, rule))
    return Extraction(
        reason=reason,
        items=tuple(items),
        detail=detail,
        charset=charset,
        content_sha256=hashlib.sha256(page.body).hexdigest(),
        bytes=len(page.body),
    )


def parse_page(
    html: str | bytes,
    *,
    url: str,
    rule: SiteRule | None = None,
    seed: Mapping[str, object] | None = None,
) -> Items:
    """The items of a page that is at hand: for a REPL, a notebook, a test.

    Args:
        html: text, or bytes whose charset is to be found out.
        url: where the page came from; its links are relative to it.
        rule: the rule of its site; without one the page is one item of generic fields.
        seed: the columns of its row in the list, for fields that are read from there.

    Raises:
        MissingField: a required field is absent.
        FieldError: a value doesn't fit its field.
        ExtractorError: the rule's extractor gave what is no item; what it raises comes as it is.
    """
    text = html if isinstance(html, str) else decode_html(html, None).text
    return _items(page_sources(text.removeprefix("\ufeff"), url=url, seed=seed), rule)


def page_sources(
    text: str,
    *,
    url: str,
    seed: Mapping[str, object] | None = None,
    page: Page | None = None,
) -> PageSources | None:
    """Parse a page's text; none if there is none. Raises: nothing."""
    if not text.strip().strip("\0"):
        return None
    text = without_surrogates(text)
    return PageSources(LexborHTMLParser(text), url=url, html=text, seed=seed, page=page)


def is_wanted_type(content_type: str | None) -> bool:
    """Whether a type may be a page: HTML, XML or text, or none that can be read as a type."""
    kind, slash, subtype = (content_type or "").partition(";")[0].strip().lower().partition("/")
    if not slash or kind == "text":
        return True
    return kind == "application" and (subtype == "xml" or subtype.endswith("+xml"))


def _refused(page: Page) -> tuple[Reason, str]:
    """What can be said of a page before it is decoded."""
    if not page.body.strip():
        return Reason.NO_CONTENT, _EMPTY
    content_type = page.header("content-type")
    if not is_wanted_type(content_type):
        return Reason.UNWANTED_TYPE, without_surrogates(content_type or "")
    return Reason.OK, ""


def _forbidden(page: Page, sources: PageSources | None) -> tuple[Reason, str] | None:
    """What the page says of itself, in its headers or its text."""
    told = forbidden_by_headers(page.headers, PRODUCT)
    if told is None and sources is not None:
        told = forbidden_by_metas(sources.metas, PRODUCT)
    return None if told is None else (Reason.ROBOTS_DISALLOWED, told)


def _judged(items: Items, rule: SiteRule | None) -> tuple[Reason, str]:
    if items:
        return Reason.OK, ""
    if rule is not None and rule.extractor is not None:
        return Reason.NO_CONTENT, f"the extractor {rule.extractor} gave no item"
    if rule is None or rule.item is None:
        return Reason.NO_CONTENT, _EMPTY
    return Reason.NO_CONTENT, f"no element matches the rule's item {rule.item!r}"


def _items(page: PageSources | None, rule: SiteRule | None) -> Items:
    if page is None:
        return []
    if rule is None:
        return [{"site": None, "kind": "page", **generic_fields(page.tree, page.url)}]
    if rule.extractor is not None:
        found = [plain(item) for item in extracted_items(page, rule, rule.extractor)]
    else:
        found = apply_rule(page, rule)
    return [{"site": rule.name, "kind": rule.kind, **fields} for fields in found]


def _told(error: Exception, rule: SiteRule | None) -> str:
    """Errors of ours say where they are; what an extractor raised doesn't."""
    if isinstance(error, ScraperError):
        return str(error)
    text = f"{type(error).__name__}: {error}"
    if rule is None or rule.extractor is None:
        return text
    return f"rule {rule.name}, extractor {rule.extractor}: {text}"
