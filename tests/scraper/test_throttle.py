import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import scraper.throttle
from scraper.models import Reason
from scraper.stopping import StopFlag, Stopped
from scraper.throttle import HostHeld, HostRefused, HostThrottle
from tests.scraper.throttles import (
    EARLY_S,
    ended,
    gaps,
    make_throttle,
    make_throttles,
    start_times,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("unpaused")]

Waiting = AsyncIterator[asyncio.Task[None]]


class CountingStop(StopFlag):
    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds)


async def free(connections: asyncio.Semaphore) -> int:
    """How many may be taken without waiting; takes them."""
    count = 0
    while not connections.locked():
        await connections.acquire()
        count += 1
    return count


@asynccontextmanager
async def waiting(
    throttle: HostThrottle, started: list[float]
) -> AsyncIterator[asyncio.Task[None]]:
    """A task that wants a slot, given the time to begin to wait for it."""

    async def ask() -> None:
        async with throttle.slot():
            started.append(time.time())

    task = asyncio.create_task(ask())
    for _ in range(5):
        await asyncio.sleep(0)
    yield task
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("busy_s", [0.0, 0.05], ids=["at once", "slow"])
async def test_starts_are_never_closer_than_the_delay(concurrency, busy_s):
    throttle = make_throttle(delay_s=0.03, concurrency=concurrency)

    times = await start_times(throttle, 5, busy_s=busy_s)

    assert min(gaps(times)) >= 0.03 - EARLY_S


async def test_jitter_only_makes_the_delay_longer(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "scraper.throttle.random.uniform", lambda *bounds: (asked.append(bounds), bounds[1])[1]
    )
    throttle = make_throttle(delay_s=0.02, jitter=1)

    times = await start_times(throttle, 4)

    assert set(asked) == {(0, 1.0)}
    assert min(gaps(times)) >= 0.04 - EARLY_S


async def test_a_pause_earns_no_burst():
    throttle = make_throttle(delay_s=0.03)
    await start_times(throttle, 1)
    await asyncio.sleep(0.05)

    times = await start_times(throttle, 3)

    assert min(gaps(times)) >= 0.03 - EARLY_S


async def test_concurrency_is_reached_and_never_exceeded():
    throttle = make_throttle(concurrency=3)
    inside, most = 0, 0

    async def ask() -> None:
        nonlocal inside, most
        async with throttle.slot():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.002)
            inside -= 1

    await asyncio.gather(*(ask() for _ in range(20)))

    assert (throttle.concurrency, most) == (3, 3)


async def test_connections_bound_all_hosts_together():
    connections = asyncio.Semaphore(2)
    throttles = [make_throttle(connections=connections, concurrency=5) for _ in range(4)]
    inside, most = 0, 0

    async def ask(throttle: HostThrottle) -> None:
        nonlocal inside, most
        async with throttle.slot():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(ask(throttle) for throttle in throttles for _ in range(5)))

    assert most == 2
    assert await free(connections) == 2


async def test_delay_0_makes_no_limiter_and_waits_for_nothing(monkeypatch):
    monkeypatch.setattr(scraper.throttle, "AsyncLimiter", None)
    stop = CountingStop()

    await start_times(make_throttle(stop=stop, concurrency=50), 200)

    assert stop.slept == []


async def test_hosts_dont_hold_each_other_up():
    throttles = make_throttles()
    throttles.of("held.test").wait_for(30, since_s=time.time())

    started: list[float] = []
    async with waiting(throttles.of("held.test"), started), asyncio.timeout(5):
        times = await start_times(throttles.of("free.test"), 3)

    assert started == []
    assert len(times) == 3


async def test_nobody_asks_a_host_that_is_held():
    throttle = make_throttle(concurrency=3)
    end = time.time() + 0.05
    throttle.wait_for(0.05, since_s=end - 0.05)

    times = await start_times(throttle, 3)

    assert min(times) >= end - EARLY_S


async def test_a_hold_learned_while_waiting_counts():
    throttle = make_throttle(concurrency=3)
    throttle.wait_for(0.1, since_s=time.time())
    started: list[float] = []
    async with waiting(throttle, started) as task:
        end = time.time() + 0.15
        throttle.wait_for(0.15, since_s=end - 0.15)
        await task

    assert started[0] >= end - EARLY_S


async def test_a_hold_learned_while_waiting_for_a_connection_counts():
    connections = asyncio.Semaphore(1)
    held = make_throttle(connections=connections)
    other = make_throttle(connections=connections)
    started: list[float] = []
    await connections.acquire()
    async with waiting(held, started) as task:
        end = time.time() + 0.05
        held.wait_for(0.05, since_s=end - 0.05)
        connections.release()
        (others,) = await start_times(other, 1)
        await task

    assert others < started[0]
    assert started[0] >= end - EARLY_S
    assert await free(connections) == 1


