"""The lease of a run in the orchestrator: lost, held, and a run that goes on without its seeds."""

import json

import flyte
import flyte.errors
import httpx
import pytest
import respx
from pydantic import ValidationError

from scraper.lease import take_lease
from scraper.store import Store
from tests.workflows.runs import run_crawl, write_list
from workflows.crawl import crawl
from workflows.request import CrawlRequest
from workflows.runtime import new_run, stop_flag

CONTACT = "http.contact=test@example.org"
URLS = [f"http://a.org/{n}" for n in range(5)]


@pytest.fixture
def web():
    with respx.mock(using="httpx", assert_all_called=False) as router:
        router.get(url__regex=r"http://[^/]+/robots\.txt").respond(404)
        # Of two routes that match, the first one answers.
        router.get("http://a.org/3", name="third").respond(html="<h1>x</h1>")
        router.get(url__regex=r"http://a\.org/\d").respond(html="<h1>x</h1>")
        yield router


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(str(tmp_path / "store"))


def newest_lease(store):
    key = max(key for key in store.list("shop/lease") if not key.endswith("clock"))
    return json.loads(store.get(key))


def test_a_run_gives_its_lease_back(tmp_path, web, store):
    run_crawl(tmp_path, write_list(tmp_path, *URLS), settings=[CONTACT])
    lease = newest_lease(store)
    assert (lease["run"], lease["owner"], lease["is_released"]) == ("shop/r1", None, True)


def test_a_run_that_was_stopped_gives_it_back_too(tmp_path, web, store):
    seeds = write_list(tmp_path, *URLS)
    result = run_crawl(tmp_path, seeds, settings=[CONTACT], stop=lambda flag: flag.set())
    assert (result.run, result.summary) == ("shop/r1", None)
    assert newest_lease(store)["is_released"] is True


def test_a_run_whose_lease_another_took_ends_and_publishes_nothing(tmp_path, web, store):
    def steal(_request):
        store.create("shop/lease/000002", b'{"another": "holder"}')
        return httpx.Response(200, html="<h1>x</h1>")

    web["third"].mock(side_effect=steal)
    with pytest.raises(flyte.errors.BaseRuntimeError, match="was taken over") as lost:
        run_crawl(tmp_path, write_list(tmp_path, *URLS), settings=[CONTACT])
    assert lost.value.code == "LeaseLost"
    assert store.get("shop/latest.json") is None
    assert store.get("shop/r1/summary.json") is None
    assert newest_lease(store) == {"another": "holder"}


def test_a_run_beside_a_living_one_does_not_begin(tmp_path, web, store):
    lease = take_lease(store, "shop/r0")
    with pytest.raises(flyte.errors.BaseRuntimeError, match="the run shop/r0 is alive") as held:
        run_crawl(tmp_path, write_list(tmp_path, *URLS), settings=[CONTACT])
    assert held.value.code == "LeaseHeld"
    assert not [key for key in store.list("shop") if "lease" not in key]
    assert not web.calls
    lease.release()


def go_on(tmp_path, **request):
    new_run()
    runner = flyte.with_runcontext(
        mode="local", name="test", raw_data_path=str(tmp_path / "raw"), disable_run_cache=True
    )
    asked = CrawlRequest(store=str(tmp_path / "store"), **request)
    return runner.run(crawl, request=asked).outputs()[0]


def test_without_seeds_a_run_goes_on_as_it_was_asked_for(tmp_path, web):
    def stop(_request):
        stop_flag().set()
        return httpx.Response(200, html="<h1>x</h1>")

    seeds = write_list(tmp_path, *URLS)
    web["third"].mock(side_effect=stop)
    assert run_crawl(tmp_path, seeds, settings=[CONTACT]).summary is None
    seeds.unlink()
    result = go_on(tmp_path, crawl="shop", run_id="r1")
    assert (result.summary.outcomes["ok"], result.summary.resumed) == (5, 1)


def test_a_run_that_is_not_there_does_not_go_on(tmp_path):
    with pytest.raises(flyte.errors.BaseRuntimeError, match="shop/r9: no such run") as wrong:
        go_on(tmp_path, crawl="shop", run_id="r9")
    assert wrong.value.code == "ConfigError"


@pytest.mark.parametrize("request_", [{}, {"crawl": "shop"}, {"run_id": "r1"}], ids=str)
def test_a_request_names_a_list_or_a_run(request_):
    with pytest.raises(ValidationError, match="crawl and run_id say which run goes on"):
        CrawlRequest(**request_)


@pytest.mark.parametrize("name", ["lease", "state", "Lease"])
def test_a_run_is_not_named_like_what_stands_beside_the_runs(tmp_path, name):
    with pytest.raises(flyte.errors.BaseRuntimeError, match="is the name of a folder beside"):
        run_crawl(tmp_path, write_list(tmp_path, *URLS), settings=[CONTACT], run_id=name)
