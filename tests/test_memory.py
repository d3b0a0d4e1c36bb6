"""Law 4, bounded: memory doesn't grow with the list."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE_KB = 40


def peaks_mb(pages):
    done = subprocess.run(
        [sys.executable, "-m", "tests.memory_of_a_run", str(pages)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    before, after = map(int, done.stdout.split())
    return before, after


def test_memory_does_not_grow_with_the_list():
    few, many = 300, 2500
    (before_few, after_few), (before_many, after_many) = peaks_mb(few), peaks_mb(many)
    held_mb = (many - few) * PAGE_KB / 1000
    assert before_many - before_few < held_mb / 3
    # The tables that publishing makes have a fixed budget, and take it as they need it.
    assert after_many - after_few < held_mb * 1.5


def peak_of_lists_mb(what, rows):
    done = subprocess.run(
        [sys.executable, "-m", "tests.memory_of_lists", what, str(rows)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.parametrize(
    ("what", "many", "at_most_mb"),
    [
        ("plan", 150_000, 120),
        pytest.param("publish", 40_000, 100, marks=pytest.mark.long),
        pytest.param("plan-again", 40_000, 100, marks=pytest.mark.long),
        ("publish-again", 40_000, 110),
        pytest.param("publish-again", 1_000_000, 140, marks=pytest.mark.long),
        pytest.param("plan", 1_000_000, 160, marks=pytest.mark.long),
        pytest.param("publish", 300_000, 100, marks=pytest.mark.long),
    ],
)
def test_planning_and_publishing_hold_a_fixed_amount(what, many, at_most_mb):
    assert peak_of_lists_mb(what, many) - peak_of_lists_mb(what, 2000) < at_most_mb
