"""Retry and reparse in Flyte's local mode: a new, whole run out of a former one's."""

import json
from datetime import UTC, datetime

import duckdb
import flyte.errors
import httpx
import pytest
import respx

from scraper.errors import StoreError
from scraper.prune import plan_pruning
from scraper.settings_table import Retention
from scraper.store import Store
from scraper.unfinished import can_go_on
from tests.workflows.runs import rows, run_again, run_crawl, run_request, write_list
from workflows.request import CrawlRequest
from workflows.runtime import new_run

CONTACT = "http.contact=test@example.org"
PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1><b class=price>{1}</b></body></html>"
OUTCOMES = "SELECT url, reason, shelf FROM {table}"
ITEMS = "SELECT url, title, shelf FROM {table} ORDER BY url"
RULES = """
seeds = ["shop.txt"]
[[sites]]
name = "a"
hosts = ["a.org"]
[sites.fields]
{fields}
"""


@pytest.fixture
def web():
    with respx.mock(using="httpx", assert_all_called=False) as router:
        router.get(url__regex=r"http://[^/]+/robots\.txt").respond(404)
        yield router


@pytest.fixture
def shop(tmp_path, web):
    """Two pages, one that failed, one that is gone, one that is no URL, a duplicate."""
    page(web, "http://a.org/1", "One")
    page(web, "http://b.org/2", "Two")
    web.get("http://b.org/3").respond(503)
    web.get("http://a.org/4").respond(404)
    return write_list(
        tmp_path,
        "http://a.org/1\tshelf=x",
        "http://b.org/2",
        "http://b.org/3\tshelf=y",
        "nonsense",
        "http://a.org/1#again",
        "http://a.org/4",
    )


def page(web, url, title, price="5"):
    return web.get(url).respond(html=PAGE.format(title, price))


def page_with_tag(web, url, title):
    """A page that is not modified for who has it."""

    def answer(request):
        if request.headers.get("if-none-match") == '"1"':
            return httpx.Response(304)
        return httpx.Response(200, html=PAGE.format(title, "5"), headers={"ETag": '"1"'})

    return web.get(url).mock(side_effect=answer)


def asked(web):
    return [str(call.request.url) for call in web.calls if "robots" not in str(call.request.url)]


def run_json(tmp_path, run):
    return json.loads((tmp_path / "store" / run / "run.json").read_text())


def latest(tmp_path):
    return json.loads((tmp_path / "store/shop/latest.json").read_text())["run_id"]


def test_a_retry_asks_for_the_failed_rows_alone_and_is_whole(tmp_path, web, shop):
    first = run_crawl(tmp_path, shop, settings=[CONTACT])
    page(web, "http://b.org/3", "Three")
    web.calls.clear()
    second = run_again(tmp_path, "retry", first.run)
    assert set(asked(web)) == {"http://b.org/3", "http://a.org/4"}
    assert rows(tmp_path, second, OUTCOMES) == [
        ("http://a.org/1", "ok", "x"),
        ("http://b.org/2", "ok", None),
        ("http://b.org/3", "ok", "y"),
        ("nonsense", "invalid_url", None),
        ("http://a.org/4", "http_4xx", None),
    ]
    assert rows(tmp_path, second, ITEMS, "items.parquet") == [
        ("http://a.org/1", "One", "x"),
        ("http://b.org/2", "Two", None),
        ("http://b.org/3", "Three", "y"),
    ]
    summary = second.summary
    assert (summary.rows, summary.duplicates, summary.items) == (6, 1, 3)
    assert summary.outcomes == {"ok": 3, "unchanged": 0, "skipped": 0, "failed": 2}
    assert latest(tmp_path) == "r2"
    failed = (tmp_path / "store" / second.run / "failed.jsonl").read_text().splitlines()
    assert [json.loads(line)["url"] for line in failed] == ["nonsense", "http://a.org/4"]


