"""Site rules as data: which hosts, which item, which fields, and where each value stands.

A rule is declared in a crawl file (`[[sites]]`) and checked when the file is read: a selector
or a regular expression that doesn't compile, a type that doesn't exist, two rules that give one
field two types. Applying a rule to a page is `scraper.extract.apply`.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from scraper.errors import ConfigError
from scraper.settings import HostName, host_names

__all__ = ["GENERIC_FIELDS", "FieldRule", "FieldType", "SiteRule", "check_rules", "rule_for"]

FieldType = Literal["str", "int", "float", "bool", "url"]

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

RESERVED_FIELDS = frozenset(
    {"url", "final_url", "fetched_at", "site", "kind", "stale", "row", "_row"}
)
"""The columns of every item, and those that parts are joined by."""


def _css(text: str) -> str:
    try:
        LexborHTMLParser("").css(text)
    except SelectolaxError as error:
        raise ValueError(f"{text!r} is not a CSS selector") from error
    return text


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error
    return text


Css = Annotated[str, AfterValidator(_css)]
Regex = Annotated[str, AfterValidator(_regex)]


class FieldRule(BaseModel):
    """Where one field's value stands and what it is.

    `css` gives the text of the matched element, or its attribute `attr`; `json_ld` gives the
    value at a dotted path in the page's JSON-LD (`offers.price`), tried when `css` gives
    nothing. `regex` keeps the first group (or the whole match). `many` keeps all values.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    css: Css | None = None
    attr: str | None = None
    json_ld: str | None = None
    regex: Regex | None = None
    type: FieldType = "str"
    many: bool = False
    required: bool = False

    @model_validator(mode="after")
    def _has_a_source(self) -> "FieldRule":
        if self.css is None and self.json_ld is None:
            raise ValueError("needs css or json_ld")
        if self.attr is not None and self.css is None:
            raise ValueError("attr needs css")
        return self


class SiteRule(BaseModel):
    """The rule of one site: its hosts (subdomains included), its item, its fields.

    Without `item` a page is one item; with it, each element that the selector matches is one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)]
    hosts: Annotated[list[HostName], Field(min_length=1)]
    kind: str = "item"
    item: Css | None = None
    fields: Annotated[dict[str, FieldRule], Field(min_length=1)]

    @classmethod
    def model_fields_of(cls, path: list[str | int]) -> type[BaseModel]:
        """The model whose keys stand at a path inside a rule."""
        return FieldRule if path[:1] == ["fields"] else cls

    @model_validator(mode="after")
    def _names_are_free(self) -> "SiteRule":
        taken = sorted(name for name in self.fields if name.lower() in RESERVED_FIELDS)
        if taken:
            raise ValueError(f"fields.{taken[0]} is a column of ours; choose another name")
        for name in self.fields:
            if not name.strip() or not name.isprintable():
                raise ValueError(f"fields.{name!r} can't be the name of a column")
        return self


def check_rules(rules: Iterable[SiteRule], source: str) -> None:
    """Check the rules of a crawl against each other; names are compared without case.

    Raises:
        ConfigError: two rules of one name, one field with two types or two spellings.
    """
    names: set[str] = set()
    types = {name: (shape, name, "the columns of ours") for name, shape in GENERIC_FIELDS.items()}
    for rule in rules:
        if rule.name.lower() in names:
            raise ConfigError(f"{source}: sites: two rules are named {rule.name!r}")
        names.add(rule.name.lower())
        for field, declared in rule.fields.items():
            shape = declared.type + (" list" if declared.many else "")
            known = types.setdefault(field.lower(), (shape, field, f"sites.{rule.name}"))
            first, spelling, by = known
            key = f"{source}: sites.{rule.name}.fields.{field}"
            if first != shape:
                raise ConfigError(f"{key} is {shape}, but {first} in {by}")
            if spelling != field:
                raise ConfigError(f"{key} is spelt {spelling!r} in {by}")


def rule_for(host: str, rules: Iterable[SiteRule]) -> SiteRule | None:
    """The rule that covers a host: the longest matching host name wins. Raises: nothing."""
    rules = list(rules)
    for name in host_names(host):
        for rule in rules:
            if name in (declared.lower() for declared in rule.hosts):
                return rule
    return None
