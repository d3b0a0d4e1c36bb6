"""The runs of a store, by name: which there are, how each ended, which one a person means.

In: a store, and what a command line says: `CRAWL/RUN_ID`, or `CRAWL` for its latest. Out: the
run's key, or one `RunState` a run. Only folders are listed and two small files a run are read,
however many pages a store holds. What isn't ours in a store is passed over.

Raises `ConfigError` for a name that no run has, with the nearest one; `StoreError`.
"""

import difflib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import orjson

from scraper.errors import ConfigError
from scraper.layout import crawl_key, run_key
from scraper.reason import Status
from scraper.store import Store
from scraper.store_open import readable_store

__all__ = [
    "RunState",
    "State",
    "existing_store",
    "find_run",
    "latest_run_id",
    "list_runs",
    "published_run",
]

_READERS = 16
"""An object store answers each of many small reads late, but all of them at once."""


class State(StrEnum):
    """How far a run came."""

    LATEST = "latest"
    PUBLISHED = "published"
    GATE = "gate fell short"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """One run as the list of runs shows it; without a summary its sums are None."""

    crawl: str
    run_id: str
    state: State
    rows: int
    ok: int | None = None
    unchanged: int | None = None
    skipped: int | None = None
    failed: int | None = None
    began_at: datetime


def existing_store(url: str) -> Store:
    """Open a store to read from it: a folder that isn't there is not made.

    Raises:
        ConfigError: there is no such store.
    """
    if "://" not in url and not Path(url).is_dir():
        word = "is no folder" if Path(url).exists() else "there is no such folder"
        raise ConfigError(f"the store {url}: {word}; --store says where crawls live")
    return readable_store(url)


def list_runs(store: Store, crawl: str | None = None) -> list[RunState]:
    """All runs of a store, or of one crawl, newest first.

    Raises:
        ConfigError: there is no such crawl.
        StoreError: the store failed.
    """
    if crawl is None:
        return _states(store, store.folders())
    states = _states(store, [crawl]) if _is_name(crawl) else []
    if not states:
        raise _no_crawl(store, crawl)
    return states


def find_run(store: Store, name: str) -> str:
    """The run that a person means, as `<crawl>/<run_id>`.

    Args:
        store: where it is.
        name: `CRAWL/RUN_ID`, or `CRAWL` for its latest published run.

    Raises:
        ConfigError: there is no such run; with the nearest name.
        StoreError: the store failed.
    """
    crawl, slash, run_id = name.partition("/")
    if not _is_name(crawl) or (slash and not _is_name(run_id)):
        raise ConfigError(f"{name!r} is no run: CRAWL/RUN_ID, or CRAWL for its latest one")
    if not slash:
        latest = latest_run_id(store, crawl)
        if latest is None:
            raise _no_latest(store, crawl)
        return run_key(crawl, latest)
    if _facts(store, run_key(name, "run.json")) is None:
        raise _no_run(store, crawl, run_id)
    return name


def published_run(store: Store, name: str) -> str:
    """The same for a run whose dataset is wanted.

    Raises:
        ConfigError: there is no such run, or it isn't published; with what to do.
        StoreError: the store failed.
    """
    run = find_run(store, name)
    if _facts(store, run_key(run, "summary.json")) is None:
        raise ConfigError(f"{run} isn't published yet; go on with it: scraper resume {run}")
    return run


def latest_run_id(store: Store, crawl: str) -> str | None:
    """The id of a crawl's latest run, as `latest.json` says; none without one.

    Raises:
        StoreError: the store failed.
    """
    facts = _facts(store, crawl_key(crawl, "latest.json"))
    run_id = facts.get("run_id") if facts is not None else None
    return run_id if isinstance(run_id, str) else None


def _is_name(text: str) -> bool:
    """Whether a text can be one segment of a key."""
    return text not in {"", ".", ".."} and "/" not in text and text.isprintable()


def _no_latest(store: Store, crawl: str) -> ConfigError:
    states = _states(store, [crawl])
    if not states:
        return _no_crawl(store, crawl)
    newest = f"{crawl}/{states[0].run_id}"
    if states[0].state is State.UNFINISHED:
        return ConfigError(f"{crawl} has no latest run yet; go on with: scraper resume {newest}")
    return ConfigError(f"{crawl} has no latest run; its newest is {newest}: {states[0].state}")


def _no_run(store: Store, crawl: str, run_id: str) -> ConfigError:
    states = _states(store, [crawl])
    if not states:
        return _no_crawl(store, crawl)
    runs = [f"{crawl}/{state.run_id}" for state in states]
    return ConfigError(f"no such run: {crawl}/{run_id}{_hint(f'{crawl}/{run_id}', runs)}")


def _no_crawl(store: Store, crawl: str) -> ConfigError:
    known = dict.fromkeys(state.crawl for state in _states(store, store.folders()))
    return ConfigError(f"no such crawl: {crawl}{_hint(crawl, known)}")


def _hint(word: str, known: Iterable[str]) -> str:
    """The nearest name, if any is near, and how to see all of them."""
    close = difflib.get_close_matches(word, list(known), n=1)
    meant = f"did you mean {close[0]}? " if close else ""
    return f"; {meant}`scraper list` shows what is there"


def _states(store: Store, crawls: list[str]) -> list[RunState]:
    """The runs of some crawls, newest first; a crawl that isn't there has none."""
    with ThreadPoolExecutor(_READERS) as readers:
        run_ids = list(readers.map(store.folders, crawls))
        latest = list(readers.map(lambda crawl: latest_run_id(store, crawl), crawls))
        runs = [
            (crawl, run_id, run_id == newest)
            for crawl, ids, newest in zip(crawls, run_ids, latest, strict=True)
            for run_id in ids
        ]
        found = readers.map(lambda run: _state(store, run[0], run[1], is_latest=run[2]), runs)
        states = [state for state in found if state is not None]
    return sorted(states, key=lambda state: (state.began_at, state.run_id), reverse=True)


def _state(store: Store, crawl: str, run_id: str, *, is_latest: bool) -> RunState | None:
    """What is known of one run; none if the folder isn't one."""
    run = run_key(crawl, run_id)
    facts = _facts(store, run_key(run, "run.json"))
    if facts is None:
        return None
    try:
        began_at = datetime.fromisoformat(str(facts["created_at"])).astimezone(UTC)
        rows = int(str(facts["rows"]))
    except (KeyError, ValueError):
        return None
    summary = _facts(store, run_key(run, "summary.json"))
    state = State.UNFINISHED
    if summary is not None:
        held = State.PUBLISHED if _gates_held(summary) else State.GATE
        state = State.LATEST if is_latest else held
    return RunState(
        crawl=crawl, run_id=run_id, state=state, rows=rows, began_at=began_at, **_sums(summary)
    )


def _sums(summary: dict[str, object] | None) -> dict[str, int]:
    outcomes = summary.get("outcomes") if summary is not None else None
    found = outcomes if isinstance(outcomes, dict) else {}
    return {status.value: found[status] for status in Status if isinstance(found.get(status), int)}


def _gates_held(summary: dict[str, object]) -> bool:
    gates = summary.get("gates")
    known = gates if isinstance(gates, list) else []
    return all(isinstance(gate, dict) and gate.get("held") is True for gate in known)


def _facts(store: Store, key: str) -> dict[str, object] | None:
    """A JSON object of the store; none if there is no such key, or something else stands there."""
    text = store.get(key)
    try:
        facts = orjson.loads(text) if text is not None else None
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None