def test_a_retry_says_where_it_comes_from_and_has_that_runs_settings(tmp_path, web, shop):
    first = run_crawl(tmp_path, shop, settings=[CONTACT, "retry.attempts=2"])
    run_again(tmp_path, "retry", first.run, only=["http_5xx"], settings=["batch.size=7"])
    about = run_json(tmp_path, "shop/r2")
    assert (about["kind"], about["from"], about["only"]) == ("retry", "shop/r1", ["http_5xx"])
    assert run_json(tmp_path, "shop/r1")["kind"] == "run"
    assert (about["settings"]["retry"]["attempts"], about["settings"]["batch"]["size"]) == (2, 7)
    assert about["rows"] == 6


def test_only_asks_for_rows_of_these_reasons(tmp_path, web, shop):
    first = run_crawl(tmp_path, shop, settings=[CONTACT])
    web.calls.clear()
    run_again(tmp_path, "retry", first.run, only=["http_4xx"])
    assert asked(web) == ["http://a.org/4"]


def test_a_retry_of_a_retry_goes_on_from_it(tmp_path, web, shop):
    first = run_crawl(tmp_path, shop, settings=[CONTACT])
    page(web, "http://b.org/3", "Three")
    second = run_again(tmp_path, "retry", first.run)
    page(web, "http://a.org/4", "Four")
    web.calls.clear()
    third = run_again(tmp_path, "retry", second.run, run_id="r3")
    assert asked(web) == ["http://a.org/4"]
    items = rows(tmp_path, third, ITEMS, "items.parquet")
    assert [title for _, title, _ in items] == ["One", "Four", "Two", "Three"]
    assert [reason for _, reason, _ in rows(tmp_path, third, OUTCOMES)] == [
        "ok", "ok", "ok", "invalid_url", "ok",
    ]  # fmt: skip


def test_what_redirects_out_of_its_partition_is_retried_over_two_waves(tmp_path, web, shop):
    first = run_crawl(tmp_path, shop, settings=[CONTACT, "batch.size=1"])
    web.get("http://b.org/3").respond(302, headers={"Location": "http://c.net/3"})
    page(web, "http://c.net/3", "Three, moved")
    second = run_again(tmp_path, "retry", first.run)
    found = rows(tmp_path, second, "SELECT final_url, reason FROM {table} WHERE shelf = 'y'")
    assert found == [("http://c.net/3", "ok")]
    third = run_again(tmp_path, "reparse", second.run, run_id="r3")
    assert rows(tmp_path, third, ITEMS, "items.parquet")[-1][1] == "Three, moved"
    assert third.summary.reasons == second.summary.reasons


@pytest.mark.parametrize(
    ("kind", "more", "told"),
    [
        ("retry", {"only": ["http_5x"]}, "--only http_5x: no reason to retry; did you mean"),
        ("retry", {"only": ["dns"]}, "nothing to retry in shop/r1"),
        ("retry", {"settings": ["a.b=1"]}, "--set"),
        ("reparse", {"crawl_file": "seeds = 1", "seeds": "x.toml"}, "x.toml: "),
    ],
    ids=["reason", "nothing", "setting", "crawl file"],
)
def test_what_is_wrong_is_told_and_leaves_no_run(tmp_path, web, shop, kind, more, told):
    first = run_crawl(tmp_path, shop, settings=[CONTACT])
    with pytest.raises(flyte.errors.RuntimeUserError) as raised:
        run_again(tmp_path, kind, first.run, **more)
    assert raised.value.code == "ConfigError"
    assert told in str(raised.value)
    assert not (tmp_path / "store/shop/r2").exists()
    assert latest(tmp_path) == "r1"


