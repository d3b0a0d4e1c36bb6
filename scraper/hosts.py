"""What a partition remembers of its hosts from batch to batch: throttle state and robots.txt.

One JSON line a host, in the store, rewritten when a batch ends; the next batch reads the lines
of its own hosts, whichever process or replica runs it.
"""

import base64
import gzip
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, replace
from dataclasses import fields as fields_of
from datetime import datetime

import orjson

from scraper.models import HostMemory, HostState, Reason, RobotsAnswer
from scraper.store import Store
from scraper.urls import domain_of, host_of

__all__ = ["MAX_SAVED_ROBOTS_BYTES", "load_hosts", "memories_of", "merge_hosts", "save_hosts"]

MAX_SAVED_ROBOTS_BYTES = 65_536
"""A larger robots.txt is asked for again by the next batch."""

_STATE_FIELDS = frozenset(field.name for field in fields_of(HostState))


def memories_of(
    states: Iterable[HostState], answers: Iterable[RobotsAnswer], *, saved_at: float
) -> list[HostMemory]:
    """Bring throttle states and robots answers together, host by host. Raises: nothing."""
    robots: dict[str, list[RobotsAnswer]] = {}
    for answer in answers:
        robots.setdefault(host_of(answer.origin), []).append(answer)
    by_host = {state.host: state for state in states}
    return [
        HostMemory(
            host=host,
            state=by_host.get(host, HostState(host=host)),
            robots=tuple(robots.get(host, ())),
            saved_at=saved_at,
        )
        for host in sorted(by_host.keys() | robots.keys())
    ]


def load_hosts(store: Store, key: str, domains: Collection[str] | None) -> list[HostMemory]:
    """Read what is remembered of the hosts of some domains, or of all. Raises: `StoreError`."""
    memories = _read(store, key)
    return [m for m in memories if domains is None or domain_of(m.host) in domains]


def save_hosts(store: Store, key: str, memories: Iterable[HostMemory]) -> None:
    """Replace what is remembered of these hosts, keep the others'. Raises: `StoreError`."""
    fresh = {memory.host: memory for memory in memories}
    kept = (memory for memory in _read(store, key) if memory.host not in fresh)
    _write(store, key, [*kept, *fresh.values()])


def merge_hosts(
    store: Store, sources: Iterable[str], *, target: str, domains: Collection[str]
) -> None:
    """Bring what several partitions remember of some domains' hosts into one; sources by age.

    Raises:
        StoreError: the store failed.
    """
    found: dict[str, HostMemory] = {}
    for source in sources:
        for memory in load_hosts(store, source, domains):
            former = found.get(memory.host)
            found[memory.host] = memory if former is None else _joined(former, memory)
    _write(store, target, found.values())


def _joined(former: HostMemory, later: HostMemory) -> HostMemory:
    """The stricter of both: a redirected robots.txt leaves a memory of a host elsewhere too."""
    state = replace(
        later.state,
        next_at=max(former.state.next_at, later.state.next_at),
        delay_s=max(former.state.delay_s, later.state.delay_s),
        refused=later.state.refused or former.state.refused,
        widened_s=max(former.state.widened_s, later.state.widened_s),
        widened_at=max(former.state.widened_at, later.state.widened_at),
        asked=max(former.state.asked, later.state.asked),
        retries=max(former.state.retries, later.state.retries),
    )
    answers = {answer.origin: answer for answer in (*former.robots, *later.robots)}
    return replace(later, state=state, robots=tuple(answers.values()))


def _read(store: Store, key: str) -> Iterator[HostMemory]:
    data = store.get(key)
    for line in gzip.decompress(data).splitlines() if data else ():
        fields = orjson.loads(line)
        # Another version may have saved fewer fields, or more.
        known = {name: value for name, value in fields["state"].items() if name in _STATE_FIELDS}
        state = HostState(**_with_reason(known, "refused"))
        robots = tuple(_robots(answer) for answer in fields["robots"])
        yield HostMemory(
            host=fields["host"], state=state, robots=robots, saved_at=fields["saved_at"]
        )


def _write(store: Store, key: str, memories: Iterable[HostMemory]) -> None:
    ordered = sorted(memories, key=lambda memory: memory.host)
    lines = b"".join(orjson.dumps(_dumped(memory)) + b"\n" for memory in ordered)
    store.put(key, gzip.compress(lines, compresslevel=1, mtime=0))


def _dumped(memory: HostMemory) -> dict[str, object]:
    robots = [
        asdict(answer) | {"body": base64.b64encode(answer.body).decode()}
        for answer in memory.robots
        if len(answer.body) <= MAX_SAVED_ROBOTS_BYTES
    ]
    return {
        "host": memory.host,
        "saved_at": memory.saved_at,
        "state": asdict(memory.state),
        "robots": robots,
    }


def _robots(fields: dict[str, str]) -> RobotsAnswer:
    return RobotsAnswer(
        **_with_reason(fields, "reason")
        | {"body": base64.b64decode(fields["body"]), "at": datetime.fromisoformat(fields["at"])}
    )


def _with_reason(fields: dict[str, str], key: str) -> dict:  # type: ignore[type-arg]  # kwargs
    return fields | {key: Reason(fields[key]) if fields[key] else None}
