"""Batch parts become one dataset: complete, typed, in the order of the list."""

from dataclasses import replace

import duckdb
import orjson
import pytest

from scraper.errors import RunError
from scraper.layout import INVALID_BATCH, batch_key
from scraper.plan.cut import load_wave
from scraper.plan.waves import next_wave
from scraper.publish.dataset import check_accounted, merge, sums
from scraper.rules import FieldRule, SiteRule
from scraper.tables import open_tables
from tests.scraper.batches import jobs, moved, page, plan, response, run_batch, store_in, website

pytestmark = pytest.mark.anyio

SHOP = SiteRule(
    name="shop",
    hosts=["a.org"],
    kind="product",
    fields={
        "name": FieldRule(css="h1", required=True),
        "price": FieldRule(css=".price", type="float"),
        "tags": FieldRule(css="li", many=True),
    },
)


async def scraped(tmp_path, rows, answers, *flags, sites=()):
    """A run whose waves are all at their end, not yet published."""
    store, site = store_in(tmp_path), website(answers)
    info = plan(store, rows, *flags, sites=sites)
    ids, wave = [INVALID_BATCH], 1
    while True:
        for job in jobs(info, store, wave):
            await run_batch(site, info, store, job)
            ids.append(job.batch)
        if next_wave(info, store, load_wave(store, info.run, wave)) is None:
            return info, store, ids
        wave += 1


async def test_outcomes_are_in_the_order_of_the_list_with_its_columns(tmp_path):
    rows = [
        {"url": "http://b.org/1", "n": 1},
        {"url": "nonsense", "n": 2, "ok": True},
        {"url": "http://a.org/1", "n": 3.5, "status": "mine"},
    ]
    answers = {"http://a.org/1": page(), "http://b.org/1": response(404)}
    info, store, ids = await scraped(tmp_path, rows, answers, "batch.size=1")
    with open_tables() as (tables, scratch):
        files = merge(tables, scratch, info=info, store=store, batches=ids)
        found = duckdb.sql(f"SELECT * FROM '{files['outcomes.parquet']}'")
        picked = found.project("url, status, reason, n, ok, seed_status").fetchall()
        check_accounted(tables, info)
    assert picked == [
        ("http://b.org/1", "failed", "http_4xx", 1.0, None, None),
        ("nonsense", "failed", "invalid_url", 2.0, True, None),
        ("http://a.org/1", "ok", "ok", 3.5, None, "mine"),
    ]
    assert dict(zip(found.columns, map(str, found.types), strict=True))["fetched_at"] == (
        "TIMESTAMP WITH TIME ZONE"
    )


async def test_items_have_the_rules_fields_typed_and_the_list_s_columns(tmp_path):
    html = "<h1>Chair</h1><p class=price>12.50</p><ul><li>red<li>new</ul>"
    answers = {"http://a.org/1": response(200, html)}
    rows = [{"url": "http://a.org/1", "shelf": "x"}]
    info, store, ids = await scraped(tmp_path, rows, answers, sites=[SHOP])
    with open_tables() as (tables, scratch):
        files = merge(tables, scratch, info=info, store=store, batches=ids)
        found = duckdb.sql(f"SELECT * EXCLUDE (fetched_at) FROM '{files['items.parquet']}'")
        assert found.columns == [
            "url", "final_url", "site", "kind", "stale", "name", "price", "tags", "shelf",
        ]  # fmt: skip
        assert found.fetchall() == [
            ("http://a.org/1", "http://a.org/1", "shop", "product", False, "Chair", 12.5,
             ["red", "new"], "x"),
        ]  # fmt: skip


async def test_a_run_without_a_page_has_an_empty_dataset_of_the_right_columns(tmp_path):
    info, store, ids = await scraped(tmp_path, ["nonsense"], {})
    with open_tables() as (tables, scratch):
        files = merge(tables, scratch, info=info, store=store, batches=ids)
        items = duckdb.sql(f"SELECT * FROM '{files['items.parquet']}'")
        assert items.fetchall() == []
        assert {"url", "title", "links", "json_ld"} <= set(items.columns)
        assert sums(tables).reasons == {"invalid_url": 1}


async def test_the_failed_and_those_that_may_heal_are_a_list(tmp_path):
    rows = [{"url": f"http://{name}.org/", "n": name} for name in "abc"]
    answers = {
        "http://a.org/": response(404),
        "http://b.org/": response(503, retry_after="9999"),
        "http://c.org/": page(),
    }
    info, store, ids = await scraped(tmp_path, rows, answers)
    with open_tables() as (tables, scratch):
        files = merge(tables, scratch, info=info, store=store, batches=ids)
        lines = [orjson.loads(line) for line in files["failed.jsonl"].read_bytes().splitlines()]
    assert [(line["url"], line["n"], line["_failed"]["reason"]) for line in lines] == [
        ("http://a.org/", "a", "http_4xx"),
        ("http://b.org/", "b", "deferred"),
    ]
    assert set(lines[0]["_failed"]) == {"reason", "http_status", "attempts", "run"}
    assert set(lines[0]) == {"url", "n", "_failed"}


async def test_a_row_that_went_on_in_a_later_wave_has_one_outcome(tmp_path):
    rows = ["http://a.org/1", "http://b.org/1"]
    answers = {"http://a.org/1": moved("http://b.org/2"), "http://b.org/1": page()}
    answers |= {"http://b.org/2": page("Moved")}
    flags = ("batch.size=1", "batch.max_in_flight=2")
    info, store, ids = await scraped(tmp_path, rows, answers, *flags)
    assert any(batch.startswith("2-") for batch in ids)
    with open_tables() as (tables, scratch):
        merge(tables, scratch, info=info, store=store, batches=ids)
        check_accounted(tables, info)
        found = tables.execute("SELECT url, final_url, len(redirects) FROM outcomes").fetchall()
    assert found == [
        ("http://a.org/1", "http://b.org/2", 1),
        ("http://b.org/1", "http://b.org/1", 0),
    ]


async def test_a_run_that_does_not_balance_is_told_with_its_numbers(tmp_path):
    info, store, ids = await scraped(tmp_path, ["http://a.org/1"], {"http://a.org/1": page()})
    with open_tables() as (tables, scratch):
        merge(tables, scratch, info=info, store=store, batches=ids)
        with pytest.raises(RunError, match="5 rows, 0 duplicates, 1 outcomes of 1 rows"):
            check_accounted(tables, replace(info, rows=5))


async def test_a_lost_part_is_noticed(tmp_path):
    info, store, ids = await scraped(tmp_path, ["http://a.org/1"], {"http://a.org/1": page()})
    store.delete(batch_key(info.run, ids[-1], "outcomes.jsonl.gz"))
    with open_tables() as (tables, scratch):
        merge(tables, scratch, info=info, store=store, batches=ids)
        with pytest.raises(RunError, match="1 rows, 0 duplicates, 0 outcomes"):
            check_accounted(tables, info)
