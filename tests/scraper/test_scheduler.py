"""The scheduler in a world of its own: its clock jumps, its runs are values, nothing sleeps."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scraper.lease import take_lease
from scraper.schedule import Schedule
from scraper.scheduler import Scheduler, World
from scraper.scheduling import Memory, ScheduledCrawl, load_memory, save_memory
from tests.scraper.batches import store_in

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)


@dataclass
class FakeRun:
    """A run that ends by itself after so long, or so long after it was asked to stop."""

    world: "FakeWorld"
    name: str
    began: datetime
    takes_s: float
    code: int = 0
    stops_in_s: float = 1.0
    ends_at: datetime = field(init=False)

    def __post_init__(self):
        self.ends_at = self.began + timedelta(seconds=self.takes_s)

    def poll(self):
        return self.code if self.world.now >= self.ends_at else None

    def terminate(self):
        self.world.log.append(f"stop {self.name}")
        self.code = 130
        self.ends_at = min(self.ends_at, self.world.now + timedelta(seconds=self.stops_in_s))

    def kill(self):
        self.world.log.append(f"kill {self.name}")
        self.code, self.ends_at = -9, self.world.now


@dataclass
class FakeWorld:
    """`log` has what happened, by the minutes since noon. It asks to stop after `lasts`."""

    now: datetime = NOON
    lasts: timedelta = timedelta(hours=4)
    takes_s: list[float] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    stops_in_s: float = 1.0
    log: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    waits: int = 0
    before_wait: object = None

    def __post_init__(self):
        self.until = self.now + self.lasts

    @property
    def world(self):
        return World(now=lambda: self.now, wait=self.wait, start=self.start, tell=self.told.append)

    def wait(self, seconds):
        self.waits += 1
        assert self.waits < 100_000
        assert seconds > 0
        if self.before_wait is not None:
            self.before_wait(self)
        self.now += timedelta(seconds=seconds)
        if self.now < self.until:
            return False
        self.until += timedelta(days=999)
        return True

    def start(self, crawl, run_id):
        minutes = (self.now - NOON).total_seconds() / 60
        self.log.append(f"{minutes:.0f} {crawl.crawl}")
        self.ids = [*getattr(self, "ids", []), run_id]
        takes_s = self.takes_s.pop(0) if self.takes_s else 60
        code = self.codes.pop(0) if self.codes else 0
        return FakeRun(self, crawl.crawl, self.now, takes_s, code=code, stops_in_s=self.stops_in_s)


def hourly(name="shop", **more):
    schedule = Schedule(cron=more.pop("cron", "0 * * * *"), **more)
    return ScheduledCrawl(file=Path(f"{name}.toml"), crawl=name, schedule=schedule)


def run(world, store, *crawls, once=False):
    return Scheduler(crawls or [hourly()], store, world.world).run(once=once)


@pytest.fixture
def store(tmp_path):
    return store_in(tmp_path)


def test_each_time_begins_one_run(store):
    world = FakeWorld()
    assert run(world, store) == 0
    assert world.log == ["60 shop", "120 shop", "180 shop"]
    assert len(set(world.ids)) == 3
    memory = load_memory(store, "shop")
    assert memory == Memory(last_due=NOON + timedelta(hours=3), run_id=world.ids[2], is_over=True)


def test_crawls_run_beside_each_other(store):
    world = FakeWorld(lasts=timedelta(hours=2), takes_s=[3000.0] * 9)
    run(world, store, hourly(), hourly("news", cron="30 * * * *"))
    assert world.log == ["30 news", "60 shop", "90 news", "stop news"]


def test_it_sleeps_while_nothing_is_due(store):
    world = FakeWorld(lasts=timedelta(days=1), takes_s=[1.0])
    run(world, store, hourly(cron="0 0 * * *"))
    assert world.log == ["720 shop"]
    assert world.waits < 24 * 60 + 10


@pytest.mark.parametrize("hours", [1, 5, 24 * 40])
def test_what_was_missed_is_made_up_once(store, hours):
    save_memory(store, "shop", Memory(last_due=NOON - timedelta(hours=hours)))
    world = FakeWorld(lasts=timedelta(minutes=90))
    run(world, store)
    assert world.log == ["0 shop", "60 shop"]


def test_what_came_before_it_was_first_scheduled_was_not_missed(store):
    world = FakeWorld(lasts=timedelta(minutes=50))
    run(world, store)
    assert world.log == []
    assert load_memory(store, "shop").last_due == NOON
    # Off for a while, it finds on its return what it missed.
    later = FakeWorld(now=NOON + timedelta(hours=5, minutes=30), lasts=timedelta(minutes=20))
    run(later, store)
    assert later.log == ["330 shop"]


def test_skip_leaves_a_time_out_while_the_former_run_is_alive(store):
    world = FakeWorld(takes_s=[4000.0])
    run(world, store)
    assert world.log == ["60 shop", "180 shop"]
    assert "shop: 2026-03-28 14:00 UTC is skipped, another run is alive" in world.told


def test_queue_begins_when_the_former_run_ends_and_never_more_than_one(store):
    world = FakeWorld(takes_s=[3600 * 2.5, 60.0], lasts=timedelta(hours=4.9))
    run(world, store, hourly(overlap="queue"))
    assert world.log == ["60 shop", "210 shop", "240 shop"]


def test_cancel_stops_the_former_run(store):
    world = FakeWorld(takes_s=[9000.0], stops_in_s=45)
    run(world, store, hourly(overlap="cancel"))
    assert world.log == ["60 shop", "stop shop", "121 shop", "180 shop"]


def test_a_run_that_does_not_stop_is_ended(store):
    world = FakeWorld(takes_s=[90_000.0], stops_in_s=90_000)
    run(world, store, hourly(overlap="cancel"))
    assert world.log[:4] == ["60 shop", "stop shop", "kill shop", "121 shop"]


@pytest.mark.parametrize(
    ("overlap", "begun"),
    [("skip", ["120 shop"]), ("queue", ["90 shop", "120 shop"]), ("cancel", ["120 shop"])],
)
def test_somebody_elses_run_is_told_by_its_lease(store, overlap, begun):
    lease = take_lease(store, "shop/by-hand")

    def release(world):
        if world.now >= NOON + timedelta(minutes=90):
            lease.release()

    world = FakeWorld(lasts=timedelta(hours=2.5), before_wait=release)
    run(world, store, hourly(overlap=overlap))
    assert world.log == begun


def test_a_deadline_stops_a_run(store):
    world = FakeWorld(takes_s=[90_000.0, 10.0], lasts=timedelta(hours=2.5))
    run(world, store, hourly(deadline_s=600))
    assert world.log == ["60 shop", "stop shop", "120 shop"]
    assert any("its deadline of 600 s is over" in line for line in world.told)
    assert load_memory(store, "shop").is_over


def test_stopped_it_stops_its_run_and_goes_on_with_it_later(store):
    world = FakeWorld(takes_s=[9000.0], lasts=timedelta(minutes=70))
    assert run(world, store) == 130
    assert world.log == ["60 shop", "stop shop"]
    assert not load_memory(store, "shop").is_over
    later = FakeWorld(now=NOON + timedelta(minutes=80), lasts=timedelta(minutes=20))
    assert run(later, store) == 0
    assert (later.log, later.ids) == (["80 shop"], world.ids)
    assert any("goes on with" in line for line in later.told)
    last = FakeWorld(now=NOON + timedelta(minutes=102), lasts=timedelta(minutes=10))
    run(last, store)
    assert last.log == []


def test_a_new_time_goes_before_a_run_that_was_under_way(store):
    run(FakeWorld(takes_s=[9000.0], lasts=timedelta(minutes=70)), store)
    later = FakeWorld(now=NOON + timedelta(hours=3.5), lasts=timedelta(minutes=10))
    run(later, store)
    assert later.log == ["210 shop"]
    assert any("begins as" in line for line in later.told)


def test_a_run_that_crashes_takes_nothing_with_it(store):
    world = FakeWorld(codes=[-11, 1])
    assert run(world, store) == 0
    assert world.log == ["60 shop", "120 shop", "180 shop"]
    assert any("ended with exit code -11" in line for line in world.told)


@pytest.mark.parametrize(("overlap", "count"), [("skip", 1), ("queue", 2)])
def test_a_lease_that_was_taken_in_between(store, overlap, count):
    """The run itself found another one alive."""
    world = FakeWorld(codes=[4], lasts=timedelta(minutes=70))
    run(world, store, hourly(overlap=overlap))
    assert len(world.log) == count
    assert len(set(world.ids)) == 1


def test_once_runs_what_is_due_and_ends_with_its_exit_code(store):
    assert run(FakeWorld(), store, once=True) == 0
    assert load_memory(store, "shop").last_due == NOON
    # Its run takes longer than an hour: the next time is left to the next call.
    world = FakeWorld(now=NOON + timedelta(hours=1), codes=[3], takes_s=[9000.0])
    assert run(world, store, once=True) == 3
    assert world.log == ["60 shop"]


def test_a_clock_that_jumps_back_begins_nothing_twice(store):
    def back(world):
        if len(world.log) == 1 and world.now > NOON + timedelta(minutes=90):
            world.now -= timedelta(hours=1)
            world.before_wait = None

    world = FakeWorld(lasts=timedelta(hours=2.5), before_wait=back)
    run(world, store)
    assert world.log == ["60 shop", "120 shop"]
