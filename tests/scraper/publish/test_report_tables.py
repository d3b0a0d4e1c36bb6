"""The report's tables: which rows, in which order, how many."""

from dataclasses import replace

import duckdb
import pytest

from scraper.models import Reason
from scraper.publish.reasons import REASONS
from scraper.publish.report import report_html
from tests.scraper.publish.report_pages import (
    SUMMARY,
    cells,
    make_items,
    make_outcomes,
    no_rows,
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


def test_reasons_have_count_share_meaning_and_the_first_three_urls(tables):
    make_outcomes(
        tables,
        "range(10, 0, -1)",
        url="'https://a.example/' || i",
        reason="CASE WHEN i % 2 = 0 THEN 'http_5xx' ELSE 'ok' END",
    )
    make_items(tables, "SELECT 1 AS n WHERE false")
    part = section(report_html(SUMMARY, tables, info=run_info()), "Reasons")
    line = REASONS[Reason.HTTP_5XX]
    urls = ["https://a.example/2", "https://a.example/4", "https://a.example/6"]
    rows = cells(part)
    assert [row[0] for row in rows] == [
        "ok",
        "http_5xx failed",
        "robots_disallowed skipped",
        "invalid_url failed",
    ]
    assert rows[1][1:] == ["26", "2.6 %", " ".join([line.meaning, "→", line.to_do, *urls])]
    links = part.css("tbody tr")[1].css("a")
    assert [link.attributes for link in links] == [
        {"href": url, "target": "_blank", "rel": "noopener noreferrer"} for url in urls
    ]


def test_a_reason_of_another_version_has_no_meaning_but_a_row(tables):
    no_rows(tables)
    summary = replace(SUMMARY, reasons={"moon_phase": 988})
    part = section(report_html(summary, tables, info=run_info()), "Reasons")
    assert cells(part) == [["moon_phase", "988", "100 %", ""]]


def test_hosts_are_the_twenty_largest_and_the_rest_is_counted(tables):
    make_outcomes(
        tables,
        "range(600)",
        host="CASE WHEN i = 0 THEN NULL WHEN i < 300 THEN 'big.example' ELSE 'h' || i % 30 END",
        status="CASE WHEN i % 3 = 0 THEN 'failed' ELSE 'ok' END",
        elapsed_s="CASE WHEN i < 300 THEN 0.25 END",
        bytes="CASE WHEN i = 1 THEN 1500000 END",
        wire_bytes="CASE WHEN i < 3 THEN 500000 END",
    )
    part = section(report_html(replace(SUMMARY, hosts=31), tables, info=run_info()), "Hosts")
    rows = cells(part)
    assert rows[:2] == [
        ["big.example", "299", "200", "99", "0.250 s", "2.0 MB"],
        ["h0", "10", "0", "10", "-", "0 B"],
    ]
    assert len(rows) == 20
    assert words(part.css("p")[-1]) == "And 11 other hosts with 110 rows together."


def test_slowest_pages_come_slowest_first(tables):
    make_outcomes(
        tables,
        "range(12)",
        url="'https://a.example/' || i",
        reason="'ok'",
        http_status="CASE WHEN i < 11 THEN 200 END",
        elapsed_s="i * 1.5",
    )
    rows = cells(section(report_html(SUMMARY, tables, info=run_info()), "Slowest pages"))
    assert rows[:2] == [
        ["https://a.example/11", "ok", "-", "16.50 s"],
        ["https://a.example/10", "ok", "200", "15.00 s"],
    ]
    assert len(rows) == 10


def test_fields_have_the_share_of_items_with_a_value(tables):
    make_outcomes(tables, "range(0)")
    make_items(
        tables,
        "SELECT 'x' AS name, CASE WHEN i = 0 THEN 1 END AS price, NULL::VARCHAR[] AS tags "
        "FROM range(8) t(i)",
    )
    part = section(report_html(SUMMARY, tables, info=run_info()), "Fields of the items")
    assert cells(part) == [
        ["name varchar", "", "100 %", "8"],
        ["price integer", "", "12.5 %", "1"],
        ["tags varchar[]", "", "0 %", "0"],
    ]


def test_the_first_items_are_shown_cut_and_without_empty_fields(tables):
    make_outcomes(tables, "range(0)")
    make_items(
        tables,
        "SELECT i AS n, NULL AS nothing, repeat('é', 199 + i::INTEGER) AS long, ['a', 'b'] AS l, "
        "TIMESTAMPTZ '2025-06-11 10:15:00+00' AS fetched_at FROM range(9) t(i) ORDER BY i",
    )
    items = section(report_html(SUMMARY, tables, info=run_info()), "The first items").css("dl")
    assert len(items) == 5
    pairs = zip(items[2].css("dt"), items[2].css("dd"), strict=True)
    assert [(name.text(), value.text()) for name, value in pairs] == [
        ("n", "2"),
        ("long", "é" * 199 + "…"),
        ("l", "[a, b]"),
        ("fetched_at", "2025-06-11 10:15:00+00"),
    ]
    assert items[1].css("dd")[1].text() == "é" * 200
