"""The texts in a rule that must compile: selectors, regular expressions, `module:function`.

Whatever doesn't: `ValueError` that says what to write, which pydantic tells with the key.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

__all__ = ["OWN_TEXT", "Css", "ItemCss", "Name", "Regex", "WrongKey", "split_css"]

OWN_TEXT = "::text"
"""What `split_css` gives for the text of the element itself; no attribute is called so."""

_PSEUDO = re.compile(r"(.*?)\s*::\s*(?:text|attr\(\s*([^\s()\"'>/=]+)\s*\))\s*", re.DOTALL)


class WrongKey(ValueError):
    """Something is wrong at a key below the table that is being checked."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(key, problem)
        self.key = key
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}"


def split_css(text: str) -> tuple[str, str | None]:
    """A selector and what it takes: None the visible text, `OWN_TEXT`, or an attribute's name.

    An empty selector is the item's element itself. Raises: nothing.
    """
    found = _PSEUDO.fullmatch(text)
    if found is None:
        return text, None
    return found[1].strip(), found[2] or OWN_TEXT


def _css(text: str) -> str:
    selector, takes = split_css(text)
    if selector or takes is None:
        _compiled_css(selector, text, "::text or ::attr(name) may stand at its very end only")
    return text


def _item_css(text: str) -> str:
    return _compiled_css(text, text, "an item is an element, without ::text or ::attr(name)")


def _compiled_css(selector: str, shown: str, hint: str) -> str:
    try:
        LexborHTMLParser("").css(selector)
    except SelectolaxError as error:
        more = f": {hint}" if "::" in selector else ""
        raise ValueError(f"{shown!r} is not a CSS selector{more}") from error
    return selector


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error
    return text


Css = Annotated[str, AfterValidator(_css)]
ItemCss = Annotated[str, AfterValidator(_item_css)]
Regex = Annotated[str, AfterValidator(_regex)]
Name = Annotated[str, Field(min_length=1)]
