"""A page and the rule of its site → items: the rule's fields, typed, each with what gave it.

The sources of a field are tried in turn until one gives something. What is empty counts as
absent: None, or an empty list for many. With `item` the selectors see only the item's element
and what is in it; all other sources are the whole page's.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from scraper.extract.document import PageSources
from scraper.extract.errors import FieldError, MissingField
from scraper.extract.found import Found, FoundItem, Item, plain
from scraper.extract.sources import Scope, source_values
from scraper.rules import Declared, SiteRule
from scraper.rules.checks import check_count, check_value
from scraper.values import Value, typed

__all__ = ["apply_rule", "find_field", "found_items", "made_field", "scopes_of"]


def apply_rule(page: PageSources, rule: SiteRule) -> list[Item]:
    """The items that the rule's selectors find on a page, in document order.

    Raises:
        MissingField: a required field is absent from an item.
        FieldError: a value doesn't fit its field.
    """
    return [plain(item) for item in found_items(page, rule)]


def found_items(page: PageSources, rule: SiteRule) -> list[FoundItem]:
    """The same, each value with what gave it. Raises: as `apply_rule`."""
    return [
        {
            declared.name: find_field(declared, scope, rule=rule, page=page)
            for declared in rule.declared
        }
        for scope in scopes_of(page, rule)
    ]


def scopes_of(page: PageSources, rule: SiteRule) -> list[Scope]:
    """What the selectors of each item see. Raises: nothing."""
    return [page.tree] if rule.item is None else [*page.tree.css(rule.item)]


def find_field(declared: Declared, scope: Scope, *, rule: SiteRule, page: PageSources) -> Found:
    """Look for one field of one item.

    Raises:
        MissingField: it is required and absent.
        FieldError: a value doesn't fit.
    """
    for source in declared.sources:
        values = source_values(source, declared, scope, page=page)
        if found := _typed(declared, values, rule=rule, page=page):
            return _whole(declared, found, source.label, rule=rule)
    return _whole(declared, [], None, rule=rule)


def made_field(
    declared: Declared, value: object, source: str, *, rule: SiteRule, page: PageSources
) -> Found:
    """One field of an item whose value was made elsewhere: typed and checked alike.

    Raises:
        MissingField: it is required and empty.
        FieldError: it doesn't fit.
    """
    is_list = isinstance(value, list | tuple | set | frozenset)
    if value is not None and is_list != declared.is_many:
        problem = "is a list, but the field has one value" if is_list else "is no list"
        raise FieldError(rule.name, declared.name, problem, str(value))
    given: Iterable[object] = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, set | frozenset):
        given = sorted(value, key=str)
    values = (one for one in given if one is not None and one != "")
    found = _typed(declared, values, rule=rule, page=page)
    return _whole(declared, found, source if found else None, rule=rule)


def _typed(
    declared: Declared, values: Iterator[object], *, rule: SiteRule, page: PageSources
) -> list[Value]:
    kind, reading = declared.kind, declared.reading
    found: list[Value] = []
    for value in values if declared.is_many else islice(values, 1):
        try:
            one = typed(value, kind, base_url=page.base_url, reading=reading)
        except ValueError as error:
            problem = f"is no {kind}: {error}"
            raise FieldError(rule.name, declared.name, problem, str(value)) from error
        if declared.is_checked:
            try:
                check_value(one, declared.rule, reading)
            except ValueError as error:
                raise FieldError(rule.name, declared.name, str(error), str(value)) from error
        found.append(one)
    return found


def _whole(declared: Declared, found: list[Value], source: str | None, *, rule: SiteRule) -> Found:
    if declared.is_required and not found:
        raise MissingField(rule.name, declared.name)
    if not declared.is_many:
        return Found(value=found[0] if found else None, source=source)
    try:
        check_count(len(found), declared.rule)
    except ValueError as error:
        raise FieldError(rule.name, declared.name, str(error)) from error
    return Found(value=found, source=source)