def test_a_reparse_takes_todays_rules_and_no_network(tmp_path, web, shop):
    crawl_file = tmp_path / "shop.toml"
    crawl_file.write_text(RULES.format(fields='title = { css = "title" }'))
    first = run_crawl(tmp_path, crawl_file, settings=[CONTACT])
    fields = 'price = { css = ".price", type = "int" }\nshelf = { css = "h1" }'
    web.reset()
    web.get(url__regex=".*").mock(side_effect=AssertionError("asked the network"))
    web.calls.clear()
    second = run_again(
        tmp_path,
        "reparse",
        first.run,
        seeds=str(crawl_file),
        crawl_file=RULES.format(fields=fields),
    )
    assert not web.calls
    about = run_json(tmp_path, second.run)
    assert (about["kind"], about["from"]) == ("reparse", "shop/r1")
    assert second.summary.reasons == first.summary.reasons
    # The list's own column gives way to the rule's field.
    items = rows(
        tmp_path, second, "SELECT url, price, shelf, seed_shelf FROM {table} ORDER BY url",
        "items.parquet",
    )  # fmt: skip
    assert items == [("http://a.org/1", 5, "One", "x"), ("http://b.org/2", None, None, None)]
    outcomes = rows(tmp_path, second, "SELECT url, seed_shelf FROM {table}")
    assert outcomes[:3] == [
        ("http://a.org/1", "x"),
        ("http://b.org/2", None),
        ("http://b.org/3", "y"),
    ]
    assert latest(tmp_path) == "r2"


def test_a_reparse_by_the_same_rules_gives_the_same_dataset(tmp_path, web, shop):
    first = run_crawl(tmp_path, shop, settings=[CONTACT, "batch.size=1"])
    second = run_again(tmp_path, "reparse", first.run)
    without_batch = "SELECT * EXCLUDE (batch) FROM {table}"
    assert rows(tmp_path, second, without_batch) == rows(tmp_path, first, without_batch)
    everything = "SELECT * FROM {table} ORDER BY url"
    of_first = rows(tmp_path, first, everything, "items.parquet")
    assert rows(tmp_path, second, everything, "items.parquet") == of_first
    assert not list((tmp_path / "store" / second.run).rglob("*.warc.gz"))


def test_a_reparse_reads_each_page_where_it_was_fetched(tmp_path, web, shop):
    first = run_crawl(tmp_path, shop, settings=[CONTACT])
    page(web, "http://b.org/3", "Three")
    second = run_again(tmp_path, "retry", first.run)
    third = run_again(tmp_path, "reparse", second.run, run_id="r3")
    fourth = run_again(tmp_path, "reparse", third.run, run_id="r4")
    for run in (third, fourth):
        assert run.summary.reasons == second.summary.reasons
        items = rows(tmp_path, run, ITEMS, "items.parquet")
        assert items == rows(tmp_path, second, ITEMS, "items.parquet")
    sources = (tmp_path / "store" / fourth.run).rglob("source.json")
    assert {json.loads(path.read_text())["run"] for path in sources} == {"shop/r1", "shop/r2"}


def test_a_reparse_in_workers_is_the_same(tmp_path, web, shop):
    first = run_crawl(tmp_path, shop, settings=[CONTACT])
    web.stop()
    second = run_again(tmp_path, "reparse", first.run, settings=["batch.workers=2"])
    assert second.summary.reasons == first.summary.reasons
    web.start()


@pytest.mark.parametrize("settings", [["archive.keep=false"], []], ids=["not kept", "removed"])
def test_without_its_archive_a_run_is_not_parsed_again(tmp_path, web, shop, settings):
    first = run_crawl(tmp_path, shop, settings=[CONTACT, *settings])
    for path in (tmp_path / "store" / first.run).rglob("*.warc.gz"):
        path.unlink()
    with pytest.raises(flyte.errors.RuntimeUserError, match="its archives are not in the store"):
        run_again(tmp_path, "reparse", first.run)


def test_a_gate_that_falls_short_leaves_latest_where_it_was(tmp_path, web, shop):
    first = run_crawl(tmp_path, shop, settings=[CONTACT])
    second = run_again(tmp_path, "retry", first.run, settings=["gates.max_failed=0"])
    assert not second.summary.gates_held
    assert latest(tmp_path) == "r1"


