"""Made-up runs for the report's tests, and the report read back."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from selectolax.lexbor import LexborHTMLParser

from scraper.models import Status
from scraper.plan.columns import OUTCOME_COLUMNS
from scraper.publish.summary import Summary
from scraper.run import RunInfo
from scraper.settings import flag_layer, load_settings
from scraper.tables import quoted_name

SUMMARY = Summary(
    crawl="demo",
    run_id="20250611T101500Z-3fa9c1",
    rows=1000,
    duplicates=12,
    invalid=3,
    outcomes={"ok": 953, "unchanged": 0, "skipped": 6, "failed": 29},
    reasons={"ok": 953, "http_5xx": 26, "robots_disallowed": 6, "invalid_url": 3},
    hosts=10,
    bytes=34_200_000,
    pages_per_s=7.254,
    duration_s=131.4,
    items=953,
    changes=None,
    gates=(),
    balanced=True,
    resumed=0,
)
EMPTY = replace(
    SUMMARY,
    rows=0,
    duplicates=0,
    invalid=0,
    outcomes={status.value: 0 for status in Status},
    reasons={},
    hosts=0,
    bytes=0,
    pages_per_s=0.0,
    items=0,
)


def run_info(*flags: str) -> RunInfo:
    return RunInfo(
        crawl="demo",
        run_id=SUMMARY.run_id,
        created_at=datetime(2025, 6, 11, 12, 15, tzinfo=timezone(timedelta(hours=2))),
        settings=load_settings(flag_layer(flags)),
    )


def make_outcomes(tables, rows: str, **columns: str) -> None:
    """A table of outcomes: `columns` are SQL over `rows`, whose number is `i`."""
    known = {"row": "BIGINT"} | OUTCOME_COLUMNS
    chosen = ", ".join(
        f"({columns.get(name, 'i' if name == 'row' else 'NULL')})::{kind} AS {quoted_name(name)}"
        for name, kind in known.items()
    )
    tables.execute(f"CREATE TABLE outcomes AS SELECT {chosen} FROM {rows} AS t(i)")


def make_items(tables, query: str) -> None:
    tables.execute(f"CREATE VIEW items AS {query}")


def no_rows(tables) -> None:
    make_outcomes(tables, "range(0)")
    make_items(tables, "SELECT NULL::VARCHAR AS url, NULL::VARCHAR[] AS links WHERE false")


def read(html: str) -> LexborHTMLParser:
    return LexborHTMLParser(html)


def words(node) -> str:
    return " ".join(node.text(separator=" ").split())


def section(html: str, title: str):
    """The part of the report under a heading."""
    for heading in read(html).css("h2"):
        if heading.text() == title:
            return heading.parent
    raise AssertionError(f"no section {title!r}")


def cells(part) -> list[list[str]]:
    """A table's rows without its head, cell by cell."""
    return [[words(cell) for cell in row.css("th, td")] for row in part.css("tbody tr")]


def law(html: str) -> list[str]:
    return [words(line) for line in read(html).css(".law p")]
