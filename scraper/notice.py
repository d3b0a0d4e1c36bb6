"""What a notification says: the words that a template may have, and how they are filled in.

In: a template, which is JSON with `{names}` in it, and the values. Out: JSON. Pure.
"""

import re
import shlex
from collections.abc import Mapping

import orjson

__all__ = ["NOTICE_FIELDS", "check_command", "check_template", "fill_template"]

NOTICE_FIELDS = (
    "crawl", "run_id", "run", "state", "store", "events", "gates", "rows", "ok", "unchanged",
    "skipped", "failed", "items", "added", "changed", "gone", "duration_s",
)  # fmt: skip
_NAME = re.compile(r"\{([A-Za-z_]+)\}")


def fill_template(template: str, values: Mapping[str, object]) -> bytes:
    """Put values in the place of their names: a text so that it may stand between quotes.

    Raises:
        KeyError: a value is missing.
    """

    def value(found: re.Match[str]) -> str:
        text = orjson.dumps(values[found[1]]).decode()
        return text[1:-1] if text.startswith('"') else text

    return _NAME.sub(value, template).encode()


def check_template(text: str) -> str:
    """Check that a template knows its names and gives JSON.

    Raises:
        ValueError: it doesn't.
    """
    for name in _NAME.findall(text):
        if name not in NOTICE_FIELDS:
            raise ValueError(f"there is no {{{name}}}; valid: {', '.join(NOTICE_FIELDS)}")
    try:
        orjson.loads(fill_template(text, dict.fromkeys(NOTICE_FIELDS, 0)))
    except ValueError as error:
        raise ValueError(f"gives no JSON: {error}") from error
    return text


def check_command(text: str) -> str:
    """Check that a command can be split into words; no shell will see it.

    Raises:
        ValueError: it can't, or it has none.
    """
    if not shlex.split(text):
        raise ValueError("names no command")
    return text
