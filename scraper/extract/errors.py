"""What is wrong with one page under its rule. At the edge of the stage they become outcomes.

    ScraperError
    ├── MissingField    a required field has no value
    ├── FieldError      a value doesn't fit its field
    └── ExtractorError  an extractor gave something that is no item

Each text names the rule and the field.
"""

from scraper.errors import ScraperError

__all__ = ["ExtractorError", "FieldError", "MissingField"]

_SHOWN_CHARACTERS = 100


class MissingField(ScraperError):
    """A required field has no value on this page."""

    def __init__(self, rule: str, field: str) -> None:
        super().__init__(rule, field)
        self.rule = rule
        self.field = field

    def __str__(self) -> str:
        return f"rule {self.rule}, field {self.field}: nothing found"


class FieldError(ScraperError):
    """A value doesn't fit its field; `text` is the value, None where it is not one value's."""

    def __init__(self, rule: str, field: str, problem: str, text: str | None = None) -> None:
        super().__init__(rule, field, problem, text)
        self.rule = rule
        self.field = field
        self.problem = problem
        self.text = text

    def __str__(self) -> str:
        value = "" if self.text is None else f"{self.text[:_SHOWN_CHARACTERS]!r} "
        return f"rule {self.rule}, field {self.field}: {value}{self.problem}"


class ExtractorError(ScraperError):
    """An extractor gave something that is no item."""

    def __init__(self, rule: str, extractor: str, problem: str) -> None:
        super().__init__(rule, extractor, problem)
        self.rule = rule
        self.extractor = extractor
        self.problem = problem

    def __str__(self) -> str:
        return f"rule {self.rule}, extractor {self.extractor}: {self.problem}"
