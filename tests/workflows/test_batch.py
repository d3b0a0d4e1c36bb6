"""The two phases and their traces: what crosses them is small, equal and picklable."""

import inspect
import pickle
from dataclasses import fields, is_dataclass, replace

import pytest

from scraper.models import BatchJob, BatchResult, PhaseResult
from scraper.run import load_run
from scraper.store import Store
from scraper.workers import sessions
from tests.scraper.batches import jobs, page, plan, store_in, website
from workflows.batch import poll, scrape_batch, submit
from workflows.runtime import close_sessions

pytestmark = pytest.mark.anyio


@pytest.fixture
def site(monkeypatch):
    """A mocked web under the runtime's own sessions."""
    site = website({f"http://a.org/{n}": page(str(n)) for n in range(3)})
    opened = sessions.open_session
    monkeypatch.setattr(
        sessions,
        "open_session",
        lambda info, store, **more: opened(info, store, **more, transport=site.transport),
    )
    return site


@pytest.fixture
async def job(tmp_path, site):
    store = store_in(tmp_path)
    info = plan(store, [f"http://a.org/{n}" for n in range(3)])
    yield jobs(info, store)[0]
    await close_sessions()


async def test_the_phases_are_plain_functions_outside_a_task(job, site):
    submitted = await submit(job)
    assert submitted == PhaseResult(attempts=3, pending=0)
    done = await poll(job, submitted)
    assert done == BatchResult(batch=job.batch, outcomes=3, items=3)
    assert len(site.log) == 3


async def test_a_task_does_both_and_does_them_once(job, site):
    first = await scrape_batch(job)
    assert await scrape_batch(job) == first
    assert len(site.log) == 3


async def test_concurrent_batches_share_one_session(job, site, monkeypatch):
    opened = []
    open_session = sessions.open_session

    def counted(info, store, **more):
        opened.append(info.run)
        return open_session(info, store, **more)

    monkeypatch.setattr(sessions, "open_session", counted)
    await submit(job)
    await poll(job, PhaseResult(attempts=3, pending=0))
    assert opened == [job.run]


async def test_a_run_that_is_not_there_is_told(job):
    with pytest.raises(Exception, match="no such run"):
        await scrape_batch(replace(job, run="shop/nowhere"))


def test_what_crosses_is_small_equal_and_picklable(tmp_path):
    store = store_in(tmp_path)
    long = "http://a.org/" + "x" * 2000
    info = plan(store, [f"{long}{n}" for n in range(500)])
    (job,) = jobs(info, store)
    again = jobs(load_run(Store(store.url), info.run), Store(store.url))[0]
    assert again == job
    values = [job, PhaseResult(attempts=10**9, pending=10**9), BatchResult(batch=job.batch)]
    for value in values:
        assert pickle.loads(pickle.dumps(value)) == value
        assert len(pickle.dumps(value)) < 1000


@pytest.mark.parametrize("phase", [submit, poll], ids=["submit", "poll"])
def test_phases_are_module_level_annotated_and_give_a_dataclass(phase):
    found = inspect.signature(phase)
    assert is_dataclass(found.return_annotation)
    assert all(is_dataclass(p.annotation) for p in found.parameters.values())
    assert phase.__qualname__ == phase.__name__


def test_a_job_holds_nothing_that_differs_from_attempt_to_attempt():
    assert [field.name for field in fields(BatchJob)] == [
        "store", "run", "batch", "alone", "code_version",
    ]  # fmt: skip
