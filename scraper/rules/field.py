"""One field of a rule: where its value stands, what it is, and what must hold of it.

In: a table of a crawl file. What is wrong in it alone is pydantic's `ValidationError`; what
depends on the rule around it (its locale, its extractor) is checked there.
"""

from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, model_validator

from scraper.rules.source import Place, Source
from scraper.rules.text import Regex
from scraper.values import Kind

__all__ = ["Fallback", "FieldRule", "FieldType"]

FieldType = Literal["str", "int", "float", "bool", "date", "datetime", "url", "money", "list"]

Bound = int | float | datetime | date


def _bound(value: object) -> object:
    """TOML has numbers and dates; in JSON dates are text."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{value!r} is neither a number nor a date") from error
    if isinstance(value, bool) or not isinstance(value, int | float | date):
        raise ValueError("a number or a date")
    return value


def _choice(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("a text or a number")
    return value


Limit = Annotated[Bound, BeforeValidator(_bound)]
Choice = Annotated[str | int | float, BeforeValidator(_choice)]


class Fallback(Place):
    """Another place to look: exactly one source, with `attr`, `regex` and `clean` of its own."""

    @model_validator(mode="after")
    def _is_one_place(self) -> "Fallback":
        if len(self.named()) != 1:
            raise ValueError("needs exactly one source")
        return self


class FieldRule(Place):
    """Where one field's value stands and what it is.

    Sources are tried in the order `css`, `json_ld`, `open_graph`, `meta`, `html`, `url`, `seed`,
    `const`, then each of `fallbacks`, until one gives something. `regex` narrows what a source
    gave, `split` parts it, the steps of `clean` follow. A fallback has its own `regex`; its own
    steps come before those of the field. `many` keeps all values.
    """

    fallbacks: tuple[Fallback, ...] = Field((), description="other places to look, in turn")
    type: FieldType = Field("str", description="what the value is; list is many texts")
    many: bool = Field(False, description="keep all values, as a list")
    split: Regex | None = Field(None, description="parts each value; with many or list")
    required: bool = Field(False, description="a page without it is missing_field")
    locale: str | None = Field(None, description="how it is written here; else the rule's")
    timezone: str | None = Field(None, description="of times without one; else the rule's")
    format: str | None = Field(None, description="strptime format of a date or a datetime")
    currency: str | None = Field(None, description="ISO code for amounts that have none")
    pattern: Regex | None = Field(None, description="must match the whole text")
    min: Limit | None = Field(None, description="the least number, amount or date")
    max: Limit | None = Field(None, description="the largest number, amount or date")
    enum: tuple[Choice, ...] | None = Field(None, min_length=1, description="the values allowed")
    min_items: NonNegativeInt | None = Field(None, description="of a list, at least")
    max_items: NonNegativeInt | None = Field(None, description="of a list, at most")

    @property
    def kind(self) -> Kind:
        """The type of each value."""
        return "str" if self.type == "list" else self.type

    @property
    def is_many(self) -> bool:
        """Whether the field is a list."""
        return self.many or self.type == "list"

    @property
    def shape(self) -> str:
        """The type of the whole field, as messages have it: `money list`."""
        return self.kind + (" list" if self.is_many else "")

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """All places to look, in order."""
        found = list(self.places())
        for number, fallback in enumerate(self.fallbacks, 1):
            found += fallback.places(prefix=f"fallback {number}: ", more=self.clean)
        return tuple(found)

    @property
    def is_checked(self) -> bool:
        """Whether a value has to hold more than its type."""
        checks = (self.pattern, self.min, self.max, self.enum)
        return any(check is not None for check in checks)
