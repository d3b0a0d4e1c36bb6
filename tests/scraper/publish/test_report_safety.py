"""The report with hostile, huge or missing data: text, small, never an error."""

from dataclasses import replace
from importlib.resources import files

import duckdb
import pytest
from jinja2 import StrictUndefined

from scraper.models import Reason
from scraper.plan.columns import OUTCOME_COLUMNS
from scraper.publish import report
from scraper.publish.report import report_html
from scraper.tables import quoted, quoted_name
from tests.scraper.publish.report_pages import (
    EMPTY,
    SUMMARY,
    cells,
    law,
    make_items,
    make_outcomes,
    no_rows,
    read,
    run_info,
    section,
    words,
)

MOST_BYTES = 300_000


@pytest.fixture
def tables():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("javascript:alert(1)", "javascript:alert(1)", id="script"),
        pytest.param("data:text/html,x", "data:text/html,x", id="data"),
        pytest.param("ftp://a.example/x", "ftp://a.example/x", id="ftp"),
        pytest.param("htp:/broken", "htp:/broken", id="broken"),
        pytest.param("http://a.example/ x", "http://a.example/ x", id="space"),
        pytest.param("https://me:pw@a.example/", "https://***@a.example/", id="password"),
        pytest.param(
            "https://a.example/" + "x" * 400, "https://a.example/" + "x" * 81 + "…", id="long"
        ),
    ],
)
def test_other_than_plain_web_addresses_are_not_linked(tables, url, shown):
    make_outcomes(tables, "range(1)", url=quoted(url), reason="'invalid_url'", elapsed_s="1.0")
    html = report_html(SUMMARY, tables, info=run_info())
    assert read(html).css("a") == []
    assert [words(span) for span in read(html).css(".url")] == [shown, shown]


def test_what_came_from_pages_and_lists_is_text_never_markup(tables):
    evil = """</title></style><script>alert(1)</script><img src=x onerror="a('b')">{{ 7 * 7 }}"""
    text = quoted(evil)
    url = quoted("https://a.example/?q=" + evil.replace(" ", "+"))
    make_outcomes(
        tables, "range(1)", url=url, host=text, status="'ok'", reason=text, elapsed_s="1.0"
    )
    make_items(tables, f"SELECT {text} AS title, 1 AS {quoted_name(evil)}")
    summary = replace(SUMMARY, crawl=evil, run_id=evil, reasons={evil: 1})
    info = run_info(f"http.contact='''{evil}'''")
    html = report_html(summary, tables, info=info)
    page = read(html)
    assert page.css("script, img, iframe, [onerror]") == []
    assert len(page.css("title")) == 1 + len(page.css(".bar title"))
    assert page.css_first("h1").text() == evil
    assert section(html, "The first items").css_first("dd").text() == evil
    rows = section(html, "Settings that are not the defaults").css("td")
    assert [cell.text() for cell in rows] == [evil, "none"]


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        pytest.param("http://proxy:3128", "http://proxy:3128", id="none"),
        pytest.param("env:PROXY", "env:PROXY", id="of the environment"),
    ],
)
def test_a_proxy_is_shown_without_its_password(tables, proxy, shown, monkeypatch):
    monkeypatch.setenv("PROXY", "http://me:hunter2@proxy:3128")
    no_rows(tables)
    html = report_html(SUMMARY, tables, info=run_info(f"http.proxy='{proxy}'"))
    rows = cells(section(html, "Settings that are not the defaults"))
    assert rows == [["http.proxy", shown, "none"]]
    assert "hunter2" not in html


