"""What a scheduler remembers, and what it does about a time that has come.

In: crawl files; `<crawl>/schedule.json` in the store. Out: the crawls that have a schedule, what is
known of their last time, one decision for each that is due. A fire's run has an id of its own: who
begins it twice goes on with the same run.

Raises `ConfigError` for a file without a schedule, `StoreError`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import orjson

from scraper.crawl import resolve_crawl
from scraper.crawlfile import read_crawl_file
from scraper.errors import ConfigError
from scraper.layout import crawl_key
from scraper.run import new_run_id
from scraper.schedule import Fire, Overlap, Schedule
from scraper.store import Store

__all__ = [
    "Decision",
    "Memory",
    "ScheduledCrawl",
    "decide",
    "load_memory",
    "run_id_of",
    "save_memory",
    "scheduled_crawls",
]

Decision = Literal["start", "skip", "wait", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledCrawl:
    """A crawl file with a schedule."""

    file: Path
    crawl: str
    schedule: Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The last time of a crawl that was dealt with, and its run; `is_over` if that has ended."""

    last_due: datetime
    run_id: str | None = None
    is_over: bool = True


def scheduled_crawls(files: Sequence[Path], environ: Mapping[str, str]) -> list[ScheduledCrawl]:
    """Read crawl files; without any, those of `seeds/` that have a schedule.

    Raises:
        ConfigError: a file is wrong or has no schedule, there is none, two are of one crawl.
    """
    chosen = list(files) or sorted(Path("seeds").glob("*.toml"))
    found: dict[str, ScheduledCrawl] = {}
    for file in chosen:
        schedule = read_crawl_file(file).schedule
        if schedule is None:
            if files:
                raise ConfigError(f"{file}: has no [schedule]")
            continue
        crawl = resolve_crawl(str(file), environ=environ).crawl
        if crawl in found:
            raise ConfigError(f"{file}: is the crawl {crawl}, as {found[crawl].file} is")
        found[crawl] = ScheduledCrawl(file=file, crawl=crawl, schedule=schedule)
    if not found:
        raise ConfigError("no crawl file in seeds/ has a [schedule]: name one that has")
    return list(found.values())


def run_id_of(crawl: str, fire: Fire) -> str:
    """The id of the run of one time, always the same. Raises: nothing."""
    return new_run_id(fire.due, f"{crawl} is due")


def decide(overlap: Overlap, *, is_running: bool, is_held: bool) -> Decision:
    """What to do about a time that has come.

    Args:
        overlap: what the crawl says.
        is_running: a run that this scheduler began is alive.
        is_held: somebody else's is.
    """
    if not is_running and not is_held:
        return "start"
    if overlap == "queue":
        return "wait"
    return "cancel" if overlap == "cancel" and is_running else "skip"


def load_memory(store: Store, crawl: str) -> Memory | None:
    """What is remembered of a crawl; none if it never was scheduled.

    Raises:
        ConfigError: it is there but can't be read by this version.
        StoreError: the store failed.
    """
    key = crawl_key(crawl, "schedule.json")
    text = store.get(key)
    if text is None:
        return None
    try:
        about = orjson.loads(text)
        last_due = datetime.fromisoformat(about["last_due"])
        return Memory(last_due=last_due, run_id=about["run_id"], is_over=about["is_over"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{store.address(key)}: not of this version: {error}") from error


def save_memory(store: Store, crawl: str, memory: Memory) -> None:
    """Remember. Raises: `StoreError`."""
    store.put(crawl_key(crawl, "schedule.json"), orjson.dumps(memory))
