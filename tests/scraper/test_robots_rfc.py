import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.robots_rules import MAX_ROBOTS_BYTES, RobotsRules
from tests.scraper.robots_answers import TOKEN, answer_of
from tests.scraper.robots_cases import ALL, SECTIONS

CASES = {
    f"{section} {name}": case for section, cases in SECTIONS.items() for name, case in cases.items()
}


@pytest.mark.parametrize(("text", "path", "allowed"), CASES.values(), ids=CASES)
def test_what_the_rfc_says(text, path, allowed):
    rules = RobotsRules.from_answer(answer_of(text.encode()), TOKEN)

    assert rules.allows(f"http://a.test{path}") is allowed


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_another_charset_still_forbids(charset):
    bom = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(charset, b"")
    body = bom + "User-agent: *\nDisallow: /ツ".encode(charset)

    assert not RobotsRules.from_answer(answer_of(body), TOKEN).allows("http://a.test/%E3%83%84")


def test_section_2_5_limits_half_a_mebibyte_is_parsed():
    body = ALL.encode() + b"Disallow: /y\n" * (500 * 1024 // 13) + b"Disallow: /x"

    assert len(body) > 500 * 1024
    assert not RobotsRules.from_answer(answer_of(body), TOKEN).allows("http://a.test/x")


@pytest.mark.parametrize(("cut", "allowed"), [("Allow: /x/", False), ("Disallow: /x", True)])
def test_section_2_5_limits_a_line_that_is_cut_is_no_line(cut, allowed):
    """Of `Allow: /x/index.html`, cut, there would be left a rule that allows too much."""
    head = f"{ALL}Disallow: /x\n".encode() if cut.startswith("Allow") else ALL.encode()
    filler = b"#" * (MAX_ROBOTS_BYTES - len(head) - len(cut) - 1) + b"\n"
    body = head + filler + cut.encode() + b"index.html\n"
    rules = RobotsRules.from_answer(answer_of(body), TOKEN)

    assert rules.allows("http://a.test/x/y") is allowed


def test_no_pattern_takes_long():
    """With backtracking this one would outlive the sun."""
    text = f"{ALL}Disallow: /{'*a' * 30_000}b\nDisallow: /{'*' * 500_000}$x"
    rules = RobotsRules(text, TOKEN)

    assert rules.allows(f"http://a.test/{'a' * 8_000}")


def naive(pattern: str, path: str) -> bool:
    """Matching as the RFC's words have it: try every way."""
    if pattern in {"", "$"}:
        return pattern == "" or path == ""
    if pattern[0] == "*":
        return any(naive(pattern[1:], path[place:]) for place in range(len(path) + 1))
    return path[:1] == pattern[0] and naive(pattern[1:], path[1:])


def naive_verdict(rules: list[tuple[bool, str]], path: str) -> bool:
    matching = [(len(pattern), allows) for allows, pattern in rules if naive(pattern, path)]
    return max(matching)[1] if matching else True


PATTERNS = st.from_regex(r"/(?:[ab/]|\*(?!\*)){0,6}\$?", fullmatch=True)
RULES = st.lists(st.tuples(st.booleans(), PATTERNS), max_size=5)


@settings(max_examples=600, deadline=None)
@given(RULES, st.text("ab/", max_size=8))
def test_any_rules_mean_what_trying_every_way_finds(rules, rest):
    lines = [f"{'Allow' if allows else 'Disallow'}: {pattern}" for allows, pattern in rules]
    told = RobotsRules(ALL + "\n".join(lines), TOKEN)

    assert told.allows(f"http://a.test/{rest}") is naive_verdict(rules, f"/{rest}")


@settings(max_examples=200, deadline=None)
@given(RULES, st.text("ab/", max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_rules_means_nothing(rules, rest, chance: random.Random):
    lines = [f"{'Allow' if allows else 'Disallow'}: {pattern}" for allows, pattern in rules]
    shuffled = chance.sample(lines, len(lines))
    verdicts = {
        RobotsRules(ALL + "\n".join(some), TOKEN).allows(f"http://a.test/{rest}")
        for some in (lines, shuffled)
    }
    assert len(verdicts) == 1


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.text(max_size=10))
def test_any_bytes_are_rules_of_some_kind(body, path):
    rules = RobotsRules.from_answer(answer_of(b"User-agent: *\n" + body), TOKEN)

    assert rules.allows(f"http://a.test/{path}") in {True, False}
