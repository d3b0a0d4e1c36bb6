"""A page's final URL and the rules of a crawl → the one rule that covers it, and why.

The longest matching host name wins. Of its rules the first one whose `url` matches is taken, else
the one without `url`; if none of them fits, shorter names are tried. Pure, no errors.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from scraper.rules.site import SiteRule
from scraper.settings import host_names
from scraper.urls import host_of

__all__ = ["RuleChoice", "rule_choice", "rule_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChoice:
    """A rule, or none, and why: `host example.org, url '/product/'`."""

    rule: SiteRule | None
    why: str


def rule_choice(url: str, rules: Iterable[SiteRule]) -> RuleChoice:
    """Choose the rule for a page by its final URL, and say why. Raises: nothing."""
    rules = list(rules)
    host = host_of(url)
    passed: list[str] = []
    for name in host_names(host):
        covering = [rule for rule in rules if name in rule.hosts]
        for rule in covering:
            if rule.url is not None and re.search(rule.url, url) is not None:
                return RuleChoice(rule=rule, why=f"host {name}, url '{rule.url}'")
        for rule in covering:
            if rule.url is None:
                return RuleChoice(rule=rule, why=f"host {name}")
        passed += [f"url '{rule.url}' of rule {rule.name} does not match" for rule in covering]
    return RuleChoice(rule=None, why="; ".join(passed) or f"no rule covers the host {host!r}")


def rule_for(url: str, rules: Collection[SiteRule]) -> SiteRule | None:
    """The rule that covers a page, by its final URL in WHATWG's form. Raises: nothing."""
    return rule_choice(url, rules).rule if rules else None
