"""Throttles for tests: quick ones, and what they make of requests that want to start at once."""

import asyncio
import time
from datetime import UTC, datetime
from itertools import pairwise

from scraper.models import Attempt, HostState, Reason
from scraper.settings_table import Throttle
from scraper.stopping import StopFlag
from scraper.throttle import HostThrottle, Throttles
from scraper.urls import domain_of
from tests.scraper.batches import quick_settings

AT = datetime(2126, 1, 2, 3, 4, 5, tzinfo=UTC)
AT_S = AT.timestamp()
EARLY_S = 0.01
"""What the clock that waits and the one that measures may differ by."""


def make_throttle(
    *,
    state: HostState | None = None,
    connections: asyncio.Semaphore | None = None,
    stop: StopFlag | None = None,
    patience_s: float = 60.0,
    **settings: object,
) -> HostThrottle:
    quick: dict[str, object] = {"delay_s": 0, "jitter": 0, "max_delay_s": 0} | settings
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
