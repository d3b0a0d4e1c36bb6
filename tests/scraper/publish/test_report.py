"""The report, read back as a browser would read it."""

from dataclasses import replace
from datetime import UTC, datetime

import duckdb
import pytest

from scraper.models import Status
from scraper.publish import report
from scraper.publish.report import report_html
from scraper.publish.summary import Gate
from scraper.settings_table import Settings
from tests.scraper.publish.report_pages import (
    SUMMARY,
    cells,
    law,
    no_rows,
    read,
    run_info,
    section,
    words,
)


@pytest.fixture
def tables():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    yield connection
    connection.close()


def test_head_says_crawl_run_utc_times_and_duration(tables):
    no_rows(tables)
    html = report_html(replace(SUMMARY, resumed=1), tables, info=run_info())
    assert words(read(html).css_first("header")) == (
        "demo Run 20250611T101500Z-3fa9c1 "
        "2025-06-11 10:15:00 to 2025-06-11 10:17:11 UTC, 2 min 11 s; taken up again 1 time"
    )


def test_law_one_stands_in_numbers_and_words(tables):
    no_rows(tables)
    assert law(report_html(SUMMARY, tables, info=run_info())) == [
        "1,000 rows = 12 duplicates + 988 outcomes",
        "988 outcomes = 953 ok + 0 unchanged + 6 skipped + 29 failed",
        "The run balances: every row of the list is a duplicate of an earlier one, "
        "or ended in exactly one way.",
    ]


def test_a_run_that_does_not_balance_says_so(tables):
    no_rows(tables)
    html = report_html(replace(SUMMARY, balanced=False), tables, info=run_info())
    assert law(html)[2] == "The run does not balance: rows are missing or counted twice."
    assert read(html).css_first(".law.broken") is not None


def test_tiles_are_in_human_units(tables):
    no_rows(tables)
    html = report_html(SUMMARY, tables, info=run_info())
    assert [words(tile) for tile in read(html).css(".tiles > div")] == [
        "items 953",
        "hosts 10",
        "pages a second 7.25",
        "of data 34.2 MB",
    ]


@pytest.mark.parametrize(
    ("gates", "verdict", "rows"),
    [
        pytest.param((), "No quality gates are set.", [], id="none"),
        pytest.param(
            (Gate(name="min_ok_share", limit=0.9, value=0.964575, held=True),),
            "✓ The quality gate held.",
            [["min_ok_share", "at least 90 %", "96.4575 %", "✓ held"]],
            id="one",
        ),
        pytest.param(
            (
                Gate(name="min_items", limit=1000, value=1200, held=True),
                Gate(name="max_failed", limit=20, value=29, held=False),
            ),
            "✗ 1 of 2 quality gates fell short: the run is not the crawl's latest.",
            [
                ["min_items", "at least 1,000", "1,200", "✓ held"],
                ["max_failed", "at most 20", "29", "✗ fell short"],
            ],
            id="one short",
        ),
    ],
)
def test_gates_say_limit_value_and_whether_they_held(tables, gates, verdict, rows):
    no_rows(tables)
    html = report_html(replace(SUMMARY, gates=gates), tables, info=run_info())
    part = read(html).css_first('section[aria-label="Quality gates"]')
    assert words(part.css_first("p")) == verdict
    assert cells(part) == rows


def test_bar_has_a_text_and_no_status_with_rows_is_invisible(tables):
    no_rows(tables)
    outcomes = {"ok": 999_999, "unchanged": 0, "skipped": 0, "failed": 1}
    part = section(
        report_html(replace(SUMMARY, outcomes=outcomes), tables, info=run_info()),
        "How the rows ended",
    )
    text = "ok 999,999 (99.9 %), unchanged 0 (0 %), skipped 0 (0 %), failed 1 (0.1 %)"
    assert part.css_first("svg[role=img]").attributes["aria-label"] == text
    bars = [bar.attributes for bar in part.css(".bar rect")]
    assert [bar["class"] for bar in bars] == ["fill-none", "fill-ok", "fill-failed"]
    assert float(bars[2]["width"] or 0) >= 5
    assert float(bars[2]["x"] or 0) + float(bars[2]["width"] or 0) == pytest.approx(997, abs=0.2)
    assert len(part.css(".legend li")) == len(Status)


def test_changes_stand_there_once_they_are_counted(tables):
    no_rows(tables)
    changes = {"added": 2, "changed": 1500, "gone": 0}
    html = report_html(replace(SUMMARY, changes=changes), tables, info=run_info())
    part = section(html, "How the rows ended")
    assert words(part.css_first("p")) == "Since the last run: 2 added, 1,500 changed, 0 gone."


def test_settings_are_those_that_differ_the_hosts_own_last(tables):
    no_rows(tables)
    info = run_info(
        "throttle.delay_s=0.1",
        "network.allow=127.0.0.0/8,intranet",
        "archive.keep=false",
        "http.contact=me@example.org",
        "hosts.b.example.throttle.concurrency=4",
    )
    rows = cells(
        section(report_html(SUMMARY, tables, info=info), "Settings that are not the defaults")
    )
    assert rows == [
        ["http.contact", "me@example.org", "none"],
        ["network.allow", "127.0.0.0/8, intranet", "none"],
        ["throttle.delay_s", "0.1", "1.0"],
        ["archive.keep", "false", "true"],
        ['hosts."b.example".throttle.concurrency', "4", "1"],
    ]


def test_default_settings_are_one_line(tables):
    no_rows(tables)
    part = section(
        report_html(SUMMARY, tables, info=run_info()), "Settings that are not the defaults"
    )
    assert words(part.css_first("p")) == "All settings are the defaults."
    assert run_info().settings.all == Settings()


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_950, "1.0 MB"), (7.2e13, "72.0 TB")],
)
def test_sizes_are_decimal(count, text):
    assert report._size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.001, "0.0 s"), (59.94, "59.9 s"), (60, "1 min 0 s"), (3600, "1 h 0 min")],
)
def test_durations_are_for_people(seconds, text):
    assert report._duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [
        pytest.param(0, 0, "0 %", id="of none"),
        pytest.param(1, 10**9, "0.1 %", id="hardly any is not none"),
        pytest.param(10**9 - 1, 10**9, "99.9 %", id="nearly all is not all"),
        pytest.param(5, 5, "100 %", id="all"),
    ],
)
def test_only_all_is_hundred_per_cent(count, total, text):
    assert report._share(count, total) == text


def test_times_are_shown_in_utc():
    assert report._utc(datetime(2025, 1, 1, tzinfo=UTC)) == "2025-01-01 00:00:00"
