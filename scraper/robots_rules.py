"""The rules of one robots.txt: whether a URL may be asked, and which line says so.

In: the text, our product token. Out: verdicts, the wished delay in seconds, the deciding line.
At most 1 MiB is read. No errors: what can't be understood is passed over, unless it may forbid:
a misspelt `Disallow`, one without its colon or first slash, one that is a whole URL counts.
A line that allows must be right to the letter. No pattern costs more than the length of the URL.

Source: RFC 9309, section 2.2 (groups, matching): the longest match in octets wins, of equally
long ones the allowing one; the misspellings are those that Google's parser and Protego know.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from scraper.fetch.decoding import decode_prefix
from scraper.models import RobotsAnswer
from scraper.urls import parse_url

__all__ = ["MAX_ROBOTS_BYTES", "RobotsRules"]

MAX_ROBOTS_BYTES = 1_048_576

_LINE_END = re.compile(r"\r\n|\r|\n")
_RECORD = re.compile(
    r"\s*(?:(?P<agent>user[ -]?agent)|(?P<allow>allow)|(?P<delay>crawl[ -]?delay)"
    r"|(?P<disallow>disallow|dissallow|dissalow|disalow|diasllow|disallaw))"
    r"(?:\s*:\s*(?P<value>.*?)|\s+(?P<word>\S+)|)\s*",
    re.IGNORECASE,
)
_AGENT = re.compile(r"\*(?=\s|$)|[a-z_-]*", re.IGNORECASE)
_SECONDS = re.compile(r"\d{1,9}(\.\d*)?|\.\d+", re.ASCII)
_WHOLE_URL = re.compile(r"https?://", re.IGNORECASE)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_AS_THEY_ARE = "%!&'()+,/:;=?@[]~#"
_NO_MARKS = dict.fromkeys(map(ord, "\0\ufeff\u200b"))
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class _Rule(NamedTuple):
    number: int
    text: str
    allows: bool
    pattern: str


class _Record(NamedTuple):
    number: int
    text: str
    kind: str
    value: str


class RobotsRules:
    """The rules of one robots.txt for our product token.

    Args:
        text: the file's.
        token: ours; of several groups that name it all count, else those for `*`.
        domain: the registrable one of the file's host: a whole URL of another one forbids nothing.
    """

    def __init__(self, text: str, token: str, *, domain: str = "") -> None:
        rules: dict[str, list[_Rule]] = {}
        delays_s: dict[str, float] = {}
        agents: list[str] = []
        is_in_names = False
        for record in _records(text):
            if record.kind == "agent":
                agents = [*agents, _agent(record.value)] if is_in_names else [_agent(record.value)]
                rules.setdefault(agents[-1], [])
            for agent in agents:
                if record.kind == "delay":
                    delays_s[agent] = max(delays_s.get(agent, 0.0), _seconds(record.value))
                elif record.kind != "agent":
                    rules[agent] += _rules(record, domain)
            # A delay isn't RFC 9309's: such a line ends no row of names.
            is_in_names = record.kind == "agent" or (is_in_names and record.kind == "delay")
        ours = token.lower() if token.lower() in rules else "*"
        self._rules, self.crawl_delay_s = rules.get(ours, []), delays_s.get(ours, 0.0)

    @classmethod
    def from_answer(cls, answer: RobotsAnswer, token: str) -> "RobotsRules":
        """Read an answer's body; one that can't be decoded holds no rules."""
        body = decode_prefix(answer.body, answer.content_encoding, MAX_ROBOTS_BYTES)
        if len(body) == MAX_ROBOTS_BYTES:
            # Of the last line a part may be missing: a cut rule would be another one.
            body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
        charset = "utf-16" if body.startswith(_UTF_16) else "utf-8"
        origin = parse_url(answer.origin)
        return cls(body.decode(charset, "replace"), token, domain=origin.domain if origin else "")

    def allows(self, url: str) -> bool:
        """Whether the longest matching rule allows a URL, in WHATWG form. Raises: nothing."""
        rule = self._deciding(url)
        return rule is None or rule.allows

    def deciding_line(self, url: str) -> tuple[int, str] | None:
        """The number (from 1) and the text of the line that decides about a URL, for people.

        None: no rule matches, so it is allowed.

        Raises: nothing.
        """
        rule = self._deciding(url)
        return None if rule is None else (rule.number, rule.text)

    def _deciding(self, url: str) -> _Rule | None:
        path = "/" + url.partition("#")[0].partition("://")[2].partition("/")[2]
        if path == "/robots.txt":
            # No rule holds for robots.txt itself.
            return None
        path = _normal(path).replace("*", "%2A").replace("$", "%24")
        matching = (rule for rule in self._rules if _matches(rule.pattern, path))
        return max(matching, key=lambda rule: (len(rule.pattern), rule.allows), default=None)


def _records(text: str) -> Iterator[_Record]:
    """The lines that mean something to us; no other line ends a group or a row of names."""
    for number, line in enumerate(_LINE_END.split(text.translate(_NO_MARKS)), 1):
        found = _RECORD.fullmatch(line.partition("#")[0])
        if found is not None:
            kind = next(name for name in ("agent", "allow", "delay", "disallow") if found[name])
            yield _Record(number, line.strip(), kind, found["value"] or found["word"] or "")


def _agent(value: str) -> str:
    """A group's name: its product token, in lower case; empty for one that is none."""
    found = _AGENT.match(value)
    return found[0].lower() if found else ""


def _seconds(value: str) -> float:
    return float(value) if _SECONDS.fullmatch(value) else 0.0


def _rules(record: _Record, domain: str) -> Iterator[_Rule]:
    """A line's rule, if it is one."""
    allows, value = record.kind == "allow", record.value
    if not allows and _WHOLE_URL.match(value):
        url = parse_url(value)
        is_ours = url is not None and domain in {"", url.domain}
        value = "/" + value.partition("://")[2].partition("/")[2] if is_ours else ""
    if value and value[0] not in "/*":
        value = "" if allows or value == "$" else f"/{value}"
    if value:
        yield _Rule(record.number, record.text, allows, _pattern(value))


def _pattern(value: str) -> str:
    """A pattern in the normal form of paths; a `$` that isn't its end stands for itself."""
    body, end = (value[:-1], "$") if value.endswith("$") else (value, "")
    return re.sub(r"\*+", "*", _normal(body).replace("$", "%24")) + end


def _normal(path: str) -> str:
    """RFC 9309, section 2.2.2: all encoded that isn't plain, nothing that needn't be."""

    def plain(found: re.Match[str]) -> str:
        character = chr(int(found[1], 16))
        return character if character in _UNRESERVED else found[0].upper()

    return _ESCAPE.sub(plain, quote(path, safe=_AS_THEY_ARE + "*$", errors="replace"))


def _matches(pattern: str, path: str) -> bool:
    """Whether a path begins as a pattern says; in one pass, since each `*` may take least."""
    is_whole = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not others:
        return not is_whole or path == first
    place = len(first)
    *middle, last = others
    for piece in middle:
        found = path.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    if is_whole:
        return path.endswith(last) and len(path) - len(last) >= place
    return path.find(last, place) >= 0
