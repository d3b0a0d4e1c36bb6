"""A page → its JSON-LD blocks, and the values at a path in them.

Each block is read on its own: strictly first, then repaired (comments, trailing commas, single
quotes, raw line breaks, CDATA). One that is beyond repair costs itself only. Blocks are objects
or lists that can be written as JSON again; a lone scalar says nothing. No errors.

Source: JSON-LD 1.1, "Embedding JSON-LD in HTML documents".
"""

import html
import json
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import chompjs
import orjson
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.text import without_surrogates

__all__ = ["JsonScalar", "JsonValue", "json_ld_blocks", "json_ld_values"]

JsonScalar: TypeAlias = str | int | float | bool
JsonValue: TypeAlias = "JsonScalar | list[JsonValue] | dict[str, JsonValue] | None"

_MAX_BRACKETS_UNCHECKED = 200
_AROUND_CDATA = " \t\r\n/*"


def json_ld_blocks(tree: LexborHTMLParser) -> list[JsonValue]:
    """All blocks that can be read, in document order. Raises: nothing."""
    blocks: list[JsonValue] = []
    for node in tree.css('script[type*="ld+json" i]'):
        kind = (node.attributes.get("type") or "").partition(";")[0]
        if kind.strip().lower() == "application/ld+json":
            block = _block(node.text())
            if isinstance(block, dict | list):
                blocks.append(block)
    return blocks


def json_ld_values(blocks: Iterable[JsonValue], path: str) -> list[JsonScalar]:
    """The scalars at a dotted path (`offers.price`), in document order. Raises: nothing.

    The path starts at each top-level object: a block, the members of a list, the members of
    `@graph`. Lists on the way are walked.
    """
    names = path.split(".")
    return [value for block in blocks for top in _tops(block) for value in _walk(top, names)]


def _block(text: str) -> JsonValue:
    try:
        value: JsonValue = orjson.loads(text)
    except ValueError:
        value = _repaired(text)
    brackets = text.count("[") + text.count("{")
    return value if brackets <= _MAX_BRACKETS_UNCHECKED or _can_be_written(value) else None


def _repaired(text: str) -> JsonValue:
    if '"' not in text and "&quot;" in text:
        text = html.unescape(text)
    inner = text.strip(_AROUND_CDATA)
    if inner.startswith("<![CDATA["):
        text = inner[9:].removesuffix("]]>").strip(_AROUND_CDATA)
    try:
        loaded: JsonValue = chompjs.parse_js_object(
            text, loader_kwargs={"strict": False, "parse_constant": lambda _: None}
        )
        # The second reading makes of it what orjson can write: no surrogates, no huge integers.
        plain = json.dumps(loaded, ensure_ascii=False, allow_nan=False)
        value: JsonValue = orjson.loads(without_surrogates(plain))
    except (ValueError, RecursionError):
        return None
    return value


def _can_be_written(value: JsonValue) -> bool:
    """Whether it nests no deeper than orjson writes, with a list around it."""
    try:
        orjson.dumps([value])
    except orjson.JSONEncodeError:
        return False
    return True


def _tops(block: JsonValue) -> Iterator[dict[str, JsonValue]]:
    if isinstance(block, list):
        for member in block:
            yield from _tops(member)
    elif isinstance(block, dict):
        yield block
        yield from _tops(block.get("@graph"))


def _walk(value: JsonValue, names: list[str]) -> Iterator[JsonScalar]:
    if isinstance(value, list):
        for member in value:
            yield from _walk(member, names)
    elif isinstance(value, dict):
        if names:
            yield from _walk(value.get(names[0]), names[1:])
    elif value is not None and not names:
        yield value
