"""The rule of one site: its pages, its item, its fields.

In: a `[[sites]]` table. What is wrong in it is pydantic's `ValidationError`, at the key where it
stands; what rules say against each other is checked by `scraper.rules.crawl`.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from scraper.rules.checks import check_field
from scraper.rules.clean import CleanTable
from scraper.rules.extractor import ExtractorName
from scraper.rules.field import Fallback, FieldRule
from scraper.rules.source import SOURCES, Source
from scraper.rules.text import ItemCss, Regex, WrongKey
from scraper.settings import HostName, nearest
from scraper.values import Kind, Reading
from scraper.values.locales import check_locale, time_zone

__all__ = ["RESERVED_FIELDS", "Declared", "SiteRule"]

RESERVED_FIELDS = frozenset(
    {"url", "final_url", "fetched_at", "site", "kind", "stale", "row", "_row"}
)
"""The columns of every item, and those that parts are joined by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A field as it is applied: what the rule around it says is in its reading.

    What every page asks of it stands here, so that it is looked up but once.
    """

    name: str
    rule: FieldRule
    reading: Reading
    sources: tuple[Source, ...]
    kind: Kind
    split: re.Pattern[str] | None
    is_many: bool
    is_required: bool
    is_checked: bool


class SiteRule(BaseModel):
    """The rule of one site: its hosts (subdomains included), its item, its fields.

    Without `item` a page is one item; with it, each element that the selector matches is one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)] = Field(description="what items call it: site")
    hosts: Annotated[list[HostName], Field(min_length=1)] = Field(
        description="the hosts that it covers, with all names under them"
    )
    url: Regex | None = Field(None, description="expression searched in the page's final URL")
    kind: str = Field("item", description="what items call themselves: kind")
    item: ItemCss | None = Field(None, description="CSS selector: each element is an item")
    key: str | None = Field(None, description="the field that tells items apart between runs")
    locale: str | None = Field(None, description="how numbers, money and dates are written: en-GB")
    timezone: str = Field("UTC", description="of times without one: Europe/Berlin")
    extractor: ExtractorName | None = Field(
        None, description="module:function, importable from the working folder"
    )
    fields: Annotated[dict[str, FieldRule], Field(min_length=1)] = Field(
        description="what an item has: names and where their values stand"
    )

    @classmethod
    def model_fields_of(cls, path: list[str | int]) -> type[BaseModel]:
        """The model whose keys stand at a path inside a rule."""
        if path[:1] != ["fields"]:
            return cls
        below = path[2:]
        if "clean" in below:
            return CleanTable
        return Fallback if "fallbacks" in below else FieldRule

    @model_validator(mode="after")
    def _names_are_free(self) -> "SiteRule":
        taken = sorted(name for name in self.fields if name.lower() in RESERVED_FIELDS)
        if taken:
            raise ValueError(f"fields.{taken[0]} is a column of ours; choose another name")
        for name in self.fields:
            if not name.strip() or not name.isprintable():
                raise ValueError(f"fields.{name!r} can't be the name of a column")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> "SiteRule":
        self._check_own_keys()
        for name, field in self.fields.items():
            if not field.sources and self.extractor is None:
                raise WrongKey(f"fields.{name}", f"needs {', '.join(SOURCES[:-1])} or const")
            try:
                check_field(field, self._reading(field))
            except WrongKey as error:
                raise WrongKey(f"fields.{name}.{error.key}", error.problem) from error
        return self

    def _check_own_keys(self) -> None:
        try:
            key = "locale"
            if self.locale is not None:
                check_locale(self.locale)
            key = "timezone"
            time_zone(self.timezone)
        except ValueError as error:
            raise WrongKey(key, str(error)) from error
        if self.key is not None:
            if self.key not in self.fields:
                hint = nearest(self.key, self.fields)
                raise WrongKey("key", f"there is no field {self.key!r}{hint}")
            if self.fields[self.key].is_many:
                raise WrongKey("key", f"{self.key!r} has many values: a key has one")

    def _reading(self, field: FieldRule) -> Reading:
        return Reading(
            locale=field.locale or self.locale,
            timezone=field.timezone or self.timezone,
            format=field.format,
            currency=field.currency,
        )

    @cached_property
    def declared(self) -> tuple[Declared, ...]:
        """The fields as they are applied, in order."""
        return tuple(
            Declared(
                name=name,
                rule=field,
                reading=self._reading(field),
                sources=field.sources,
                kind=field.kind,
                split=re.compile(field.split) if field.split is not None else None,
                is_many=field.is_many,
                is_required=field.required,
                is_checked=field.is_checked,
            )
            for name, field in self.fields.items()
        )
