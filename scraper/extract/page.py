"""A fetched page → its items, or the reason why there are none.

The body is decoded and parsed once. With a rule the items are the rule's, without one the page
is one item of generic fields; each begins with `site` and `kind`. All text can be written as
UTF-8. Whatever one page's extraction raises is that page's outcome: `extract` raises nothing.
"""

import hashlib
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from scraper.extract.apply import MissingField, apply_rule
from scraper.extract.charset import decode_html
from scraper.extract.generic import generic_fields
from scraper.extract.json_ld import json_ld_blocks
from scraper.extract.text import without_surrogates
from scraper.models import Page, Reason
from scraper.rules import SiteRule

__all__ = ["Extraction", "extract", "is_wanted_type", "parse_page"]

_EMPTY = "the body is empty"

Items = list[dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What a page gave. `bytes` and `content_sha256` are those of the decoded body."""

    reason: Reason
    items: tuple[dict[str, object], ...] = ()
    detail: str = ""
    charset: str | None = None
    content_sha256: str
    bytes: int


def extract(page: Page, rule: SiteRule | None) -> Extraction:
    """Extract the items of a page; failures are reasons. Raises: nothing."""
    charset: str | None = None
    items: Items = []
    try:
        reason, detail = _refused(page)
        if reason is Reason.OK:
            decoded = decode_html(page.body, page.header("content-type"))
            charset = decoded.charset
            items = _items(decoded.text, url=page.final_url, rule=rule)
            reason, detail = _judged(items, rule)
    except MissingField as error:
        reason, detail = Reason.MISSING_FIELD, str(error)
    # The one place that catches everything: one page, one outcome, whatever its parsing raises.
    except Exception as error:
        reason, detail = Reason.PARSE, without_surrogates(f"{type(error).__name__}: {error}")
    return Extraction(
        reason=reason,
        items=tuple(items),
        detail=detail,
        charset=charset,
        content_sha256=hashlib.sha256(page.body).hexdigest(),
        bytes=len(page.body),
    )


def parse_page(
    html: str | bytes, *, url: str, rule: SiteRule | None = None
) -> list[dict[str, object]]:
    """The items of a page that is at hand: for a REPL, a notebook, a test.

    Args:
        html: text, or bytes whose charset is to be found out.
        url: where the page came from; its links are relative to it.
        rule: the rule of its site; without one the page is one item of generic fields.

    Raises:
        MissingField: a required field is absent.
        FieldError: a value doesn't fit its field's type.
    """
    text = html if isinstance(html, str) else decode_html(html, None).text
    return _items(text.removeprefix("\ufeff"), url=url, rule=rule)


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


def _judged(items: Items, rule: SiteRule | None) -> tuple[Reason, str]:
    if items:
        return Reason.OK, ""
    if rule is None or rule.item is None:
        return Reason.NO_CONTENT, _EMPTY
    return Reason.NO_CONTENT, f"no element matches the rule's item {rule.item!r}"


def _items(text: str, *, url: str, rule: SiteRule | None) -> Items:
    if not text.strip().strip("\0"):
        return []
    tree = LexborHTMLParser(without_surrogates(text))
    if rule is None:
        return [{"site": None, "kind": "page", **generic_fields(tree, url)}]
    found = apply_rule(tree, rule, base_url=url, blocks=json_ld_blocks(tree))
    return [{"site": rule.name, "kind": rule.kind, **fields} for fields in found]
