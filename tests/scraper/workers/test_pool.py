"""The pool: real workers that crawl the demo website."""

import asyncio
import os
from collections import Counter

import pytest

from scraper.demo import serve_demo
from scraper.errors import ConfigError, StoreError
from scraper.layout import batch_key, partition_of
from scraper.models import BatchResult, PhaseResult
from scraper.stopping import StopFlag
from tests.processes import children_of, is_running, until
from tests.scraper.batches import outcomes
from tests.scraper.workers.pools import modules, planned, pool_of, whole

pytestmark = [pytest.mark.anyio, pytest.mark.sockets]

WORKER, PARSER = "scraper.workers.worker_main", "scraper.workers.parser_main"


@pytest.fixture
def site():
    with serve_demo(port=0) as server:
        yield server


async def test_batches_are_done_in_workers_and_each_has_a_parser(site, tmp_path):
    store, batches = planned(site, tmp_path)
    async with pool_of() as pool:
        assert children_of(os.getpid()) == []
        found = await asyncio.gather(*(whole(pool, job) for job in batches))
        pids = children_of(os.getpid())
        assert modules(pids) == {WORKER: 2, PARSER: 2}
        assert len(pool.pids) == 2
    assert found == [
        (PhaseResult(attempts=5, pending=0), BatchResult(batch=job.batch, outcomes=5, items=5))
        for job in batches
    ]
    assert Counter(line["reason"] for job in batches for line in outcomes(store, job).values()) == {
        "ok": 20
    }
    assert not any(map(is_running, pids))


async def test_a_partition_is_pinned_to_one_worker_and_starts_no_other(site, tmp_path):
    _, batches = planned(site, tmp_path)
    by_partition = {int(partition_of(job.batch)[2:]): job for job in batches}
    async with pool_of() as pool:
        await whole(pool, by_partition[1])
        first = pool.pids
        assert len(first) == 1
        await whole(pool, by_partition[3])
        assert pool.pids == first
        await whole(pool, by_partition[2])
        assert len(pool.pids) == 2


async def test_concurrent_batches_start_a_worker_once(site, tmp_path):
    _, batches = planned(site, tmp_path)
    async with pool_of() as pool:
        await asyncio.gather(*(whole(pool, job, workers=1) for job in batches))
        assert len(pool.pids) == 1


async def test_counts_come_back_while_the_work_goes_on(site, tmp_path):
    _, batches = planned(site, tmp_path, "throttle.delay_s=0.3")
    async with pool_of() as pool:
        work = asyncio.gather(*(whole(pool, job) for job in batches))
        await until(lambda: 0 < pool.tally().get("asked", 0) < 20)
        assert not work.done()
        assert pool.tally()["seeds"] == 20
        await work
        await until(lambda: pool.tally()["asked"] == 20)
        assert pool.tally()["attempts"] == 20


async def test_an_error_comes_back_with_its_class(site, tmp_path):
    store, batches = planned(site, tmp_path)
    store.put(batch_key(batches[0].run, batches[0].batch, "seeds.parquet"), b"no table")
    store.put(f"{batches[1].run}/run.json", b"{}")
    async with pool_of() as pool:
        with pytest.raises(ConfigError, match="not a run of this version"):
            await pool.run("submit", batches[1], workers=2)


async def test_trouble_with_the_store_comes_back_as_such(site, tmp_path):
    _, batches = planned(site, tmp_path)
    folder = tmp_path / "store" / batch_key(batches[0].run, batches[0].batch)
    (folder / "archive-00001.warc.gz").mkdir()
    async with pool_of() as pool:
        with pytest.raises(StoreError) as caught:
            await pool.run("submit", batches[0], workers=2)
        assert "in another process" in caught.value.__notes__[0]


async def test_a_worker_that_can_not_be_started_is_an_error_of_the_machine(
    site, tmp_path, monkeypatch
):
    _, batches = planned(site, tmp_path)
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    async with pool_of() as pool:
        with pytest.raises(OSError, match="/nowhere/python"):
            await pool.run("submit", batches[0], workers=2)


async def test_the_stop_flag_reaches_the_workers_and_starts_none(site, tmp_path):
    stop = StopFlag()
    _, batches = planned(site, tmp_path, "throttle.delay_s=20")
    async with pool_of(stop) as pool:
        work = asyncio.gather(*(pool.run("submit", job, workers=2) for job in batches))
        await until(lambda: pool.tally().get("asked", 0) == 4)
        stop.set()
        found = await work
        assert found == [PhaseResult(attempts=1, pending=0, stopped=True)] * 4
        before = pool.pids
        assert await pool.run("poll", batches[0], workers=2) == BatchResult(
            batch=batches[0].batch, stopped=True
        )
        assert pool.pids == before
    assert not list((tmp_path / "store").rglob("done.json"))


async def test_who_is_cancelled_waits_until_all_is_flushed(site, tmp_path):
    _, batches = planned(site, tmp_path, "throttle.delay_s=20", "archive.flush_s=600", hosts=2)
    async with pool_of() as pool:
        work = asyncio.create_task(pool.run("submit", batches[0], workers=2))
        await until(lambda: pool.tally().get("asked") == 1)
        work.cancel()
        await asyncio.wait([work])
        assert work.cancelled()
        assert list((tmp_path / "store").rglob("archive-*"))
        assert len(pool.pids) == 1


async def test_closing_flushes_what_is_under_way(site, tmp_path):
    _, batches = planned(site, tmp_path, "throttle.delay_s=20", "archive.flush_s=600", hosts=2)
    async with pool_of() as pool:
        work = asyncio.create_task(pool.run("submit", batches[0], workers=2))
        await until(lambda: pool.tally().get("asked") == 1)
        await pool.close(keep_used=True)
        assert len(pool.pids) == 1
        await pool.close()
        await asyncio.wait([work])
    assert list((tmp_path / "store").rglob("archive-*"))


async def test_workers_are_kept_over_runs(site, tmp_path):
    _, batches = planned(site, tmp_path / "a", hosts=2)
    _, others = planned(site, tmp_path / "b", hosts=2)
    async with pool_of() as pool:
        await asyncio.gather(*(whole(pool, job) for job in batches))
        pids = pool.pids
        await asyncio.gather(*(whole(pool, job) for job in others))
        assert pool.pids == pids
        # The parsers were those of the former run.
        await until(lambda: modules(children_of(os.getpid())) == {WORKER: 2, PARSER: 2})
