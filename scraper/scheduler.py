"""The scheduler: runs crawls when they are due, each in a process of its own, in the foreground.

In: the crawls, a store, and what the world gives: a clock, a way to wait, a way to begin a run.
Out: runs, one line for people about each decision, and `<crawl>/schedule.json`. A run that crashes
takes nothing with it. A scheduler that is killed and started again makes a missed time up once,
and goes on with a run that was under way. Durations in seconds.

Raises `StoreError` when the store fails while a run begins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from scraper.errors import LeaseHeld
from scraper.lease import check_free
from scraper.schedule import Fire, fire_due, next_fires
from scraper.scheduling import (
    Memory,
    ScheduledCrawl,
    decide,
    load_memory,
    run_id_of,
    save_memory,
)
from scraper.store import Store

__all__ = ["Run", "Scheduler", "World"]

LOOK_S = 1.0
"""How often runs under way are looked at."""

_LONGEST_WAIT_S = 60.0
"""A clock may be set, or a machine sleep: nothing is waited for in one piece."""

_KILL_AFTER_S = 60.0
"""A run that was asked to stop ends itself long before."""

_HELD, _INTERRUPTED = 4, 130


class Run(Protocol):
    """A run's process."""

    def poll(self) -> int | None:
        """Its exit code; none while it is alive."""

    def terminate(self) -> None:
        """Ask it to stop, as Ctrl-C does."""

    def kill(self) -> None:
        """End it at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the scheduler can't make up itself.

    `wait` says whether somebody asked it to stop meanwhile.
    """

    now: Callable[[], datetime]
    wait: Callable[[float], bool]
    start: Callable[[ScheduledCrawl, str], Run]
    tell: Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One crawl under the scheduler.

    `pending` is a time that has come and waits for its run, `goes_on` says that this run was begun
    before.
    """

    crawl: ScheduledCrawl
    memory: Memory
    pending: Fire | None = None
    goes_on: bool = False
    run: Run | None = None
    began_at: datetime | None = None
    asked_at: datetime | None = None


class Scheduler:
    """Runs crawls by their schedules until it is asked to stop."""

    def __init__(self, crawls: Sequence[ScheduledCrawl], store: Store, world: World) -> None:
        self._store, self._world = store, world
        self._entries = [self._entry(crawl) for crawl in crawls]
        self._worst = 0

    def run(self, *, once: bool = False) -> int:
        """Run what is due, on and on, or once; give the exit code.

        Raises:
            StoreError: the store failed.
        """
        for entry in self._entries:
            self._take_up(entry)
        look = True
        while True:
            for entry in self._entries:
                self._step(entry, look=look)
            look = not once
            if once and not any(entry.run or entry.pending for entry in self._entries):
                return self._worst
            if self._world.wait(self._pause_s()):
                return self._stopped()

    def _step(self, entry: _Entry, *, look: bool) -> None:
        """Do what there is to do for one crawl now."""
        now = self._world.now()
        self._reap(entry)
        self._hold_to_deadline(entry, now)
        if look:
            since = entry.pending.due if entry.pending is not None else entry.memory.last_due
            fire = fire_due(entry.crawl.schedule, entry.crawl.crawl, since=since, now=now)
            if fire is not None:
                entry.pending, entry.goes_on = fire, False
        if entry.pending is not None:
            self._settle(entry, entry.pending, now)

    def _entry(self, crawl: ScheduledCrawl) -> _Entry:
        memory = load_memory(self._store, crawl.crawl)
        if memory is None:
            # What came before it was first scheduled wasn't missed.
            memory = Memory(last_due=self._world.now())
            save_memory(self._store, crawl.crawl, memory)
        return _Entry(crawl=crawl, memory=memory)

    def _take_up(self, entry: _Entry) -> None:
        """Go on with a run that was under way when a scheduler ended, unless a new one is due."""
        memory, crawl = entry.memory, entry.crawl
        due = fire_due(crawl.schedule, crawl.crawl, since=memory.last_due, now=self._world.now())
        if not memory.is_over and due is None:
            self._go_on(entry)

    def _go_on(self, entry: _Entry) -> None:
        entry.pending = Fire(due=entry.memory.last_due, at=entry.memory.last_due)
        entry.goes_on = True

    def _settle(self, entry: _Entry, fire: Fire, now: datetime) -> None:
        """Decide about a time that has come."""
        name = entry.crawl.crawl
        is_running = entry.run is not None
        is_held = not is_running and self._is_held(name)
        decision = decide(entry.crawl.schedule.overlap, is_running=is_running, is_held=is_held)
        if decision == "start":
            entry.pending = None
            self._begin(entry, fire, now)
        elif decision == "skip":
            entry.pending = None
            self._remember(entry, replace(entry.memory, last_due=fire.due))
            self._world.tell(f"{name}: {_shown(fire)} is skipped, another run is alive")
        elif decision == "cancel" and entry.asked_at is None:
            self._ask_to_stop(entry, now, why=f"{_shown(fire)} is due")

    def _begin(self, entry: _Entry, fire: Fire, now: datetime) -> None:
        known = entry.memory.run_id if entry.goes_on else None
        run_id = known or run_id_of(entry.crawl.crawl, fire)
        # Known before it begins: whoever comes after a crash begins the same run, not another.
        self._remember(entry, Memory(last_due=fire.due, run_id=run_id, is_over=False))
        late_s = (now - fire.at).total_seconds()
        late = f", {late_s / 60:.0f} min late" if late_s > 2 * _LONGEST_WAIT_S else ""
        word = "goes on with" if known else "begins as"
        self._world.tell(f"{entry.crawl.crawl}: {_shown(fire)}{late}: {word} {run_id}")
        entry.run = self._world.start(entry.crawl, run_id)
        entry.began_at, entry.asked_at, entry.goes_on = now, None, False

    def _reap(self, entry: _Entry) -> None:
        code = entry.run.poll() if entry.run is not None else None
        if code is None:
            return
        entry.run = entry.began_at = entry.asked_at = None
        self._worst = max(self._worst, code if code >= 0 else 1)
        self._world.tell(f"{entry.crawl.crawl}: {entry.memory.run_id} ended with exit code {code}")
        self._remember(entry, replace(entry.memory, is_over=True))
        if code == _HELD and entry.crawl.schedule.overlap == "queue" and entry.pending is None:
            # Somebody was quicker.
            self._go_on(entry)

    def _hold_to_deadline(self, entry: _Entry, now: datetime) -> None:
        if entry.run is None or entry.began_at is None:
            return
        deadline_s = entry.crawl.schedule.deadline_s
        if entry.asked_at is not None:
            if now - entry.asked_at > timedelta(seconds=_KILL_AFTER_S):
                entry.run.kill()
        elif deadline_s is not None and now - entry.began_at >= timedelta(seconds=deadline_s):
            self._ask_to_stop(entry, now, why=f"its deadline of {deadline_s:g} s is over")

    def _ask_to_stop(self, entry: _Entry, now: datetime, *, why: str) -> None:
        assert entry.run is not None, "only a run that is alive is stopped"
        self._world.tell(f"{entry.crawl.crawl}: {entry.memory.run_id} is stopped: {why}")
        entry.run.terminate()
        entry.asked_at = now

    def _stopped(self) -> int:
        """End the runs under way; they are gone on with when the scheduler is started again."""
        running = [entry.run for entry in self._entries if entry.run is not None]
        for run in running:
            run.terminate()
        while any(run.poll() is None for run in running):
            if self._world.wait(LOOK_S / 10):
                # Asked once more: they end at once, and can go on.
                for run in running:
                    run.kill()
        return _INTERRUPTED if running else 0

    def _is_held(self, crawl: str) -> bool:
        try:
            check_free(self._store, crawl)
        except LeaseHeld:
            return True
        return False

    def _pause_s(self) -> float:
        """How long nothing can happen."""
        if any(entry.run or entry.pending for entry in self._entries):
            return LOOK_S
        now = self._world.now()
        coming = (
            next(next_fires(entry.crawl.schedule, entry.crawl.crawl, entry.memory.last_due)).at
            for entry in self._entries
        )
        left_s = min((at - now).total_seconds() for at in coming)
        return min(max(left_s, LOOK_S / 10), _LONGEST_WAIT_S)

    def _remember(self, entry: _Entry, memory: Memory) -> None:
        entry.memory = memory
        save_memory(self._store, entry.crawl.crawl, memory)


def _shown(fire: Fire) -> str:
    return f"{fire.due:%Y-%m-%d %H:%M} UTC"
