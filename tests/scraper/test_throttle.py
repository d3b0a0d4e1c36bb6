import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise

import pytest

import scraper.throttle
from scraper.models import Attempt, Hop, HostState, Reason
from scraper.settings_table import Throttle
from scraper.stopping import StopFlag, Stopped
from scraper.throttle import HostHeld, HostThrottle, Throttles
from scraper.urls import domain_of
from tests.scraper.batches import quick_settings

pytestmark = pytest.mark.anyio

AT = datetime(2126, 1, 2, 3, 4, 5, tzinfo=UTC)
AT_S = AT.timestamp()
EARLY_S = 0.005
"""What the clock that waits and the one that measures may differ by."""


Waiting = AsyncIterator[asyncio.Task[None]]


class CountingStop(StopFlag):
    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds)


def make_throttle(
    *,
    state: HostState | None = None,
    connections: asyncio.Semaphore | None = None,
    stop: StopFlag | None = None,
    patience_s: float = 60.0,
    **settings: object,
) -> HostThrottle:
    quick: dict[str, object] = {"delay_s": 0, "jitter": 0} | settings
    return HostThrottle(
        state or HostState(host="a.test"),
        Throttle.model_validate(quick),
        connections=connections or asyncio.Semaphore(8),
        stop=stop or StopFlag(),
        patience_s=patience_s,
    )


def make_throttles(*flags: str, stop: StopFlag | None = None) -> Throttles:
    return Throttles(
        quick_settings(*flags),
        domain_of=domain_of,
        connections=asyncio.Semaphore(8),
        stop=stop or StopFlag(),
        patience_s=60.0,
    )


def ended(reason: Reason, *, at: datetime = AT, **fields: object) -> Attempt:
    return Attempt(
        row=1,
        url="http://a.test/",
        number=1,
        reason=reason,
        at=at,
        **fields,  # type: ignore[arg-type]
    )


async def start_times(throttle: HostThrottle, count: int, *, busy_s: float = 0.0) -> list[float]:
    """The times at which so many requests that want to start at once do start."""
    times: list[float] = []

    async def ask() -> None:
        async with throttle.slot():
            times.append(time.time())
            await asyncio.sleep(busy_s)

    await asyncio.gather(*(ask() for _ in range(count)))
    return times


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


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


async def test_the_hosts_of_a_batch_share_one_throttle_each():
    throttles = make_throttles()

    assert throttles.of("a.test") is throttles.of("a.test")
    assert throttles.of("a.test") is not throttles.of("b.test")
    assert [state.host for state in throttles.states()] == ["a.test", "b.test"]


async def test_unit_domain_limits_all_hosts_of_a_registrable_domain_together():
    throttles = make_throttles("throttle.unit=domain")

    assert throttles.of("a.shop.co.uk") is throttles.of("shop.co.uk")
    assert throttles.of("a.github.io") is not throttles.of("b.github.io")
    assert [state.host for state in throttles.states()] == [
        "a.github.io",
        "b.github.io",
        "shop.co.uk",
    ]


async def test_a_hosts_own_settings_count():
    throttles = make_throttles("hosts.slow.test.throttle.delay_s=7")

    assert throttles.of("www.slow.test").state == HostState(host="www.slow.test", delay_s=7)
    assert throttles.of("quick.test").state == HostState(host="quick.test", delay_s=0)


async def test_retry_after_holds_the_host_from_the_end_of_the_answer():
    throttle = make_throttle()

    throttle.observe(ended(Reason.HTTP_429, elapsed_s=2.5, retry_after_s=40))

    assert throttle.state == HostState(host="a.test", next_at=AT_S + 42.5, failures=1)


async def test_a_shorter_retry_after_doesnt_shorten_a_hold():
    throttle = make_throttle()
    throttle.observe(ended(Reason.HTTP_5XX, retry_after_s=40))
    throttle.observe(ended(Reason.HTTP_5XX, retry_after_s=3))

    assert throttle.state == HostState(host="a.test", next_at=AT_S + 40, failures=2)


async def test_nobody_asks_a_host_that_is_held():
    throttle = make_throttle(concurrency=3)
    end = time.time() + 0.05
    throttle.wait_for(0.05, since_s=end - 0.05)

    times = await start_times(throttle, 3)

    assert min(times) >= end - EARLY_S


async def test_a_hold_learned_while_waiting_counts():
    throttle = make_throttle(concurrency=3)
    throttle.wait_for(0.03, since_s=time.time())
    started: list[float] = []
    async with waiting(throttle, started) as task:
        end = time.time() + 0.06
        throttle.wait_for(0.06, since_s=end - 0.06)
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


@pytest.mark.parametrize(
    ("wait_s", "refused"),
    [(10.0, None), (10.01, Reason.DEFERRED)],
    ids=["at the cap", "over the cap"],
)
async def test_a_retry_after_over_the_cap_refuses_the_host(wait_s, refused):
    throttle = make_throttle(max_retry_after_s=10)

    throttle.observe(ended(Reason.DEFERRED, retry_after_s=wait_s))

    assert throttle.refused is refused
    assert throttle.state.next_at == (0.0 if refused else AT_S + wait_s)


