"""A crawl that runs again: what it asks for, its dataset, what changed, what it remembers."""

import pytest

from tests.scraper.batches import response
from tests.scraper.recurring import Crawl, product

pytestmark = pytest.mark.anyio

A, B, C, D = (f"http://a.org/{name}" for name in "abcd")
NOT_MODIFIED = response(304)


async def test_what_is_unchanged_is_asked_conditionally_and_carried(tmp_path):
    crawl = Crawl(tmp_path, [A, B, C])
    first = await crawl.run(
        {
            A: product("Chair", 1, etag='"a1"'),
            B: product("Table", 2, last_modified="Thu, 01 Jan 2026 00:00:00 GMT"),
            C: product("Lamp", 3, "one"),
        }
    )
    assert (first.outcomes["ok"], first.changes) == (3, None)
    second = await crawl.run({A: NOT_MODIFIED, B: NOT_MODIFIED, C: product("Lamp", 3, "two")})
    assert crawl.asked == {
        A: {"if-none-match": '"a1"'},
        B: {"if-modified-since": "Thu, 01 Jan 2026 00:00:00 GMT"},
        C: {},
    }
    assert crawl.reasons() == {A: "not_modified", B: "not_modified", C: "same_content"}
    assert sorted(crawl.table("url, name, price, stale, site, kind")) == [
        (A, "Chair", 1.0, False, "shop", "product"),
        (B, "Table", 2.0, False, "shop", "product"),
        (C, "Lamp", 3.0, False, "shop", "product"),
    ]
    assert (second.outcomes["unchanged"], second.items, second.changes["changed"]) == (3, 3, 0)
    assert crawl.changes() == []


async def test_the_six_kinds_of_changes(tmp_path):
    crawl = Crawl(tmp_path, [A, B, C, D, "http://a.org/e"])
    await crawl.run(
        {
            A: product("Chair", 1),
            B: product("Table", 2),
            C: product("Lamp", 3),
            D: product("Desk", 4),
            "http://a.org/e": response(500),
        }
    )
    crawl.rows = [A, B, C, "http://a.org/e", "http://a.org/f"]
    second = await crawl.run(
        {
            A: product("Chair", 1.5),
            B: response(404),
            C: response(500),
            "http://a.org/e": product("Bed", 5),
            "http://a.org/f": product("Sofa", 6),
        }
    )
    assert crawl.changes() == [
        (A, "changed", "price", "1", "1.0", "1.5"),
        (B, "gone", None, None, None, None),
        (C, "failing", None, None, None, None),
        (D, "removed", None, None, None, None),
        ("http://a.org/e", "recovered", None, None, None, None),
        ("http://a.org/f", "added", None, None, None, None),
    ]
    assert second.changes == {
        "added": 1, "changed": 1, "gone": 1, "removed": 1, "failing": 1, "recovered": 1,
    }  # fmt: skip
    assert sorted(crawl.table("name, stale")) == [
        ("Bed", False), ("Chair", False), ("Lamp", True), ("Sofa", False),
    ]  # fmt: skip
    assert crawl.table("DISTINCT run_before, run_after", "changes") == [("r1", "r2")]
