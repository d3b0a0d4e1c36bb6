"""The steps that clean a text before it is typed: words, and tables of one step each.

Data only; they are taken by `scraper.extract.clean`. A wrong one is pydantic's `ValidationError`.
"""

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from scraper.rules.text import Name, Regex, WrongKey

__all__ = ["TAGS", "CleanStep", "CleanTable", "CleanWord"]

CleanWord = Literal["lower", "upper", "unescape", "strip_tags"]

TAGS = ("[word]", "[table]")
"""How pydantic calls the two kinds of a step in the path of an error."""


class CleanTable(BaseModel):
    """One step with an argument: exactly one of `remove`, `replace`, `strip`, `map`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    remove: Regex | None = Field(None, description="drop what this expression matches")
    replace: Regex | None = Field(None, description="put `by` where this expression matches")
    by: str | None = Field(None, description=r"what `replace` puts there; \1 is the first group")
    strip: Name | None = Field(None, description="drop these characters at both ends")
    map: dict[str, str] | None = Field(None, description="whole values and what they become")

    @model_validator(mode="after")
    def _is_one_step(self) -> "CleanTable":
        steps = [self.remove, self.replace, self.strip, self.map]
        if sum(step is not None for step in steps) != 1:
            raise ValueError("needs exactly one of remove, replace, strip and map")
        if (self.by is None) != (self.replace is None):
            raise ValueError("replace and by need each other")
        if self.replace is not None and self.by is not None:
            try:
                re.sub(self.replace, self.by, "")
            except (re.error, IndexError) as error:
                raise WrongKey("by", f"{self.by!r} can't be put there: {error}") from error
        return self


def _tag(step: object) -> str:
    return TAGS[0] if isinstance(step, str) else TAGS[1]


CleanStep: TypeAlias = Annotated[
    Annotated[CleanWord, Tag(TAGS[0])] | Annotated[CleanTable, Tag(TAGS[1])], Discriminator(_tag)
]
