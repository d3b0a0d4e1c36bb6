"""The rules of one robots.txt: whether a URL may be asked, and which line says so.

In: the text, our product token. Out: verdicts, the wished delay in seconds, the deciding line.
At most 1 MiB is read. Protego judges, behind one small class that reads groups as RFC 9309 does.
No errors.

Source: RFC 9309, section 2.2 (groups, matching): the longest match in octets wins, of equally
long ones the allowing one.
"""

import re
from functools import reduce
from typing import NamedTuple

from protego import Protego

from scraper.fetch.decoding import decode_prefix
from scraper.models import RobotsAnswer

__all__ = ["MAX_ROBOTS_BYTES", "RobotsRules"]

MAX_ROBOTS_BYTES = 1_048_576
_RULE_LINE = re.compile(r"^\s*(user-?agent|allow|disallow)\s*:", re.IGNORECASE)
_AGENT_LINE = re.compile(r"^\s*user-?agent\s*:\s*(\*(?=\s|#|$)|[a-z_-]*)", re.IGNORECASE)


class RobotsRules:
    """The rules of one robots.txt for our product token."""

    def __init__(self, text: str, token: str) -> None:
        lines = [_named(line, token) for line in text.splitlines()]
        # Protego ends a group at a line it doesn't know (Crawl-delay, Sitemap); RFC 9309 doesn't.
        rules = "\n".join(line for line in lines if _RULE_LINE.match(line))
        self._rules, self._text, self._token = Protego.parse(rules), text, token
        self.crawl_delay_s = Protego.parse("\n".join(lines)).crawl_delay(token) or 0.0

    @classmethod
    def from_answer(cls, answer: RobotsAnswer, token: str) -> "RobotsRules":
        """Read an answer's body; one that can't be decoded holds no rules."""
        body = decode_prefix(answer.body, answer.content_encoding, MAX_ROBOTS_BYTES)
        return cls(body.decode("utf-8-sig", "replace"), token)

    def allows(self, url: str) -> bool:
        """Whether the longest matching rule allows a URL. Raises: nothing."""
        return bool(self._rules.can_fetch(url, self._token))

    def deciding_line(self, url: str) -> tuple[int, str] | None:
        """The number (from 1) and the text of the line that decides about a URL, for people.

        None: no rule matches, so it is allowed. Slow: every rule is tried by itself.

        Raises: nothing.
        """
        if _allows(url, "Disallow: /"):
            # No rule holds for robots.txt itself.
            return None
        kind = "allow" if self.allows(url) else "disallow"
        rules = _rules_for(self._text, self._token)
        matching = [rule for rule in rules if rule.kind == kind and _matches(rule, url)]
        if not matching:
            return None
        longest = reduce(lambda one, other: other if _is_longer(other, one, url) else one, matching)
        return longest.number, longest.text


class _Rule(NamedTuple):
    number: int
    text: str
    kind: str
    pattern: str


def _named(line: str, token: str) -> str:
    """A group's name as RFC 9309 has it: protego takes the first letters of ours for ours."""
    found = _AGENT_LINE.match(line)
    if found is None:
        return line
    return f"User-agent: {found[1] if found[1].lower() in {'*', token.lower()} else '!'}"


def _rules_for(text: str, token: str) -> list[_Rule]:
    """The rules of the groups that hold for us: those that name us, else those of all."""
    named: dict[str, list[_Rule]] = {}
    agents: set[str] = set()
    is_in_names = False
    for number, line in enumerate(text.splitlines(), 1):
        found = _RULE_LINE.match(line)
        if found is None:
            continue
        kind, value = found[1].lower(), _value(_named(line, token))
        if "agent" in kind:
            agents = {*agents, value.lower()} if is_in_names else {value.lower()}
            named.setdefault(value.lower(), [])
        elif value:
            for agent in agents:
                named[agent].append(_Rule(number, line.strip(), kind, value))
        is_in_names = "agent" in kind
    return named.get(token.lower(), named.get("*", []))


def _value(line: str) -> str:
    return line.partition("#")[0].partition(":")[2].strip()


def _matches(rule: _Rule, url: str) -> bool:
    """Whether a rule, alone in a robots.txt that has the opposite for everything, decides."""
    if rule.kind == "disallow":
        return not _allows(url, f"Disallow: {rule.pattern}")
    return _allows(url, "Disallow: /", f"Allow: {rule.pattern}")


def _is_longer(rule: _Rule, other: _Rule, url: str) -> bool:
    """Whether a rule beats another one: of equally long ones allowing would win."""
    return not _allows(url, f"Disallow: {rule.pattern}", f"Allow: {other.pattern}")


def _allows(url: str, *rules: str) -> bool:
    return bool(Protego.parse("\n".join(["User-agent: *", *rules])).can_fetch(url, "any"))
