"""JSON lines: one object a line, its URL under `url`, everything else a column.

Types are kept: text, numbers, booleans, null; lists and objects as they are. A whole number
that 64 bits don't hold becomes text, so that none of its digits is lost. A line that is a JSON
string is a URL without columns. A line that is broken, longer than 1 MiB, nested deeper than
can be written again, or without its URL is a row without a URL.
"""

import json
import math
import re
from collections.abc import Iterator

import orjson

from scraper.seeds.encoding import as_text
from scraper.seeds.rows import EXCERPT_BYTES, URL, RawRow, excerpt, split_url
from scraper.seeds.stream import ListStream

__all__ = ["read_jsonl"]

_LINE_BYTES = 1_048_576
_LONG_NUMBER = re.compile(rb"\d{19}")
_INT64 = range(-(2**63), 2**63)
_INT64_CHARACTERS = 20


def read_jsonl(stream: ListStream, url_column: str | None = None) -> Iterator[RawRow]:
    """Give the rows of a list of JSON lines.

    Args:
        stream: the list.
        url_column: the key of the URL, compared without case; `url` if None.

    Raises:
        ConfigError: the list can't be read to its end.
    """
    for line in stream.lines(cap=_LINE_BYTES):
        data = line.data.strip()
        if not data:
            continue
        text = excerpt(as_text(data[:EXCERPT_BYTES], is_cut=len(data) > EXCERPT_BYTES))
        value = None if line.is_cut else _parse(data)
        if isinstance(value, str):
            yield RawRow(line=line.number, url=value.strip() or None, text=text)
        elif isinstance(value, dict):
            url, columns = split_url(value, url_column or URL)
            yield RawRow(line=line.number, url=url, text=text, columns=columns)
        else:
            yield RawRow(line=line.number, url=None, text=text)


def _parse(data: bytes) -> object:
    """The value of a line; None if it is broken."""
    try:
        value = _exact(data) if _LONG_NUMBER.search(data) else _loaded(data)
        # orjson reads 1,024 levels and writes 254: what it can't write would fail later on.
        orjson.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return None
    return value


def _loaded(data: bytes) -> object:
    value: object
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        text = as_text(data)
        if text.encode() == data:
            raise
        value = orjson.loads(text)
    return value


def _exact(data: bytes) -> object:
    """What orjson gives, but for long whole numbers, of which it makes floats."""
    value: object = json.loads(
        as_text(data), parse_int=_whole_number, parse_float=_finite, parse_constant=_finite
    )
    return value


def _whole_number(digits: str) -> int | str:
    if len(digits) > _INT64_CHARACTERS:
        return digits
    number = int(digits)
    return number if number in _INT64 else digits


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number
