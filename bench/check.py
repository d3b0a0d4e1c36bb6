"""Whether two tools took the same from the same pages.

In: their rows. Out: what differs, in words. Compared are, for every URL of the list: title,
description, canonical, language, first heading, the links in their order, Open Graph, JSON-LD,
and the text, but for its white space (tools differ in where they put a space between elements).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator

__all__ = ["Fingerprints", "differences", "fingerprints"]

_PLAIN = ("title", "description", "canonical_url", "lang", "h1")
_SHOWN = 5

Fingerprints = dict[str, dict[str, object]]


def fingerprints(rows: Iterable[dict[str, object]]) -> Fingerprints:
    """What is compared of each row, by URL; a URL that comes twice is marked."""
    found: Fingerprints = {}
    for row in rows:
        url = str(row["url"])
        found[url] = {"comes twice": True} if url in found else _fingerprint(row)
    return found


def differences(expected: Fingerprints, found: Fingerprints) -> list[str]:
    """The first few differences; none if there are none."""
    return [line for line, _ in zip(_differences(expected, found), range(_SHOWN), strict=False)]


def _differences(expected: Fingerprints, found: Fingerprints) -> Iterator[str]:
    for url in sorted(expected.keys() ^ found.keys()):
        yield f"{url}: {'missing' if url in expected else 'not on the list'}"
    for url in sorted(expected.keys() & found.keys()):
        for key, value in expected[url].items():
            if found[url].get(key) != value:
                yield f"{url}: {key}: {found[url].get(key)!r}, not {value!r}"


def _fingerprint(row: dict[str, object]) -> dict[str, object]:
    links = row["links"]
    assert isinstance(links, list)
    plain = {key: row.get(key) for key in _PLAIN}
    return plain | {
        "links": len(links),
        "links' hash": _hash("\n".join(links)),
        "open_graph": _canonical(row["open_graph"]),
        "json_ld": _canonical(row["json_ld"]),
        "text's hash": _hash("".join(str(row["text"]).split())),
    }


def _canonical(value: object) -> str:
    """JSON, given as text or as what it means, as one text."""
    return json.dumps(json.loads(value) if isinstance(value, str) else value, sort_keys=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
