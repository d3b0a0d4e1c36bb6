"""The rules of a crawl, checked against each other and against what is on this machine.

Names are compared without case. Everything wrong is a `ConfigError` with file and key.
"""

from collections.abc import Iterable

from scraper.errors import ConfigError
from scraper.rules.extractor import load_extractor
from scraper.rules.site import SiteRule
from scraper.settings import nearest

__all__ = ["GENERIC_FIELDS", "check_extractors", "check_fields", "check_rules"]

GENERIC_FIELDS = {
    "title": "str",
    "description": "str",
    "canonical_url": "str",
    "lang": "str",
    "h1": "str",
    "text": "str",
    "links": "str list",
    "open_graph": "str",
    "json_ld": "str",
}
"""The fields of a page without a rule, and their types; the last two are JSON text."""


def check_rules(rules: Iterable[SiteRule], source: str) -> None:
    """Check the rules of a crawl.

    Raises:
        ConfigError: two rules of one name or for the same pages, one field with two types or
            two spellings, an extractor that can't be had.
    """
    rules = list(rules)
    _check_names(rules, source)
    _check_types(rules, source)
    _check_pages(rules, source)
    check_extractors(rules, source)


def check_fields(names: Iterable[str], rules: Iterable[SiteRule], key: str) -> None:
    """Check that names are those of fields that an item of the crawl may have.

    Raises:
        ConfigError: one isn't; with the nearest.
    """
    known = [name for rule in rules for name in rule.fields] + list(GENERIC_FIELDS)
    for name in names:
        if name.lower() not in {field.lower() for field in known}:
            raise ConfigError(f"{key}: no rule has a field {name!r}{nearest(name, set(known))}")


def check_extractors(rules: Iterable[SiteRule], source: str) -> None:
    """Check that the extractors of all rules can be had on this machine.

    Raises:
        ConfigError: one can't.
    """
    for place, rule in enumerate(rules, 1):
        if rule.extractor is not None:
            try:
                load_extractor(rule.extractor)
            except ValueError as error:
                raise ConfigError(f"{source}: sites.{place}.extractor: {error}") from error


def _check_names(rules: list[SiteRule], source: str) -> None:
    names: set[str] = set()
    for rule in rules:
        if rule.name.lower() in names:
            raise ConfigError(f"{source}: sites: two rules are named {rule.name!r}")
        names.add(rule.name.lower())


def _check_pages(rules: list[SiteRule], source: str) -> None:
    """Of two rules for the same pages the second could never be chosen."""
    known: dict[tuple[str, str | None], str] = {}
    for rule in rules:
        for host in rule.hosts:
            first = known.setdefault((host, rule.url), rule.name)
            if first != rule.name:
                same = "both without url" if rule.url is None else f"both with url {rule.url!r}"
                raise ConfigError(
                    f"{source}: sites.{rule.name}.hosts: {host} is covered by sites.{first}, "
                    f"{same}: this rule could never be chosen"
                )


def _check_types(rules: list[SiteRule], source: str) -> None:
    types = {name: (shape, name, "the columns of ours") for name, shape in GENERIC_FIELDS.items()}
    for rule in rules:
        for field, declared in rule.fields.items():
            known = types.setdefault(field.lower(), (declared.shape, field, f"sites.{rule.name}"))
            first, spelling, by = known
            key = f"{source}: sites.{rule.name}.fields.{field}"
            if first != declared.shape:
                raise ConfigError(f"{key} is {declared.shape}, but {first} in {by}")
            if spelling != field:
                raise ConfigError(f"{key} is spelt {spelling!r} in {by}")
