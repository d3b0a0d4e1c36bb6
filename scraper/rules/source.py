"""Where a value may come from: the keys of a field that name a place, and the places themselves.

In: a field's table. Out: its `Source`s, in the order in which they are tried, compiled once,
each with the words that say later what gave a value. Values only; what is wrong is told by
pydantic when the table is read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from scraper.rules.clean import CleanStep
from scraper.rules.text import Css, Name, Regex, split_css

__all__ = ["SOURCES", "Place", "Source", "SourceKind"]

SourceKind = Literal["css", "json_ld", "open_graph", "meta", "html", "url", "seed", "const"]
Scalar: TypeAlias = str | int | float | bool

SOURCES: tuple[SourceKind, ...] = (
    "css", "json_ld", "open_graph", "meta", "html", "url", "seed", "const",
)  # fmt: skip
"""In the order in which they are tried."""

_WORDS = {
    "css": "css '{}'",
    "json_ld": "json_ld {}",
    "open_graph": "open_graph {}",
    "meta": "meta {}",
    "html": "html '{}'",
    "url": "url '{}'",
    "seed": "seed column {}",
    "const": "const",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place to look for a value.

    `argument` is the selector, the path, the name in lower case, or the value itself; `takes` is
    what `split_css` says; `label` is what gave the value, in a few words.
    """

    kind: SourceKind
    argument: Scalar
    takes: str | None = None
    pattern: re.Pattern[str] | None = None
    regex: re.Pattern[str] | None = None
    clean: tuple[CleanStep, ...] = ()
    label: str = ""


def _const(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str | int | float):
        raise ValueError("a text, a number, true, false or a date")
    return value


class Place(BaseModel):
    """The keys that say where a value stands, and how it is cut out of what stands there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    css: Css | None = Field(
        None, description="CSS selector; `::text` or `::attr(name)` may stand at its end"
    )
    attr: Name | None = Field(None, description="the attribute that css is to give")
    json_ld: Name | None = Field(None, description="dotted path in the page's JSON-LD")
    open_graph: Name | None = Field(None, description="Open Graph property; og: may be left out")
    meta: Name | None = Field(None, description="name, property or itemprop of a <meta>")
    html: Regex | None = Field(None, description="expression searched in the page's source text")
    url: Regex | None = Field(None, description="expression searched in the page's final URL")
    seed: Name | None = Field(None, description="a column of the list, by its name there")
    const: Annotated[Scalar, BeforeValidator(_const)] | None = Field(
        None, description="the value itself"
    )
    regex: Regex | None = Field(None, description="keeps its first group, or the whole match")
    clean: tuple[CleanStep, ...] = Field((), description="steps on the text before it is typed")

    @model_validator(mode="after")
    def _attr_has_a_selector(self) -> "Place":
        if self.attr is not None and self.css is None:
            raise ValueError("attr needs css")
        if self.attr is not None and split_css(self.css or "")[1] is not None:
            raise ValueError("attr and the :: in css say the same: leave one of them out")
        return self

    def named(self) -> tuple[SourceKind, ...]:
        """The kinds of source that are given. Raises: nothing."""
        return tuple(kind for kind in SOURCES if getattr(self, kind) is not None)

    def places(self, *, prefix: str = "", more: tuple[CleanStep, ...] = ()) -> Iterator[Source]:
        """The sources, compiled; `more` are steps that follow those of this table."""
        for kind in self.named():
            argument, takes = getattr(self, kind), None
            label = _WORDS[kind].format(argument)
            if kind == "css":
                argument, takes = split_css(argument)
                if self.attr is not None:
                    takes, label = self.attr, f"{label} attr {self.attr}"
            yield Source(
                kind=kind,
                argument=_folded(argument) if kind in _FOLDED else argument,
                takes=takes,
                pattern=re.compile(argument) if kind in {"html", "url"} else None,
                regex=re.compile(self.regex) if self.regex is not None else None,
                clean=(*self.clean, *more),
                label=prefix + label,
            )


_FOLDED = {"open_graph", "meta", "seed"}


def _folded(name: str) -> str:
    return name.strip().lower()
