"""Whole runs in Flyte's local mode, the network mocked by respx."""

import json
from datetime import timedelta

import flyte
import flyte.errors
import httpx
import pytest
import respx

import scraper.poll
import scraper.submit
from scraper.models import PhaseResult
from tests.workflows.runs import rows, run_crawl, write_list
from workflows.batch import scrape_batch

AT_ONCE = flyte.RetryStrategy(count=2, backoff=flyte.Backoff(base=timedelta(milliseconds=1)))
CONTACT = "http.contact=test@example.org"
PAGE = "<html><head><title>{}</title></head><body><h1>{}</h1></body></html>"


@pytest.fixture
def web():
    with respx.mock(using="httpx", assert_all_called=False) as router:
        router.get(url__regex=r"http://[^/]+/robots\.txt").respond(404)
        yield router


def serve(web, url, title="A page", **more):
    return web.get(url).respond(html=PAGE.format(title, title), **more)


def test_a_list_becomes_a_dataset(tmp_path, web):
    serve(web, "http://a.org/1", "One")
    serve(web, "http://b.org/2", "Two")
    web.get("http://b.org/gone").respond(404)
    seeds = write_list(
        tmp_path,
        "http://a.org/1\tshelf=x",
        "http://b.org/2",
        "http://b.org/gone",
        "nonsense",
        "http://a.org/1#again",
    )
    result = run_crawl(tmp_path, seeds, settings=[CONTACT])
    assert result.summary.outcomes == {"ok": 2, "unchanged": 0, "skipped": 0, "failed": 2}
    assert (result.summary.rows, result.summary.duplicates) == (5, 1)
    assert rows(tmp_path, result, "SELECT url, reason, shelf FROM {table}") == [
        ("http://a.org/1", "ok", "x"),
        ("http://b.org/2", "ok", None),
        ("http://b.org/gone", "http_4xx", None),
        ("nonsense", "invalid_url", None),
    ]
    items = rows(tmp_path, result, "SELECT url, title, h1, shelf FROM {table}", "items.parquet")
    assert items == [
        ("http://a.org/1", "One", "One", "x"),
        ("http://b.org/2", "Two", "Two", None),
    ]


def test_the_run_leaves_all_its_files(tmp_path, web):
    serve(web, "http://a.org/1")
    result = run_crawl(tmp_path, write_list(tmp_path, "http://a.org/1"), settings=[CONTACT])
    run = tmp_path / "store" / result.run
    names = {"run.json", "list.txt", "items.parquet", "outcomes.parquet", "failed.jsonl"}
    assert names | {"summary.json", "report.html"} <= {path.name for path in run.iterdir()}
    latest = json.loads((tmp_path / "store/shop/latest.json").read_text())
    assert latest["run_id"] == "r1"
    assert latest["published_at"].endswith(("Z", "+00:00"))
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["balanced"], summary["resumed"]) == (True, 0)


def test_a_failed_list_is_a_list(tmp_path, web):
    web.get("http://a.org/1").respond(404)
    serve(web, "http://a.org/2")
    seeds = write_list(tmp_path, "http://a.org/1\tshelf=x", "http://a.org/2\tshelf=y")
    first = run_crawl(tmp_path, seeds, settings=[CONTACT])
    failed = tmp_path / "store" / first.run / "failed.jsonl"
    web.get("http://a.org/1").respond(html=PAGE.format("Back", "Back"))
    second = run_crawl(tmp_path, failed, settings=[CONTACT])
    assert rows(tmp_path, second, "SELECT url, reason, shelf FROM {table}") == [
        ("http://a.org/1", "ok", "x")
    ]


def test_a_site_rule_gives_typed_items(tmp_path, web):
    html = '<h1>Chair</h1><p class="price">€ 12.50</p>'
    web.get("http://shop.org/1").respond(html=html)
    web.get("http://shop.org/2").respond(html="<p>nothing here</p>")
    web.get("http://other.org/").respond(html=PAGE.format("Other", "Other"))
    crawl_file = tmp_path / "shop.toml"
    crawl_file.write_text(
        'seeds = ["http://shop.org/1", "http://shop.org/2", "http://other.org/"]\n'
        '[settings.http]\ncontact = "test@example.org"\n'
        '[[sites]]\nname = "shop"\nhosts = ["shop.org"]\nkind = "product"\n'
        "[sites.fields]\n"
        'name = {css = "h1", required = true}\n'
        'price = {css = ".price", regex = \'[\\d.]+\', type = "float"}\n'
    )
    result = run_crawl(tmp_path, crawl_file)
    assert rows(tmp_path, result, "SELECT reason, detail, items FROM {table}") == [
        ("ok", "", 1),
        ("missing_field", "rule shop, field name: nothing found", 0),
        ("ok", "", 1),
    ]
    items = rows(
        tmp_path, result, "SELECT site, kind, name, price, title FROM {table}", "items.parquet"
    )
    assert items == [
        ("shop", "product", "Chair", 12.5, None),
        (None, "page", None, None, "Other"),
    ]


