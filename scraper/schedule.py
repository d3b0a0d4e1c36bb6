"""When a crawl is due: the `[schedule]` of a crawl file, and the times that it names.

In: a cron line and a time zone. Out: instants, in UTC. Where a clock jumps, Debian's cron is
followed: a time that is left out is made up right after, one that comes twice counts once. The
jitter of a time is always the same, so that whoever asks again finds the same instant. Pure.
Durations in seconds. What is wrong in the table is pydantic's `ValidationError`, at its key.

Source: crontab(5); cronsim.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from scraper.values.locales import time_zone

__all__ = ["Fire", "Overlap", "Schedule", "fire_due", "next_fires"]

Overlap = Literal["skip", "queue", "cancel"]

_FIELDS = 5
_ANY_TIME = datetime(2001, 1, 1, tzinfo=UTC)


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != _FIELDS:
        raise ValueError(f"{len(fields)} fields; minute, hour, day, month and weekday are meant")
    try:
        next(CronSim(text, _ANY_TIME))
    except CronSimError as error:
        raise ValueError(str(error).replace("Bad", "wrong")) from error
    except StopIteration as error:
        raise ValueError("there is no such day") from error
    return " ".join(fields)


def _time_zone(name: str) -> str:
    time_zone(name)
    return name


class Schedule(BaseModel):
    """When a crawl runs by itself, and what happens when it still runs by then."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cron: Annotated[str, AfterValidator(_cron)] = Field(
        description="minute hour day month weekday, as in a crontab"
    )
    timezone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC", description="that the cron line is in: Europe/London"
    )
    jitter_s: float = Field(
        0, ge=0, le=86_400, allow_inf_nan=False, description="begin up to so much later"
    )
    overlap: Overlap = Field(
        "skip", description="when the former run is alive: skip this one, queue it, or cancel that"
    )
    deadline_s: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="stop a run after so long; it can go on"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """One time of a schedule: `due` is what its cron line says, `at` when it begins."""

    due: datetime
    at: datetime


def next_fires(schedule: Schedule, crawl: str, after: datetime) -> Iterator[Fire]:
    """The times whose `due` comes after an instant, in their order. Raises: nothing."""
    for due in CronSim(schedule.cron, after.astimezone(time_zone(schedule.timezone))):
        yield _fire(schedule, crawl, due)


def fire_due(schedule: Schedule, crawl: str, *, since: datetime, now: datetime) -> Fire | None:
    """The latest time that has begun by now, if it came after `since`: missed ones count once.

    Raises: nothing.
    """
    # Behind now, so that the very minute counts.
    begin = (now + timedelta(minutes=1)).astimezone(time_zone(schedule.timezone))
    for due in CronSim(schedule.cron, begin, reverse=True):
        fire = _fire(schedule, crawl, due)
        if fire.due <= since:
            return None
        if fire.at <= now:
            return fire
    return None


def _fire(schedule: Schedule, crawl: str, due: datetime) -> Fire:
    due = due.astimezone(UTC)
    chance = hashlib.sha256(f"{crawl} {due.isoformat()}".encode()).digest()
    share = int.from_bytes(chance[:4], "big") / 2**32
    return Fire(due=due, at=due + timedelta(seconds=share * schedule.jitter_s))
