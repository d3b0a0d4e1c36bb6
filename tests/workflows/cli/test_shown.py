import pytest

from scraper.plan.estimate import Estimate, SlowHost
from workflows.cli.shown import duration_text, plan_text

DURATIONS = {
    0: "0.0 s",
    0.26: "0.3 s",
    9.94: "9.9 s",
    9.96: "10 s",
    59.4: "59 s",
    59.6: "1 min",
    61: "1 min 1 s",
    3599.6: "1 h",
    3600 + 59: "1 h",
    7500: "2 h 5 min",
    86_399: "23 h 59 min",
    86_400 * 3 + 4 * 3600 + 59: "3 d 4 h",
    86_400 * 400: "400 d",
}


@pytest.mark.parametrize("seconds", DURATIONS)
def test_a_duration_is_told_in_two_units(seconds):
    assert duration_text(seconds) == DURATIONS[seconds]


def test_a_plan_is_aligned():
    estimate = Estimate(
        rows=1_234_567,
        duplicates=4_567,
        invalid=12,
        hosts=1_000,
        partitions=50,
        batches=1_250,
        seconds_expected=90_061.0,
        bytes_expected=98_765_432_100,
        disk_bytes_expected=12_345_678_900,
        slowest_hosts=(
            SlowHost(host="www.example.org", rows=81_234, seconds=90_061.0),
            SlowHost(host="b.org", rows=7, seconds=7.7),
        ),
    )
    assert plan_text(estimate, "shop/r1") == (
        "1,234,567 rows = 4,567 duplicates + 12 invalid + 1,229,988 to fetch\n"
        "1,000 hosts in 50 partitions, 1,250 batches\n"
        "time expected: 1 d 1 h; decided by\n"
        "  www.example.org     81,234 rows        1 d 1 h\n"
        "  b.org                    7 rows          7.7 s\n"
        "bytes expected: 98,765.4 MB, as in shop/r1\n"
        "local disk expected: at most 12,346 MB, beside the store"
    )


def test_rows_that_are_not_due_are_told_apart():
    estimate = Estimate(
        rows=9,
        duplicates=1,
        invalid=1,
        hosts=1,
        partitions=1,
        batches=1,
        seconds_expected=0.0,
        bytes_expected=None,
        disk_bytes_expected=None,
        slowest_hosts=(),
    )
    first = plan_text(estimate, "shop/r1", not_due=4).splitlines()[0]
    assert first == "9 rows = 1 duplicates + 1 invalid + 4 not due + 3 to fetch"
