"""Each step on a text, and steps after one another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.extract.clean import cleaned
from scraper.rules import CleanTable, FieldRule

STEPS = {
    "lower": (["lower"], "ÄB c", "äb c"),
    "upper": (["upper"], "äb ß", "ÄB SS"),
    "unescape": (["unescape"], "a &amp; b&nbsp;&#8364;", "a & b €"),
    "strip_tags": (["strip_tags"], "a <b>c</b><br>d <script>x</script>", "a c d"),
    "no_tags": (["strip_tags"], "1 & 2", "1 & 2"),
    "unescaped_tags": (["unescape", "strip_tags"], "&lt;p&gt;a&lt;/p&gt;", "a"),
    "tags_before_unescaping": (["strip_tags", "unescape"], "&lt;p&gt;", "<p>"),
    "remove": ([{"remove": r"\(.*?\)"}], "a (b) c (d)", "a c"),
    "replace": ([{"replace": "[\u2013\u2014]", "by": "-"}], "1\u20132\u20143", "1-2-3"),
    "replace_with_a_group": ([{"replace": r"(\w+), (\w+)", "by": r"\2 \1"}], "Doe, Ann", "Ann Doe"),
    "replace_by_nothing": ([{"replace": "a", "by": ""}], "banana", "bnn"),
    "strip": ([{"strip": "-: "}], ": - a-b -", "a-b"),
    "map": ([{"map": {"Neu": "new", "Alt": "old"}}], "Alt", "old"),
    "map_leaves_others": ([{"map": {"Neu": "new"}}], "Neuer", "Neuer"),
    "map_of_a_trimmed_value": ([{"remove": "x"}, {"map": {"a": "b"}}], "x a", "b"),
    "in_order": (["upper", {"map": {"A": "b"}}, {"replace": "b", "by": "c"}], "a", "c"),
    "white_space_is_collapsed": ([], " a \n b ", "a b"),
}


@pytest.mark.parametrize(("steps", "text", "expected"), STEPS.values(), ids=STEPS.keys())
def test_a_text_is_cleaned(steps, text, expected):
    assert cleaned(text, FieldRule(css="a", clean=steps).clean) == expected


def test_steps_are_words_and_tables():
    steps = FieldRule(css="a", clean=["lower", {"strip": "x"}]).clean
    assert steps == ("lower", CleanTable(strip="x"))


@given(
    st.text(max_size=30), st.lists(st.sampled_from(["lower", "upper", "unescape", "strip_tags"]))
)
def test_no_text_raises(text, steps):
    result = cleaned(text, steps)
    assert result == " ".join(result.split())
