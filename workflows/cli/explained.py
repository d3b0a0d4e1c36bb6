"""What `scraper try` prints of an explanation: one screen of text, or a JSON object.

Whatever came from a page is written as JSON is, so that nothing in it can play with a terminal.
"""

from dataclasses import asdict
from pathlib import Path

import orjson

from scraper.explain import Explanation, RobotsVerdict
from scraper.extract.found import Found
from workflows.cli.told import one_line

__all__ = ["explanation_json", "explanation_text"]

_VALUE_CHARACTERS = 60
_ITEMS = 3
_WORDS = {True: "allowed", False: "forbidden", None: "unknown"}


def explanation_text(
    found: Explanation, *, crawl_file: str | None = None, saved: Path | None = None
) -> str:
    """An explanation for people: how it ended first, then what led there, in its order."""
    outcome = found.outcome
    detail = f": {one_line(outcome.detail)}" if outcome.detail else ""
    lines = [f"{outcome.status}: {outcome.reason}{detail}  ({one_line(outcome.url)})"]
    lines += _labelled("robots", [_robots(verdict) for verdict in found.robots])
    lines += _labelled("asked", [_step(found, place) for place in range(len(found.steps))])
    if outcome.attempts > 1:
        lines += _labelled("", [f"the last of {outcome.attempts} attempts"])
    if found.page is not None:
        kind = one_line(outcome.content_type or "no Content-Type")
        lines += _labelled("page", [f"{kind}, {outcome.bytes or 0:,} bytes decoded"])
        lines += _labelled("charset", [_charset(found)])
        lines += _labelled("rule", [_rule(found, crawl_file)])
        count = f"{outcome.items} item" + "s" * (outcome.items != 1)
        lines += _labelled("parsed", [f"{count} in {found.parse_s * 1000:.1f} ms"])
    lines += _items(found)
    if saved is not None:
        lines += _labelled("saved", [f"{saved} and its .html"])
    return "\n".join(lines)


def explanation_json(
    found: Explanation, *, crawl_file: str | None = None, saved: Path | None = None
) -> str:
    """The same for machines, values whole."""
    outcome, choice = found.outcome, found.rule
    rule = choice.rule if choice is not None else None
    about = {
        "url": outcome.url,
        "final_url": outcome.final_url,
        "status": outcome.status,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "http_status": outcome.http_status,
        "attempts": outcome.attempts,
        "robots": [asdict(verdict) for verdict in found.robots],
        "steps": [asdict(step) for step in found.steps],
        "content_type": outcome.content_type,
        "bytes": outcome.bytes,
        "charset": outcome.charset,
        "charset_why": found.charset,
        "crawl_file": crawl_file,
        "rule": rule.name if rule is not None else None,
        "rule_why": choice.why if choice is not None else None,
        "items": [{name: one._asdict() for name, one in item.items()} for item in found.found],
        "parse_s": found.parse_s,
        "fixture": str(saved) if saved is not None else None,
    }
    return orjson.dumps(about, option=orjson.OPT_INDENT_2).decode()


def _labelled(label: str, lines: list[str]) -> list[str]:
    return [f"{label if place == 0 else '':<8} {line}" for place, line in enumerate(lines)]


def _robots(verdict: RobotsVerdict) -> str:
    delay = f", Crawl-delay {verdict.crawl_delay_s:g} s" if verdict.crawl_delay_s else ""
    return f"{_WORDS[verdict.allowed]}: {one_line(verdict.why)}{delay}  ({one_line(verdict.url)})"


def _step(found: Explanation, place: int) -> str:
    step = found.steps[place]
    return (
        f"{step.http_status}  {step.elapsed_s * 1000:,.0f} ms  {step.bytes:,} bytes  "
        f"{step.ip or 'address unknown'}  {one_line(step.url)}"
    )


def _charset(found: Explanation) -> str:
    return f"{found.outcome.charset or 'none'}: {one_line(found.charset or '')}"


def _rule(found: Explanation, crawl_file: str | None) -> str:
    choice = found.rule
    assert choice is not None
    place = f" of {crawl_file}" if crawl_file else ""
    if choice.rule is None:
        return f"none{place}: {one_line(choice.why)}; the generic fields are taken"
    return f"{choice.rule.name}{place}: {choice.why}"


def _items(found: Explanation) -> list[str]:
    lines: list[str] = []
    names = [name for item in found.found[:_ITEMS] for name in item]
    width = max(map(len, names), default=0)
    for place, item in enumerate(found.found[:_ITEMS], 1):
        if len(found.found) > 1:
            lines.append(f"item {place} of {len(found.found)}")
        lines += [f"  {name:<{width}}  {_found(one)}" for name, one in item.items()]
    return lines


def _found(found: Found) -> str:
    if found.error is not None:
        return f"{one_line(found.error)}"
    if found.source is None:
        return "nothing gave a value"
    # JSON leaves the controls above ASCII as they are.
    text = one_line(orjson.dumps(found.value).decode())
    cut = text if len(text) <= _VALUE_CHARACTERS else text[: _VALUE_CHARACTERS - 1] + "…"
    return f"{cut:<{_VALUE_CHARACTERS}}  {found.source}"