FAILURES = {
    Reason.DNS: 3,
    Reason.CONNECT: 3,
    Reason.TLS: 3,
    Reason.TIMEOUT: 3,
    Reason.DEADLINE: 3,
    Reason.CONNECTION_LOST: 3,
    Reason.HTTP_429: 3,
    Reason.HTTP_5XX: 3,
    Reason.DEFERRED: 3,
    Reason.ROBOTS_DISALLOWED: 2,
    Reason.ROBOTS_UNREACHABLE: 2,
    Reason.CRAWL_DELAY: 2,
    Reason.OUT_OF_SCOPE: 2,
    Reason.BLOCKED_ADDRESS: 2,
    Reason.OK: 0,
    Reason.HTTP_4XX: 0,
    Reason.HTTP_OTHER: 0,
    Reason.NO_CONTENT: 0,
    Reason.NOT_READY: 0,
    Reason.TOO_LARGE: 0,
    Reason.DECODING: 0,
    Reason.TRUNCATED: 0,
    Reason.PROTOCOL: 0,
    Reason.REDIRECT_LOOP: 0,
    Reason.BAD_REDIRECT: 0,
}


@pytest.mark.parametrize(("reason", "failures"), FAILURES.items(), ids=str)
async def test_what_counts_as_a_failure_of_the_host(reason, failures):
    throttle = make_throttle(state=HostState(host="a.test", failures=2))

    throttle.observe(ended(reason))

    assert throttle.state == HostState(host="a.test", failures=failures)


@pytest.mark.parametrize(
    ("reasons", "refused"),
    [
        ("timeout timeout", None),
        ("timeout connect http_5xx", Reason.HOST_GIVEN_UP),
        ("timeout timeout http_4xx timeout timeout", None),
        ("http_4xx http_4xx http_4xx http_4xx", None),
        ("timeout timeout ok timeout timeout timeout", Reason.HOST_GIVEN_UP),
        ("timeout timeout timeout ok ok", Reason.HOST_GIVEN_UP),
        ("timeout robots_disallowed timeout robots_disallowed timeout", Reason.HOST_GIVEN_UP),
    ],
)
async def test_a_host_is_given_up_after_failures_in_a_row(reasons, refused):
    throttle = make_throttle(give_up_after=3)

    for reason in reasons.split():
        throttle.observe(ended(Reason(reason)))

    assert throttle.refused is refused


async def test_a_redirect_that_is_carried_on_is_no_failure():
    throttle = make_throttle(state=HostState(host="a.test", failures=4))

    throttle.observe(
        ended(
            Reason.DEFERRED,
            carry_to="http://b.test/",
            redirects=(Hop(url="http://a.test/", status=301),),
        )
    )

    assert throttle.state == HostState(host="a.test")


async def test_the_first_word_on_why_a_host_is_refused_stands():
    throttle = make_throttle(give_up_after=2, max_retry_after_s=1)
    throttle.observe(ended(Reason.DEFERRED, retry_after_s=99))
    throttle.observe(ended(Reason.TIMEOUT))
    throttle.observe(ended(Reason.TIMEOUT))

    assert throttle.refused is Reason.DEFERRED


async def test_a_refused_host_is_not_asked():
    connections = asyncio.Semaphore(1)
    throttle = make_throttle(connections=connections, give_up_after=1)
    throttle.observe(ended(Reason.TIMEOUT))

    with pytest.raises(HostHeld):
        await start_times(throttle, 1)
    assert await free(connections) == 1


async def test_who_waits_for_a_host_that_is_given_up_is_turned_away():
    throttle = make_throttle(delay_s=0.02, give_up_after=1)
    await start_times(throttle, 1)
    started: list[float] = []
    async with waiting(throttle, started) as first, waiting(throttle, started) as second:
        throttle.observe(ended(Reason.TIMEOUT))
        for task in (first, second):
            with pytest.raises(HostHeld):
                await task

    assert started == []


async def test_a_hold_beyond_our_patience_ends_the_wait():
    throttle = make_throttle(patience_s=5)
    throttle.wait_for(6, since_s=time.time())

    with pytest.raises(HostHeld):
        await start_times(throttle, 1)


async def test_a_hold_that_grows_beyond_our_patience_ends_the_wait():
    throttle = make_throttle(patience_s=5)
    throttle.wait_for(0.03, since_s=time.time())
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


async def test_crawl_delay_counts_from_the_last_request_on():
    throttle = make_throttle()
    (first,) = await start_times(throttle, 1)

    throttle.slow_to(0.04)
    times = await start_times(throttle, 2)

    assert min(gaps([first, *times])) >= 0.04 - EARLY_S
    assert throttle.state.delay_s == 0.04


async def test_a_crawl_delay_below_our_own_changes_nothing():
    throttle = make_throttle(delay_s=5)
    await start_times(throttle, 1)
    before = throttle.state

    throttle.slow_to(4)

    assert throttle.state == before


async def test_the_requests_of_an_earlier_life_are_kept_apart_from_ours():
    throttle = make_throttle(delay_s=10)

    throttle.asked(AT_S + 3)
    throttle.asked(AT_S)
    throttle.slow_to(20)

    assert throttle.state == HostState(host="a.test", delay_s=20, next_at=AT_S + 23)


async def test_the_state_survives_save_and_load():
    saved = make_throttles("throttle.give_up_after=9")
    saved.of("b.test").slow_to(3)
    saved.of("b.test").observe(ended(Reason.HTTP_429, retry_after_s=5))
    saved.of("a.test").wait_for(301, since_s=AT_S)
    states = saved.states()
    loaded = make_throttles("throttle.give_up_after=9")

    loaded.load(states)

    assert states == [
        HostState(host="a.test", refused=Reason.DEFERRED),
        HostState(host="b.test", delay_s=3, failures=1, next_at=AT_S + 5),
    ]
    assert loaded.states() == states
    assert [loaded.of(state.host).state for state in states] == states


async def test_the_next_batch_starts_held():
    end = time.time() + 0.05
    throttles = make_throttles()
    throttles.load([HostState(host="a.test", next_at=end, delay_s=0.03)])

    times = await start_times(throttles.of("a.test"), 2)

    assert times[0] >= end - EARLY_S
    assert times[1] - times[0] >= 0.03 - EARLY_S
