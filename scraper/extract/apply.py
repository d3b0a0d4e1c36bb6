"""A page and the rule of its site → items: the rule's fields, typed.

A value is looked for with `css` first, then in the page's JSON-LD; `regex` narrows either. What
is empty counts as absent: None, or an empty list for `many`. With `item` the selectors see only
the item's element and what is in it; JSON-LD is always the whole page's.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from scraper.errors import ScraperError
from scraper.extract.json_ld import JsonScalar, JsonValue, json_ld_values
from scraper.extract.links import document_base
from scraper.extract.text import collapse, visible_text
from scraper.extract.values import typed
from scraper.rules import FieldRule, SiteRule

__all__ = ["FieldError", "MissingField", "apply_rule"]

_SHOWN_CHARACTERS = 100

Scope = LexborHTMLParser | LexborNode


class MissingField(ScraperError):
    """A required field has no value on this page."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field

    def __str__(self) -> str:
        return f"field: {self.field}"


class FieldError(ScraperError):
    """A value doesn't fit its field's type."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(field, text)
        self.field = field
        self.text = text

    def __str__(self) -> str:
        return f"field: {self.field}: {self.text[:_SHOWN_CHARACTERS]!r} doesn't fit its type"


def apply_rule(
    tree: LexborHTMLParser, rule: SiteRule, *, base_url: str, blocks: Iterable[JsonValue]
) -> list[dict[str, object]]:
    """The items of a page, in document order.

    Args:
        tree: the parsed page; it is only read.
        rule: the rule of its site.
        base_url: the URL that the page came from; its `<base href>` is seen to here.
        blocks: the page's JSON-LD.

    Raises:
        MissingField: a required field is absent from an item.
        FieldError: a value doesn't fit its field's type.
    """
    base = document_base(tree, base_url)
    page_blocks = list(blocks)
    scopes: list[Scope] = [tree] if rule.item is None else [*tree.css(rule.item)]
    return [
        {
            name: _field(name, field, values=_values(scope, field, page_blocks), base_url=base)
            for name, field in rule.fields.items()
        }
        for scope in scopes
    ]


def _field(
    name: str, rule: FieldRule, *, values: Iterator[JsonScalar], base_url: str
) -> JsonScalar | list[JsonScalar] | None:
    found: list[JsonScalar] = []
    for value in values if rule.many else islice(values, 1):
        try:
            found.append(typed(value, rule.type, base_url=base_url))
        except ValueError as error:
            raise FieldError(name, str(value)) from error
    if rule.required and not found:
        raise MissingField(name)
    if rule.many:
        return found
    return found[0] if found else None


def _values(scope: Scope, rule: FieldRule, blocks: list[JsonValue]) -> Iterator[JsonScalar]:
    """What css gives; if that is nothing, what JSON-LD gives. Lazy: one value may be enough."""
    is_empty = True
    for value in _narrowed(_css_values(scope, rule), rule):
        is_empty = False
        yield value
    if is_empty and rule.json_ld is not None:
        yield from _narrowed(json_ld_values(blocks, rule.json_ld), rule)


def _css_values(scope: Scope, rule: FieldRule) -> Iterator[str]:
    if rule.css is None:
        return
    for node in scope.css(rule.css):
        if rule.attr is None:
            yield visible_text(node)
        else:
            yield node.attributes.get(rule.attr.lower()) or ""


def _narrowed(values: Iterable[JsonScalar], rule: FieldRule) -> Iterator[JsonScalar]:
    """The values that aren't empty, each cut to what the expression keeps of it."""
    for value in values:
        kept = value
        if isinstance(value, str):
            # Line breaks inside a URL are dropped by its parser, so they must reach it.
            kept = value.strip() if rule.type == "url" else collapse(value)
        if rule.regex is not None:
            kept = _kept(rule.regex, str(kept))
        if kept != "":
            yield kept


def _kept(regex: str, text: str) -> str:
    found = re.search(regex, text)
    if found is None:
        return ""
    return (found[1] if found.re.groups else found[0]) or ""
