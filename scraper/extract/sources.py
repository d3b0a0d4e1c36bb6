"""One source of a field → the values that stand there, in document order.

CSS sees the item's element, itself included; all other sources see the whole page. Lazy: one
value may be enough. No errors.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from scraper.extract.clean import cleaned
from scraper.extract.document import PageSources
from scraper.extract.json_ld import JsonScalar, json_ld_values
from scraper.extract.text import collapse, visible_text
from scraper.rules import Declared, Source
from scraper.rules.text import OWN_TEXT

__all__ = ["Scope", "source_values"]

Scope = LexborHTMLParser | LexborNode


def source_values(
    source: Source, declared: Declared, scope: Scope, *, page: PageSources
) -> Iterator[JsonScalar]:
    """What a source gives a field: cut, parted and cleaned, nothing empty. Raises: nothing."""
    is_url, split = declared.kind == "url", declared.split
    for value in _READERS[source.kind](source, scope, page):
        kept = value
        if isinstance(value, str):
            # Line breaks inside a URL are dropped by its parser, so they must reach it.
            kept = value.strip() if is_url else collapse(value)
        if source.regex is not None:
            kept = _kept(source.regex.search(str(kept)))
        if split is not None or source.clean:
            yield from _parts(str(kept), split, source)
        elif kept != "":
            yield kept


def _parts(text: str, split: re.Pattern[str] | None, source: Source) -> Iterator[str]:
    for part in split.split(text) if split is not None else [text]:
        # The groups of an expression are among its parts, None where they matched nothing.
        kept = cleaned((part or "").strip(), source.clean)
        if kept:
            yield kept


def _kept(found: re.Match[str] | None) -> str:
    if found is None:
        return ""
    return (found[1] if found.re.groups else found[0]) or ""


def _css(source: Source, scope: Scope, page: PageSources) -> Iterable[str]:
    selector, takes = str(source.argument), source.takes
    nodes = scope.css(selector) if selector else _itself(scope)
    for node in nodes:
        if takes is None:
            yield visible_text(node)
        elif takes == OWN_TEXT:
            yield node.text(deep=False)
        else:
            yield node.attributes.get(takes.lower()) or ""


def _itself(scope: Scope) -> list[LexborNode]:
    node = scope.root if isinstance(scope, LexborHTMLParser) else scope
    return [node] if node is not None else []


def _json_ld(source: Source, scope: Scope, page: PageSources) -> Iterable[JsonScalar]:
    return json_ld_values(page.blocks, str(source.argument))


def _open_graph(source: Source, scope: Scope, page: PageSources) -> Iterable[str]:
    name = str(source.argument)
    wanted = name if ":" in name else f"og:{name}"
    return (meta.content for meta in page.metas if wanted in meta.names)


def _meta(source: Source, scope: Scope, page: PageSources) -> Iterable[str]:
    return (meta.content for meta in page.metas if source.argument in (*meta.names, meta.itemprop))


def _html(source: Source, scope: Scope, page: PageSources) -> Iterable[str]:
    return _matches(source, page.html)


def _url(source: Source, scope: Scope, page: PageSources) -> Iterable[str]:
    return _matches(source, page.url)


def _matches(source: Source, text: str) -> Iterable[str]:
    return map(_kept, source.pattern.finditer(text)) if source.pattern is not None else ()


def _seed(source: Source, scope: Scope, page: PageSources) -> Iterable[JsonScalar]:
    value = page.columns.get(str(source.argument))
    return [value] if isinstance(value, str | int | float | bool) else []


def _const(source: Source, scope: Scope, page: PageSources) -> Iterable[JsonScalar]:
    return [source.argument]


_READERS: dict[str, Callable[[Source, Scope, PageSources], Iterable[JsonScalar]]] = {
    "css": _css,
    "json_ld": _json_ld,
    "open_graph": _open_graph,
    "meta": _meta,
    "html": _html,
    "url": _url,
    "seed": _seed,
    "const": _const,
}
