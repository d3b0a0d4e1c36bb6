"""The times of a schedule: cron lines, time zones, clocks that jump, jitter, missed ones."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from scraper.crawlfile import parse_crawl_file
from scraper.errors import ConfigError
from scraper.schedule import Fire, Schedule, fire_due, next_fires

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)


def times(cron, zone="UTC", *, after=NOON, count=3):
    fires = next_fires(Schedule(cron=cron, timezone=zone), "shop", after)
    return [fire.due.strftime("%d %H:%M") for fire in islice(fires, count)]


@pytest.mark.parametrize(
    ("cron", "zone", "found"),
    [
        ("0 6 * * *", "UTC", ["29 06:00", "30 06:00", "31 06:00"]),
        ("*/20 * * * *", "UTC", ["28 12:20", "28 12:40", "28 13:00"]),
        ("0 12 * * *", "UTC", ["29 12:00", "30 12:00", "31 12:00"]),
        ("0 6 * * mon", "UTC", ["30 06:00", "06 06:00", "13 06:00"]),
        # Summer time begins on the 29th.
        ("0 6 * * *", "Europe/London", ["29 05:00", "30 05:00", "31 05:00"]),
        ("30 1 * * *", "Europe/London", ["29 01:00", "30 00:30", "31 00:30"]),
        ("0 6 * * *", "Asia/Tokyo", ["28 21:00", "29 21:00", "30 21:00"]),
    ],
    ids=["daily", "often", "now is over", "weekly", "london", "left out", "tokyo"],
)
def test_the_next_times(cron, zone, found):
    assert times(cron, zone) == found


def test_an_hour_that_comes_twice_counts_once():
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert times("30 1 * * *", "Europe/London", after=autumn, count=2) == ["25 00:30", "26 01:30"]


def due(cron, *, since, now, **more):
    return fire_due(Schedule(cron=cron, **more), "shop", since=since, now=now)


def hours(count):
    return timedelta(hours=count)


@pytest.mark.parametrize(
    ("since", "now", "found"),
    [
        (NOON, NOON, None),
        (NOON, NOON + hours(0.99), None),
        (NOON, NOON + hours(1), 1),
        (NOON, NOON + hours(1.5), 1),
        # Missed ones count once: the last of them.
        (NOON, NOON + hours(5.5), 5),
        (NOON, NOON + hours(24 * 365 * 3), 24 * 365 * 3),
        (NOON + hours(5), NOON + hours(5.5), None),
        # A clock that was set back.
        (NOON + hours(5), NOON, None),
    ],
    ids=["same", "before", "at", "after", "missed", "for years", "dealt with", "back"],
)
def test_what_is_due(since, now, found):
    expected = None if found is None else NOON + hours(found)
    fire = due("0 * * * *", since=since, now=now)
    assert (fire and fire.due) == expected


def test_jitter_is_later_bounded_and_always_the_same():
    schedule = Schedule(cron="0 * * * *", jitter_s=600)
    fires = list(islice(next_fires(schedule, "shop", NOON), 50))
    late = [(fire.at - fire.due).total_seconds() for fire in fires]
    assert fires == list(islice(next_fires(schedule, "shop", NOON), 50))
    assert 0 <= min(late) < 100 < 500 < max(late) <= 600
    assert late != [
        (fire.at - fire.due).total_seconds()
        for fire in islice(next_fires(schedule, "other", NOON), 50)
    ]


def test_a_time_is_due_when_its_jitter_is_over():
    schedule = Schedule(cron="0 * * * *", jitter_s=600)
    first = next(next_fires(schedule, "shop", NOON))
    just_before = first.at - timedelta(seconds=1)
    assert fire_due(schedule, "shop", since=NOON, now=just_before) is None
    assert fire_due(schedule, "shop", since=NOON, now=first.at) == first
    assert first == Fire(due=NOON + hours(1), at=first.at)


FILE = 'seeds = ["x.txt"]\n[schedule]\n'


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('cron = "0 6 * *"', "schedule.cron: 4 fields"),
        ('cron = "0 25 * * *"', "schedule.cron: wrong hour"),
        ('cron = "0 6 30 2 *"', "schedule.cron: wrong day-of-month"),
        ('cron = "@daily"', "schedule.cron: 1 fields"),
        ('timezone = "UTC"', "schedule.cron: Field required"),
        ('cron = "0 6 * * *"\ntimezone = "Europe/Londn"', "did you mean 'Europe/London'"),
        ('cron = "0 6 * * *"\noverlap = "skipp"', "did you mean 'skip'"),
        (
            'cron = "0 6 * * *"\njitter = 5',
            "'schedule.jitter'; did you mean 'jitter_s'",
        ),
        ('cron = "0 6 * * *"\ndeadline_s = 0', "schedule.deadline_s"),
    ],
)
def test_what_is_wrong_is_told_when_the_file_is_read(lines, told):
    with pytest.raises(ConfigError, match=r"shop\.toml: ") as raised:
        parse_crawl_file(FILE + lines, "shop.toml")
    assert told in str(raised.value)


def test_a_crawl_file_may_have_a_schedule():
    crawl_file = parse_crawl_file(FILE + 'cron = "0  6 * * *"\noverlap = "queue"', "shop.toml")
    assert crawl_file.schedule == Schedule(cron="0 6 * * *", overlap="queue")
    assert parse_crawl_file('seeds = ["x.txt"]', "shop.toml").schedule is None
