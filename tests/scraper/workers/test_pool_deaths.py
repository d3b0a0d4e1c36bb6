"""Workers that are killed, or that are in a run that is: real ones."""

import asyncio
import os
import signal

import pytest

from scraper.demo import serve_demo
from scraper.layout import partition_of
from scraper.models import BatchResult, PhaseResult
from scraper.stopping import StopFlag
from scraper.workers.worker import WorkerDied
from tests.processes import until
from tests.scraper.workers.pools import asked, planned, pool_of

pytestmark = [pytest.mark.anyio, pytest.mark.sockets]


@pytest.fixture
def site():
    with serve_demo(port=0) as server:
        yield server


async def test_a_worker_killed_in_submit_costs_an_attempt_and_nothing_that_was_flushed(
    site, tmp_path
):
    _, batches = planned(site, tmp_path, "throttle.delay_s=0.2", hosts=2)
    async with pool_of() as pool:
        work = asyncio.create_task(pool.run("submit", batches[0], workers=2))
        await until(lambda: len(list((tmp_path / "store").rglob("archive-*"))))
        before = asked(site)
        (pid,) = pool.pids
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerDied, match=f"process {pid} ended under it: SIGKILL"):
            await work
        assert await pool.run("submit", batches[0], workers=2) == PhaseResult(attempts=5, pending=0)
        assert pool.pids != [pid]
        assert (await pool.run("poll", batches[0], workers=2)).outcomes == 5
        assert pool.tally()["seeds"] == 10
    # The last answer may have been lost with its flush; the first ones were there.
    again = {url for url, times in asked(site).items() if times > 1}
    assert len(again) <= 1
    assert sum(before.values()) >= 1


async def test_a_worker_killed_in_poll_asks_for_nothing_again(site, tmp_path):
    _, batches = planned(site, tmp_path, hosts=2, each=30)
    async with pool_of() as pool:
        await pool.run("submit", batches[0], workers=2)
        before = asked(site)
        work = asyncio.create_task(pool.run("poll", batches[0], workers=2))
        await asyncio.sleep(0)
        os.kill(pool.pids[0], signal.SIGKILL)
        with pytest.raises(WorkerDied):
            await work
        done = await pool.run("poll", batches[0], workers=2)
    assert done == BatchResult(batch=batches[0].batch, outcomes=30, items=30)
    assert asked(site) == before


async def test_a_batch_that_killed_two_workers_takes_no_other_along(site, tmp_path):
    _, batches = planned(site, tmp_path, "throttle.delay_s=0.3", hosts=3)
    poison, neighbour = (job for job in batches if partition_of(job.batch)[2:] in {"0001", "0003"})
    async with pool_of() as pool:
        for _ in range(2):
            work = asyncio.create_task(pool.run("submit", poison, workers=2))
            await until(lambda: pool.pids)
            os.kill(pool.pids[0], signal.SIGKILL)
            with pytest.raises(WorkerDied):
                await work
        beside = asyncio.create_task(pool.run("submit", neighbour, workers=2))
        await until(lambda: len(pool.pids) == 1 and pool.tally().get("asked"))
        (shared,) = pool.pids
        alone = asyncio.create_task(pool.run("submit", poison, workers=2))
        await until(lambda: len(pool.pids) == 2)
        (own,) = set(pool.pids) - {shared}
        os.kill(own, signal.SIGKILL)
        with pytest.raises(WorkerDied, match=f"process {own} "):
            await alone
        assert (await beside).attempts == 5


async def test_a_worker_that_dies_while_all_stops_is_no_error(site, tmp_path):
    stop = StopFlag()
    _, batches = planned(site, tmp_path, "throttle.delay_s=20")
    async with pool_of(stop) as pool:
        work = asyncio.create_task(pool.run("submit", batches[0], workers=2))
        await until(lambda: pool.tally().get("asked"))
        os.kill(pool.pids[0], signal.SIGSTOP)
        stop.set()
        os.kill(pool.pids[0], signal.SIGKILL)
        assert await work == PhaseResult(attempts=0, pending=0, stopped=True)


async def test_a_worker_that_is_terminated_flushes_and_is_missed(site, tmp_path):
    _, batches = planned(site, tmp_path, "throttle.delay_s=1", "archive.flush_s=600", hosts=2)
    async with pool_of() as pool:
        work = asyncio.create_task(pool.run("submit", batches[0], workers=2))
        await until(lambda: pool.tally().get("asked") == 1)
        os.kill(pool.pids[0], signal.SIGTERM)
        with pytest.raises(WorkerDied, match="exit code 0"):
            await work
        assert (await pool.run("submit", batches[0], workers=2)).attempts == 5
    assert set(asked(site).values()) == {1}