def test_a_retry_that_ended_early_goes_on_with_what_it_has(tmp_path, web, shop, monkeypatch):
    first = run_crawl(tmp_path, shop, settings=[CONTACT])
    page(web, "http://b.org/3", "Three")

    def full(*_args, **_more):
        raise StoreError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("scraper.publish.commit.merge", full)
        with pytest.raises(flyte.errors.RuntimeUserError, match="No space left"):
            run_again(tmp_path, "retry", first.run)
    assert latest(tmp_path) == "r1"
    web.calls.clear()
    second = run_again(tmp_path, "retry", first.run)
    assert asked(web) == []
    assert (second.summary.outcomes["ok"], second.summary.resumed) == (3, 1)


def test_the_rows_of_a_killed_planning_are_planned_again(tmp_path, web, shop):
    first = run_crawl(tmp_path, shop, settings=[CONTACT])
    second = run_again(tmp_path, "retry", first.run, only=["http_5xx"])
    store = Store(str(tmp_path / "store"))
    kept = [f"{second.run}/request.json", f"{second.run}/lives/00000"]
    store.delete(*(key for key in store.list(second.run) if key not in kept))
    web.calls.clear()
    new_run()
    request = CrawlRequest(crawl="shop", run_id="r2", store=str(tmp_path / "store"))
    again = run_request(tmp_path, request)
    assert set(asked(web)) == {"http://b.org/3"}
    assert again.summary.reasons == second.summary.reasons


def test_a_list_column_and_types_survive(tmp_path, web):
    page(web, "http://a.org/1", "One")
    web.get("http://a.org/2").respond(503)
    path = tmp_path / "shop.jsonl"
    lines = [{"url": "http://a.org/1", "n": 1, "status": "s"}, {"url": "http://a.org/2", "n": 2}]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    first = run_crawl(tmp_path, path, settings=[CONTACT])
    page(web, "http://a.org/2", "Two")
    second = run_again(tmp_path, "retry", first.run)
    found = rows(tmp_path, second, "SELECT n, seed_status, typeof(n) FROM {table}", "items.parquet")
    assert sorted(found) == [(1, "s", "BIGINT"), (2, None, "BIGINT")]
    described = [
        duckdb.sql(
            f"DESCRIBE SELECT * FROM '{tmp_path}/store/{run.run}/outcomes.parquet'"
        ).fetchall()
        for run in (first, second)
    ]
    assert described[0] == described[1]


def test_a_notice_is_sent_once_and_its_failure_is_a_warning(tmp_path, web, shop):
    flags = ["notify.on=always", f"notify.command=tee {tmp_path}/told", "gates.max_failed=0"]
    flags.append("notify.webhook=http://hook.org/")
    web.post("http://hook.org/").respond(503)
    first = run_crawl(tmp_path, shop, settings=[CONTACT, *flags])
    assert first.warnings == ("notify.webhook: answered HTTP 503",)
    assert json.loads((tmp_path / "told").read_text())["state"] == "gate fell short"
    web.calls.clear()
    again = run_crawl(tmp_path, shop, settings=[CONTACT, *flags])
    assert (again.warnings, len(web.calls)) == ((), 0)


def test_a_run_killed_before_its_notice_is_not_finished(tmp_path, web, shop):
    flags = ["notify.on=always", f"notify.command=tee {tmp_path}/told"]
    first = run_crawl(tmp_path, shop, settings=[CONTACT, *flags])
    store = Store(str(tmp_path / "store"))
    assert not can_go_on(store, first.run)
    store.delete(f"{first.run}/notified.json")
    assert can_go_on(store, first.run)
    (tmp_path / "told").unlink()
    run_crawl(tmp_path, shop, settings=[CONTACT, *flags])
    assert (tmp_path / "told").exists()
    assert not can_go_on(store, first.run)


