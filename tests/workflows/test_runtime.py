"""Where a phase is done: in this process, or in the worker of its partition."""

import asyncio
import os

import flyte.errors
import httpx
import pytest
import respx

from scraper.demo import serve_demo
from scraper.errors import ConfigError
from scraper.models import BatchResult, PhaseResult
from tests.processes import children_of, module_of
from tests.scraper.workers.pools import planned
from tests.workflows.runs import run_crawl, write_list
from workflows.runtime import close_sessions, new_run, poll_batch, stop_flag, submit_batch, tally

pytestmark = pytest.mark.anyio

CONTACT = "http.contact=test@example.org"


@pytest.fixture(autouse=True)
def as_the_settings_say(monkeypatch):
    monkeypatch.delenv("SCRAPER_BATCH__WORKERS")
    new_run()


@pytest.fixture
def site():
    with serve_demo(port=0) as server:
        yield server


def modules():
    return {module_of(pid) for pid in children_of(os.getpid())}


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("hosts", "flags", "processes"),
    [
        (2, [], {"scraper.workers.worker_main", "scraper.workers.parser_main"}),
        (1, [], {"scraper.workers.parser_main"}),
        (2, ["batch.workers=1"], set()),
    ],
    ids=["two partitions", "one partition", "one worker"],
)
async def test_a_phase_is_done_where_it_belongs(site, tmp_path, hosts, flags, processes):
    _, batches = planned(site, tmp_path, *flags, hosts=hosts)
    submitted = await submit_batch(batches[0])
    done = await poll_batch(batches[0])
    assert modules() == processes
    assert submitted == PhaseResult(attempts=5, pending=0)
    assert done == BatchResult(batch=batches[0].batch, outcomes=5, items=5)
    await close_sessions()
    assert modules() == set()
    assert tally() == {"seeds": 0}


@pytest.mark.sockets
async def test_a_new_run_has_workers_of_its_own(site, tmp_path):
    _, batches = planned(site, tmp_path, hosts=2)
    await submit_batch(batches[0])
    former = children_of(os.getpid())
    stop_flag().set()
    assert (await poll_batch(batches[0])).stopped
    new_run()
    assert not (await poll_batch(batches[0])).stopped
    assert not set(former) & set(children_of(os.getpid()))
    await close_sessions()


@pytest.mark.sockets
def test_a_loop_that_is_gone_leaves_no_process(site, tmp_path):
    _, batches = planned(site, tmp_path, hosts=2)

    async def work():
        await asyncio.gather(*map(submit_batch, batches))
        await close_sessions()

    asyncio.run(work())
    asyncio.run(work())
    assert modules() == set()


def test_a_mock_needs_no_setting(tmp_path):
    with respx.mock(using="httpx") as web:
        web.get("http://a.org/robots.txt").respond(404)
        web.get("http://b.org/robots.txt").respond(404)
        web.get("http://a.org/1").respond(html="<title>One</title>")
        web.get("http://b.org/1").mock(return_value=httpx.Response(200, html="<title>x</title>"))
        seeds = write_list(tmp_path, "http://a.org/1", "http://b.org/1")
        result = run_crawl(tmp_path, seeds, settings=[CONTACT, "batch.size=1"])
    assert result.summary.reasons == {"ok": 2}


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
def test_workers_under_a_mock_are_refused_before_anything_is_written(tmp_path, using):
    seeds = write_list(tmp_path, "http://a.org/1")
    with respx.mock(using=using), pytest.raises(flyte.errors.RuntimeUserError) as caught:
        run_crawl(tmp_path, seeds, settings=[CONTACT, "batch.workers=2"])
    assert caught.value.code == "ConfigError"
    assert "set batch.workers=1" in str(caught.value)
    assert not list((tmp_path / "store").glob("*/*"))


async def test_a_run_that_is_not_there_is_told(site, tmp_path):
    _, batches = planned(site, tmp_path)
    (tmp_path / "store" / batches[0].run / "run.json").unlink()
    with pytest.raises(ConfigError, match="no such run"):
        await submit_batch(batches[0])
    await close_sessions()


def test_a_run_goes_on_with_another_number_but_with_no_other_deadline(tmp_path):
    with respx.mock(using="httpx") as web:
        web.get("http://a.org/robots.txt").respond(404)
        web.get("http://a.org/1").respond(html="<title>One</title>")
        seeds = write_list(tmp_path, "http://a.org/1")
        first = run_crawl(tmp_path, seeds, settings=[CONTACT])
        again = run_crawl(tmp_path, seeds, settings=[CONTACT, "batch.workers=1"])
        assert again.summary == first.summary
        with pytest.raises(flyte.errors.RuntimeUserError, match="other settings"):
            run_crawl(tmp_path, seeds, settings=[CONTACT, "batch.parse_deadline_s=1"])
