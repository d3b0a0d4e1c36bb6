import asyncio
import threading

import pytest

from scraper.stopping import StopFlag, Stopped, drained

pytestmark = pytest.mark.anyio

LONG_S = 600
"""Nothing here waits so long, unless a test fails."""


class Sleeper(threading.Thread):
    """A thread with an event loop of its own, in which so many tasks sleep."""

    def __init__(self, flag, tasks=1):
        super().__init__(daemon=True)
        self.flag, self.tasks, self.woken = flag, tasks, []
        self.asleep = threading.Event()
        self.start()

    def run(self):
        asyncio.run(self._main())

    async def _main(self):
        sleeps = [asyncio.create_task(self.flag.sleep(LONG_S)) for _ in range(self.tasks)]
        await asyncio.sleep(0)
        self.asleep.set()
        self.woken = await asyncio.gather(*sleeps, return_exceptions=True)

    def ended(self):
        self.join(timeout=10)
        return [type(error) for error in self.woken]


async def test_an_unset_flag_lets_sleep():
    flag = StopFlag()
    assert not flag.is_set
    for seconds in (0, -1, 0.001):
        await flag.sleep(seconds)


@pytest.mark.parametrize("seconds", [-1, 0, LONG_S, float("inf")])
async def test_a_set_flag_ends_every_sleep_at_once(seconds):
    flag = StopFlag()
    flag.set()
    flag.set()
    assert flag.is_set
    with pytest.raises(Stopped):
        await flag.sleep(seconds)


async def test_the_flag_ends_a_sleep_in_its_own_loop():
    flag = StopFlag()
    sleep = asyncio.create_task(flag.sleep(float("inf")))
    await asyncio.sleep(0)
    flag.set()
    with pytest.raises(Stopped):
        await asyncio.wait_for(sleep, 10)


def test_another_thread_ends_the_sleeps_of_several_loops():
    flag = StopFlag()
    sleepers = [Sleeper(flag, tasks=3), Sleeper(flag)]
    assert all(sleeper.asleep.wait(10) for sleeper in sleepers)
    flag.set()
    assert [sleeper.ended() for sleeper in sleepers] == [[Stopped] * 3, [Stopped]]


async def test_a_cancelled_sleep_is_forgotten():
    flag = StopFlag()
    sleep = asyncio.create_task(flag.sleep(LONG_S))
    await asyncio.sleep(0)
    sleep.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleep
    assert not flag._waiters


async def test_sleeps_that_are_over_are_forgotten():
    flag = StopFlag()
    await flag.sleep(0.001)
    assert not flag._waiters


async def test_a_deadline_around_a_sleep_is_a_timeout():
    flag = StopFlag()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await flag.sleep(LONG_S)


def test_a_loop_that_was_closed_does_not_keep_others_asleep():
    flag = StopFlag()
    loop = asyncio.new_event_loop()
    closed = {(loop, asyncio.Event())}
    loop.close()
    flag._waiters |= closed
    sleeper = Sleeper(flag)
    assert sleeper.asleep.wait(10)
    flag.set()
    assert sleeper.ended() == [Stopped]


class Interrupted(set):
    """A signal handler may come at any line of the thread that goes to sleep: it comes here."""

    def __init__(self, flag, after):
        super().__init__()
        self._flag, self._after = flag, after

    def add(self, waiter):
        if self._after:
            super().add(waiter)
        self._flag.set()
        super().add(waiter)


@pytest.mark.parametrize("after", [False, True], ids=["before_it_waits", "once_it_waits"])
def test_a_signal_in_the_thread_that_goes_to_sleep_is_seen(after):
    flag = StopFlag()
    flag._waiters = Interrupted(flag, after)
    assert Sleeper(flag).ended() == [Stopped]


async def test_a_check_lets_go_on_until_the_flag_is_set():
    flag = StopFlag()
    flag.check()
    flag.set()
    with pytest.raises(Stopped):
        flag.check()


async def ends_after(turns, log, name):
    try:
        for _ in range(turns):
            await asyncio.sleep(0)
        log.append(name)
    except asyncio.CancelledError:
        log.append(f"{name} was cut short")
        raise


def tasks_of(log, **turns):
    return [asyncio.create_task(ends_after(count, log, name)) for name, count in turns.items()]


async def test_without_a_stop_all_tasks_end():
    log = []
    await drained(tasks_of(log, a=3, b=1), StopFlag())
    assert log == ["b", "a"]


async def test_no_task_at_all_is_fine():
    await drained([], StopFlag())


async def test_what_is_under_way_at_a_stop_may_end_within_its_bound():
    log, flag = [], StopFlag()
    tasks = tasks_of(log, a=20)
    flag.set()
    await drained(tasks, flag, drain_s=LONG_S)
    assert log == ["a"]


async def test_what_takes_longer_than_the_bound_is_cut_short():
    log, flag = [], StopFlag()
    tasks = [*tasks_of(log, a=1), asyncio.create_task(ends_after(10**9, log, "b"))]
    flag.set()
    await drained(tasks, flag, drain_s=0.02)
    assert log == ["a", "b was cut short"]
    assert all(task.done() for task in tasks)


async def test_the_first_failure_ends_the_rest_and_is_told():
    log = []

    async def fails():
        raise KeyError("x")

    tasks = [asyncio.create_task(fails()), asyncio.create_task(ends_after(10**9, log, "b"))]
    with pytest.raises(KeyError):
        await drained(tasks, StopFlag())
    assert log == ["b was cut short"]