def test_passwords_in_the_urls_of_items_are_not_shown(tables):
    make_outcomes(tables, "range(0)")
    make_items(tables, "SELECT 'https://me:hunter2@a.example/@x' AS url")
    html = report_html(SUMMARY, tables, info=run_info())
    assert section(html, "The first items").css_first("dd").text() == "https://***@a.example/@x"
    assert "hunter2" not in html


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(no_rows, id="empty tables"),
        pytest.param(lambda tables: None, id="no tables"),
        pytest.param(
            lambda tables: tables.execute("CREATE TABLE outcomes AS SELECT 1 AS other"),
            id="no known columns",
        ),
        pytest.param(
            lambda tables: tables.execute(
                "CREATE TABLE outcomes AS SELECT NULL AS url, NULL AS reason, NULL AS host"
            ),
            id="nulls only",
        ),
    ],
)
def test_nothing_to_show_is_said_not_an_error(tables, make):
    make(tables)
    html = report_html(EMPTY, tables, info=run_info())
    assert law(html)[:2] == [
        "0 rows = 0 duplicates + 0 outcomes",
        "0 outcomes = 0 ok + 0 unchanged + 0 skipped + 0 failed",
    ]
    for title, text in [
        ("Reasons", "No rows, so no reasons."),
        ("Hosts", "No host was asked."),
        ("Fields of the items", "The run has no items."),
    ]:
        assert words(section(html, title).css_first("p")) == text


@pytest.mark.parametrize("missing", [*OUTCOME_COLUMNS, "row"])
def test_any_column_of_the_outcomes_may_be_missing(tables, missing):
    make_outcomes(
        tables,
        "range(3)",
        url="'https://a.example/' || i",
        host="'a.example'",
        status="'ok'",
        reason="'ok'",
        elapsed_s="0.5",
    )
    tables.execute(f"ALTER TABLE outcomes DROP COLUMN {quoted_name(missing)}")
    html = report_html(SUMMARY, tables, info=run_info())
    assert law(html)[0] == "1,000 rows = 12 duplicates + 988 outcomes"


def test_the_worst_run_stays_small(tables):
    evil = "'\"&<>" * 500
    make_outcomes(
        tables,
        "range(20000)",
        url=f"'http://a.example/' || i || {quoted(evil)}",
        host=f"i % 999 || {quoted(evil)}",
        status="'failed'",
        reason=f"([{', '.join(quoted(reason) for reason in Reason)}])[i % {len(Reason)} + 1]",
        elapsed_s="i",
    )
    fields = ", ".join(
        f"{quoted(evil)} AS {quoted_name(f'{number}{evil[:300]}')}" for number in range(120)
    )
    make_items(tables, f"SELECT {fields} FROM range(50)")
    summary = replace(
        SUMMARY, crawl=evil, reasons=dict.fromkeys(Reason, 588), hosts=999, items=10**12
    )
    long = ".".join(["x" * 60] * 3)
    hosts = [f"hosts.h{number}.{long}.throttle.delay_s=9" for number in range(200)]
    html = report_html(
        summary, tables, info=run_info(*hosts, f"http.user_agent='''{evil[:-5]}x'''")
    )
    assert len(html.encode()) < MOST_BYTES
    assert words(section(html, "Fields of the items").css("p")[-1]) == "And 40 other fields."
    part = section(html, "Settings that are not the defaults")
    assert words(part.css("p")[-1]) == "And 161 others."


def test_the_file_needs_no_network_and_no_script(tables):
    no_rows(tables)
    page = read(report_html(SUMMARY, tables, info=run_info()))
    assert page.css("script, link, img, iframe, object, form, [src], [onclick]") == []
    style = page.css_first("style").text()
    assert "@import" not in style
    assert "url(" not in style


def test_styles_touch_nothing_outside_the_report(tables):
    no_rows(tables)
    style = read(report_html(SUMMARY, tables, info=run_info())).css_first("style").text()
    selectors = [line.partition("{")[0] for line in style.splitlines() if "{" in line]
    assert len(selectors) > 40
    assert [
        selector
        for selector in selectors
        if not selector.startswith("@") and ".scraper-report" not in selector
    ] == []


def test_an_unknown_name_in_the_template_is_an_error():
    environment = report._environment()
    assert environment.undefined is StrictUndefined
    assert environment.autoescape is True
    template = files("scraper.publish").joinpath("report.html.jinja")
    assert "| safe" not in template.read_text(encoding="utf-8")