@pytest.fixture
def three_runs(tmp_path, web):
    """One page stays as it is, one changes, one fails in the last run."""
    page_with_tag(web, "http://a.org/1", "One")
    page(web, "http://b.org/2", "Two")
    page(web, "http://b.org/3", "Three")
    seeds = write_list(tmp_path, "http://a.org/1", "http://b.org/2", "http://b.org/3")
    for n in (1, 2, 3):
        if n == 3:
            page(web, "http://b.org/2", "Two, changed")
            web.get("http://b.org/3").respond(503)
        result = run_crawl(tmp_path, seeds, settings=[CONTACT], run_id=f"r{n}")
    return result


TITLES = "SELECT title, stale FROM {table} ORDER BY url"


def test_a_retry_heals_what_was_stale_and_leaves_what_was_unchanged(tmp_path, web, three_runs):
    assert three_runs.summary.outcomes["unchanged"] == 1
    assert rows(tmp_path, three_runs, TITLES, "items.parquet")[2] == ("Three", True)
    page(web, "http://b.org/3", "Three, healed")
    web.calls.clear()
    healed = run_again(tmp_path, "retry", three_runs.run, run_id="r4")
    assert asked(web) == ["http://b.org/3"]
    titles = rows(tmp_path, healed, TITLES, "items.parquet")
    assert [title for title, _ in titles] == ["One", "Two, changed", "Three, healed"]
    assert not any(stale for _, stale in titles)
    assert healed.summary.outcomes == {"ok": 2, "unchanged": 1, "skipped": 0, "failed": 0}
    assert healed.summary.changes["recovered"] == 1
    assert latest(tmp_path) == "r4"
    # What it took over is remembered as it was: the next run costs what it would have.
    web.calls.clear()
    fifth = run_crawl(tmp_path, tmp_path / "shop.txt", settings=[CONTACT], run_id="r5")
    assert fifth.summary.reasons["not_modified"] == 1
    assert fifth.summary.items == 3


def test_a_retry_that_fails_again_keeps_what_is_stale(tmp_path, web, three_runs):
    again = run_again(tmp_path, "retry", three_runs.run, run_id="r4")
    titles = rows(tmp_path, again, TITLES, "items.parquet")
    assert [title for title, _ in titles] == ["One", "Two, changed", "Three"]
    assert titles[2][1]


def test_an_unchanged_page_is_parsed_again_where_it_was_fetched(tmp_path, web, three_runs):
    web.calls.clear()
    fields = 'title = { css = "h1" }\nprice = { css = ".price", type = "int" }'
    rules = RULES.format(fields=fields)
    parsed = run_again(
        tmp_path, "reparse", three_runs.run, run_id="r4", crawl_file=rules, seeds="shop.toml"
    )
    assert asked(web) == []
    found = rows(
        tmp_path, parsed, "SELECT title, price, site FROM {table} ORDER BY url", "items.parquet"
    )
    assert found[0] == ("One", 5, "a")
    assert [title for title, _, _ in found] == ["One", "Two, changed", "Three"]
    at = rows(tmp_path, parsed, "SELECT fetched_at FROM {table}")[0]
    assert (
        at
        == rows(
            tmp_path, three_runs, "SELECT fetched_at FROM {table} ORDER BY url", "items.parquet"
        )[0]
    )
    # Again out of that: it has no archive of its own.
    twice = run_again(tmp_path, "reparse", parsed.run, run_id="r5")
    again = rows(
        tmp_path, twice, "SELECT title, price, site FROM {table} ORDER BY url", "items.parquet"
    )
    assert again == found


def test_what_the_state_remembers_is_not_pruned(tmp_path, web, three_runs):
    store = Store(str(tmp_path / "store"))
    limits = Retention(keep_runs=1, archives_keep_runs=0)
    pruning = plan_pruning(store, "shop", limits, now=datetime.now(UTC))
    gone = {one.run for one in pruning.dropped}
    assert "shop/r1" not in gone
    assert "shop/r3" not in gone