async def test_a_refused_host_is_not_asked():
    connections = asyncio.Semaphore(1)
    throttle = make_throttle(connections=connections, give_up_after=1)
    throttle.observe(ended(Reason.TIMEOUT))

    with pytest.raises(HostRefused):
        await start_times(throttle, 1)
    assert await free(connections) == 1


async def test_who_waits_for_a_host_that_is_given_up_is_turned_away():
    throttle = make_throttle(delay_s=0.1, give_up_after=1)
    await start_times(throttle, 1)
    started: list[float] = []
    async with waiting(throttle, started) as first, waiting(throttle, started) as second:
        throttle.observe(ended(Reason.TIMEOUT))
        for task in (first, second):
            with pytest.raises(HostRefused):
                await task

    assert started == []


async def test_a_hold_beyond_our_patience_ends_the_wait():
    throttle = make_throttle(patience_s=5)
    throttle.wait_for(6, since_s=time.time())

    with pytest.raises(HostHeld):
        await start_times(throttle, 1)


async def test_a_hold_that_grows_beyond_our_patience_ends_the_wait():
    throttle = make_throttle(patience_s=5)
    throttle.wait_for(0.1, since_s=time.time())
    async with waiting(throttle, []) as task:
        throttle.wait_for(60, since_s=time.time())
        with pytest.raises(HostHeld):
            await task


async def test_our_own_delay_is_never_beyond_our_patience():
    throttle = make_throttle(delay_s=0.03, jitter=0.5, patience_s=0.01)

    assert len(await start_times(throttle, 3)) == 3


async def test_the_stop_flag_ends_waits_from_any_thread():
    stop = StopFlag()
    throttle = make_throttle(stop=stop)
    throttle.wait_for(30, since_s=time.time())
    async with waiting(throttle, []) as first, waiting(throttle, []) as second:
        await asyncio.to_thread(stop.set)
        for task in (first, second):
            with pytest.raises(Stopped):
                await task


async def test_nothing_starts_once_the_flag_is_set():
    stop = StopFlag()
    stop.set()

    with pytest.raises(Stopped):
        await start_times(make_throttle(stop=stop), 1)


async def test_who_waits_for_a_connection_doesnt_start_once_the_flag_is_set():
    stop, connections = StopFlag(), asyncio.Semaphore(1)
    throttle = make_throttle(stop=stop, connections=connections)
    started: list[float] = []
    await connections.acquire()
    async with waiting(throttle, started) as task:
        stop.set()
        connections.release()
        with pytest.raises(Stopped):
            await task

    assert started == []
    assert await free(connections) == 1


class NeverLimiter:
    def __init__(self, max_rate: float, time_period: float) -> None:
        pass

    async def acquire(self) -> None:
        await asyncio.Event().wait()


async def test_a_connection_is_given_back_by_who_is_cancelled_while_it_waits(monkeypatch):
    monkeypatch.setattr(scraper.throttle, "AsyncLimiter", NeverLimiter)
    connections = asyncio.Semaphore(2)
    in_limiter = make_throttle(connections=connections, delay_s=1)
    in_hold = make_throttle(connections=connections)
    in_hold.wait_for(30, since_s=time.time())
    async with waiting(in_limiter, []), waiting(in_limiter, []), waiting(in_hold, []):
        assert not connections.locked()
        await connections.acquire()
        assert connections.locked()
        async with waiting(make_throttle(connections=connections), []):
            pass
        connections.release()

    assert await free(connections) == 2


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_a_connection_is_given_back_whatever_the_request_ends_in(error):
    connections = asyncio.Semaphore(1)
    throttle = make_throttle(connections=connections)
    for _ in range(3):
        with pytest.raises(error):
            async with throttle.slot():
                raise error

    assert await free(connections) == 1


async def test_the_place_of_who_was_cancelled_is_given_to_the_next():
    throttle = make_throttle()
    throttle.wait_for(0.02, since_s=time.time())
    async with waiting(throttle, []) as first:
        first.cancel()

    async with asyncio.timeout(5):
        assert len(await start_times(throttle, 2)) == 2


async def test_the_delay_counts_from_when_a_request_really_began():
    throttle = make_throttle(delay_s=0.1)
    async with throttle.slot():
        late_s = time.time() + 0.2
        throttle.started(late_s)
    async with throttle.slot():
        assert time.time() - late_s >= 0.1 - EARLY_S
    throttle.started(time.time() + 5)
    assert throttle.wait_s > 4
