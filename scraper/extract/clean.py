"""A text and the steps of a rule → the text cleaned, white space collapsed. No errors."""

import html
import re
from collections.abc import Callable, Iterable

from selectolax.lexbor import LexborHTMLParser

from scraper.extract.text import collapse, visible_text
from scraper.rules import CleanStep, CleanTable

__all__ = ["cleaned"]


def cleaned(text: str, steps: Iterable[CleanStep]) -> str:
    """Take the steps in order. Raises: nothing."""
    for step in steps:
        text = _WORDS[step](text) if isinstance(step, str) else _by_table(text, step)
    return collapse(text)


def _by_table(text: str, step: CleanTable) -> str:
    if step.remove is not None:
        return re.sub(step.remove, "", text)
    if step.replace is not None:
        return re.sub(step.replace, step.by or "", text)
    if step.strip is not None:
        return text.strip(step.strip)
    # A step may leave spaces at the ends, where nobody sees that a value differs.
    return (step.map or {}).get(collapse(text), text)


def _without_tags(text: str) -> str:
    body = LexborHTMLParser(text).body if "<" in text else None
    return text if body is None else visible_text(body)


_WORDS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "unescape": html.unescape,
    "strip_tags": _without_tags,
}
