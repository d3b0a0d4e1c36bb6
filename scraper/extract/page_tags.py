"""What a page itself says about being kept: `X-Robots-Tag` headers, `<meta name="robots">`.

In: a page's headers, its metas, our product token. Out: the words that forbid it, for people.
Those for all robots count, and those for us; `none` is `noindex, nofollow`. No errors.

Source: https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag; `noai` is a
convention (DeviantArt, 2022).
"""

from collections.abc import Iterable

from scraper.extract.metas import Meta

__all__ = ["forbidden_by_headers", "forbidden_by_metas"]

_FORBIDDING = frozenset({"noindex", "none", "noai"})
_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview"})


def forbidden_by_headers(headers: Iterable[tuple[str, str]], token: str) -> str | None:
    """The header that forbids a page, if one does."""
    for name, value in headers:
        if name.lower() == "x-robots-tag" and (word := _in_header(value, token)):
            return f"X-Robots-Tag: {word}"
    return None


def forbidden_by_metas(metas: Iterable[Meta], token: str) -> str | None:
    """The element that forbids a page, if one does."""
    for meta in metas:
        for name in meta.names:
            if name in {"robots", token} and (word := _first(meta.content.split(","))):
                return f'meta name="{name}": {word}'
    return None


def _in_header(value: str, token: str) -> str | None:
    """A name before a colon says for whom what follows is, up to the next name."""
    is_for_us = True
    for part in value.split(","):
        name, colon, rest = (word.strip().lower() for word in part.partition(":"))
        if colon and name not in _WITH_VALUE:
            is_for_us = name in {"*", "robots", token}
        if is_for_us and (word := _first([rest if colon else name])):
            return word
    return None


def _first(words: Iterable[str]) -> str | None:
    return next((word for text in words if (word := text.strip().lower()) in _FORBIDDING), None)
