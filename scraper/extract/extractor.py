"""A page and a rule with an extractor → items: what the function gave, checked like any others.

The function gets one `Document` and gives a dict, or an iterable of dicts. Its values are made of
their fields' types; fields that it leaves out are looked for by their own sources, on the whole
page. What the function itself raises is let through.
"""

from collections.abc import Iterable, Mapping

from scraper.extract.apply import apply_rule, find_field, made_field
from scraper.extract.document import Document, PageSources
from scraper.extract.errors import ExtractorError, FieldError
from scraper.extract.found import FoundItem
from scraper.rules import SiteRule, load_extractor
from scraper.settings import nearest

__all__ = ["extracted_items"]


def extracted_items(page: PageSources, rule: SiteRule, extractor: str) -> list[FoundItem]:
    """Call the extractor and check what it gave.

    Raises:
        ExtractorError: it can't be had any more, or gave something that is no item.
        FieldError: a field that isn't declared, or a value that doesn't fit.
        MissingField: a required field is absent from an item.
    """
    try:
        function = load_extractor(extractor)
    except ValueError as error:
        raise ExtractorError(rule.name, extractor, str(error)) from error
    document = Document(
        url=page.url,
        html=page.html,
        tree=page.tree,
        seed=page.seed,
        page=page.page,
        select=lambda: apply_rule(page, rule),
    )
    return [_item(given, page, rule) for given in _given(function(document), rule, extractor)]


def _given(result: object, rule: SiteRule, extractor: str) -> list[Mapping[str, object]]:
    if isinstance(result, Mapping):
        return [result]
    if isinstance(result, str | bytes) or not isinstance(result, Iterable):
        problem = f"gave {type(result).__name__}, not a dict or dicts"
        raise ExtractorError(rule.name, extractor, problem)
    items: list[Mapping[str, object]] = []
    for item in result:
        if not isinstance(item, Mapping):
            problem = f"gave {type(item).__name__} among its items, not a dict"
            raise ExtractorError(rule.name, extractor, problem)
        items.append(item)
    return items


def _item(given: Mapping[str, object], page: PageSources, rule: SiteRule) -> FoundItem:
    for name in given:
        if name not in rule.fields:
            problem = f"is not declared{nearest(str(name), rule.fields)}"
            raise FieldError(rule.name, str(name), problem)
    source = f"extractor {rule.extractor}"
    return {
        declared.name: made_field(declared, given[declared.name], source, rule=rule, page=page)
        if declared.name in given
        else find_field(declared, page.tree, rule=rule, page=page)
        for declared in rule.declared
    }
