"""The quality gates: each limit, and what is measured for it."""

from dataclasses import replace

import duckdb
import pytest

from scraper.publish.dataset import Sums
from scraper.publish.gates import Measured, check_gates, measure
from scraper.publish.summary import Gate
from scraper.rules import SiteRule
from scraper.settings_table import Gates

FOUND = Sums(
    outcomes={"ok": 80, "unchanged": 10, "skipped": 5, "failed": 5},
    reasons={"ok": 80, "http_4xx": 5},
    hosts=3,
    bytes=1000,
    items=85,
)


@pytest.mark.parametrize(
    ("gates", "held"),
    [
        (Gates(), ()),
        (Gates(min_ok_share=0.9), (Gate(name="min_ok_share", limit=0.9, value=0.9, held=True),)),
        (Gates(min_ok_share=0.91), (Gate(name="min_ok_share", limit=0.91, value=0.9, held=False),)),
        (Gates(max_failed=5), (Gate(name="max_failed", limit=5, value=5, held=True),)),
        (Gates(max_failed=4), (Gate(name="max_failed", limit=4, value=5, held=False),)),
        (Gates(min_items=86), (Gate(name="min_items", limit=86, value=85, held=False),)),
    ],
    ids=["none set", "share holds", "share falls short", "failed holds", "too many", "items"],
)
def test_gates(gates, held):
    assert check_gates(gates, FOUND) == held


def test_no_outcome_at_all_is_no_share():
    nothing = replace(FOUND, outcomes={}, items=0)
    assert not check_gates(Gates(min_ok_share=0.1), nothing)[0].held


@pytest.mark.parametrize(
    ("gates", "measured", "gate"),
    [
        (
            Gates(max_failed_per_host=2),
            Measured(max_failed_per_host=2),
            Gate(name="max_failed_per_host", limit=2, value=2, held=True),
        ),
        (
            Gates(max_failed_per_host=2),
            Measured(max_failed_per_host=3),
            Gate(name="max_failed_per_host", limit=2, value=3, held=False),
        ),
        (
            Gates(coverage={"price": 0.9}),
            Measured(coverage={"price": 0.9}),
            Gate(name="coverage.price", limit=0.9, value=0.9, held=True),
        ),
        (
            Gates(coverage={"price": 0.9}),
            Measured(coverage={"price": 0.89}),
            Gate(name="coverage.price", limit=0.9, value=0.89, held=False),
        ),
    ],
    ids=["host holds", "host falls short", "covered", "not covered"],
)
def test_gates_that_look_into_the_tables(gates, measured, gate):
    assert check_gates(gates, FOUND, measured) == (gate,)


@pytest.fixture
def tables():
    with duckdb.connect() as tables:
        tables.execute(
            "CREATE TABLE outcomes AS SELECT * FROM (VALUES ('failed', 'a.org'), "
            "('failed', 'a.org'), ('failed', 'b.org'), ('ok', 'b.org'), ('ok', 'b.org'), "
            "('failed', NULL), ('failed', NULL), ('failed', NULL)) t(status, host)"
        )
        tables.execute(
            "CREATE TABLE items AS SELECT * FROM (VALUES ('shop', 1.5, 'One', ['x'], NULL), "
            "('shop', NULL, '', [], NULL), ('shop', 2, NULL, ['y'], NULL), "
            "('shop', 3, 'Four', NULL, NULL), ('news', NULL, 'News', NULL, 'by us'), "
            "(NULL, NULL, 'A page', NULL, NULL)) t(site, price, title, tags, author)"
        )
        yield tables


def rule(name, *fields):
    table = {field: {"css": "b"} for field in fields}
    return SiteRule.model_validate({"name": name, "hosts": [f"{name}.org"], "fields": table})


SITES = (rule("shop", "price", "title", "tags"), rule("news", "author"))


def test_the_worst_host_counts_and_rows_without_a_host_dont(tables):
    assert measure(tables, Gates(max_failed_per_host=0), SITES).max_failed_per_host == 2


@pytest.mark.parametrize(
    ("field", "share"),
    [
        ("price", 0.75),
        ("Price", 0.75),
        # Of the shop's four, and of the page without a rule.
        ("title", 0.6),
        ("tags", 0.5),
        ("author", 1.0),
        ("lang", 0.0),
    ],
)
def test_coverage_is_of_the_items_whose_rule_has_the_field(tables, field, share):
    assert measure(tables, Gates(coverage={field: 0.5}), SITES).coverage == {field: share}


def test_without_items_nothing_is_covered(tables):
    tables.execute("DELETE FROM items")
    assert measure(tables, Gates(coverage={"price": 0.5}), SITES).coverage == {"price": 0.0}


def test_what_no_gate_asks_for_is_not_looked_for():
    with duckdb.connect() as nothing:
        assert measure(nothing, Gates(), SITES) == Measured()