def test_a_redirect_that_leaves_its_partition_goes_on_in_the_next_wave(tmp_path, web):
    web.get("http://a.org/1").respond(302, headers={"Location": "http://b.org/moved"})
    serve(web, "http://a.org/2")
    serve(web, "http://b.org/2")
    target = serve(web, "http://b.org/moved", "Moved")
    seeds = write_list(tmp_path, "http://a.org/1\tk=v", "http://a.org/2", "http://b.org/2")
    result = run_crawl(tmp_path, seeds, settings=[CONTACT, "batch.size=1"])
    found = rows(
        tmp_path,
        result,
        "SELECT url, reason, final_url, attempts, redirects[1].url, k FROM {table} LIMIT 1",
    )
    assert found == [("http://a.org/1", "ok", "http://b.org/moved", 1, "http://a.org/1", "v")]
    assert target.call_count == 1
    assert (tmp_path / "store" / result.run / "waves/2.json").exists()


def test_a_run_that_is_there_goes_on_and_asks_for_nothing_twice(tmp_path, web):
    page = serve(web, "http://a.org/1")
    seeds = write_list(tmp_path, "http://a.org/1")
    first = run_crawl(tmp_path, seeds, settings=[CONTACT])
    again = run_crawl(tmp_path, seeds, settings=[CONTACT])
    assert again.summary == first.summary
    assert page.call_count == 1


def test_a_stopped_run_publishes_nothing_and_goes_on_later(tmp_path, web):
    pages = [serve(web, f"http://a.org/{n}") for n in range(3)]
    seeds = write_list(tmp_path, *(f"http://a.org/{n}" for n in range(3)))
    stopped = run_crawl(tmp_path, seeds, settings=[CONTACT], stop=lambda flag: flag.set())
    assert stopped.summary is None
    assert not (tmp_path / "store/shop/latest.json").exists()
    done = run_crawl(tmp_path, seeds, settings=[CONTACT])
    assert (done.summary.outcomes["ok"], done.summary.resumed) == (3, 1)
    assert [page.call_count for page in pages] == [1, 1, 1]


def test_a_batch_that_crashes_once_is_tried_again(tmp_path, web, monkeypatch):
    page = serve(web, "http://a.org/1")
    poll, crashes = scraper.poll.poll, iter([True])

    async def flaky(session, job):
        if next(crashes, False):
            raise RuntimeError("a bug")
        return await poll(session, job)

    monkeypatch.setattr(scraper.poll, "poll", flaky)
    monkeypatch.setattr(scrape_batch, "retries", AT_ONCE)
    result = run_crawl(tmp_path, write_list(tmp_path, "http://a.org/1"), settings=[CONTACT])
    assert result.summary.reasons == {"ok": 1}
    assert page.call_count == 1


def test_a_batch_that_always_crashes_costs_its_rows_never_the_run(tmp_path, web, monkeypatch):
    serve(web, "http://a.org/1")
    serve(web, "http://b.org/1")
    submit = scraper.submit.submit

    async def broken(session, job) -> PhaseResult:
        if job.batch.startswith("1-0001"):
            raise RuntimeError("a bug")
        return await submit(session, job)

    monkeypatch.setattr(scraper.submit, "submit", broken)
    monkeypatch.setattr(scrape_batch, "retries", AT_ONCE)
    seeds = write_list(tmp_path, "http://a.org/1", "http://b.org/1")
    result = run_crawl(tmp_path, seeds, settings=[CONTACT, "batch.size=1"])
    assert result.summary.reasons == {"batch_crashed": 1, "ok": 1}
    assert result.summary.balanced


@pytest.mark.parametrize(
    ("seeds", "settings", "told"),
    [
        ("missing.txt", (), "missing.txt"),
        ("shop.txt", (), "http.contact is not set, and a.org is a public host"),
        ("shop.txt", ("throttle.dely_s=1",), "did you mean 'delay_s'"),
    ],
    ids=["no list", "no contact", "no such setting"],
)
def test_what_the_user_got_wrong_is_no_crash(tmp_path, seeds, settings, told):
    write_list(tmp_path, "http://a.org/1")
    with pytest.raises(flyte.errors.RuntimeUserError) as caught:
        run_crawl(tmp_path, tmp_path / seeds, settings=settings)
    assert caught.value.code == "ConfigError"
    assert told in str(caught.value)
    assert not list((tmp_path / "store").glob("*/*"))


def test_a_mock_that_would_be_bypassed_is_refused(tmp_path):
    seeds = write_list(tmp_path, "http://a.org/1")
    with respx.mock, pytest.raises(flyte.errors.RuntimeUserError) as caught:
        run_crawl(tmp_path, seeds, settings=[CONTACT])
    assert caught.value.code == "ConfigError"
    assert 'respx.mock(using="httpx")' in str(caught.value)


def test_a_gate_that_falls_short_keeps_latest_where_it_was(tmp_path, web):
    web.get("http://a.org/1").respond(404)
    seeds = write_list(tmp_path, "http://a.org/1")
    result = run_crawl(tmp_path, seeds, settings=[CONTACT, "gates.min_ok_share=0.5"])
    assert [(gate.name, gate.held) for gate in result.summary.gates] == [("min_ok_share", False)]
    assert not (tmp_path / "store/shop/latest.json").exists()
    assert (tmp_path / "store" / result.run / "outcomes.parquet").exists()


def test_a_transient_failure_heals_within_the_run(tmp_path, web):
    answers = [httpx.ReadTimeout, httpx.Response(503), httpx.Response(200, html="<h1>x</h1>")]
    route = web.get("http://a.org/1").mock(side_effect=answers)
    result = run_crawl(tmp_path, write_list(tmp_path, "http://a.org/1"), settings=[CONTACT])
    assert rows(tmp_path, result, "SELECT reason, attempts FROM {table}") == [("ok", 3)]
    assert route.call_count == 3
