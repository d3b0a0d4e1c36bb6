"""What a partition remembers of its hosts from batch to batch: throttle state and robots.txt.

One JSON line a host, in the store, rewritten when a batch ends; the next batch reads the lines
of its own hosts, whichever process or replica runs it. Lines of other hosts are never unpacked.
"""

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime

import orjson
from isal import igzip

from scraper.models import HostMemory, HostState, Reason, RobotsAnswer
from scraper.store import Store
from scraper.urls import domain_of, host_of

__all__ = ["MAX_SAVED_ROBOTS_BYTES", "load_hosts", "memories_of", "merge_hosts", "save_hosts"]

MAX_SAVED_ROBOTS_BYTES = 65_536
"""A larger robots.txt is asked for again by the next batch."""

_STATE_FIELDS = frozenset(field.name for field in fields(HostState))
_HEAD = b'{"host":"'


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
    lines = _lines(store, key)
    return [_memory(line) for host, line in lines if domains is None or domain_of(host) in domains]


def save_hosts(store: Store, key: str, memories: Iterable[HostMemory]) -> None:
    """Replace what is remembered of these hosts, keep the others'. Raises: `StoreError`."""
    _write(store, key, dict(_lines(store, key)) | {m.host: _line(m) for m in memories})


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
    _write(store, target, {host: _line(memory) for host, memory in found.items()})


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


def _lines(store: Store, key: str) -> Iterator[tuple[str, bytes]]:
    """Each line that is saved, and its host."""
    data = store.get(key)
    lines = igzip.decompress(data).splitlines() if data else []  # type: ignore[no-untyped-call]  # no stub
    for line in lines:
        # No host has a character that JSON would write otherwise.
        yield line[len(_HEAD) : line.index(b'"', len(_HEAD))].decode("ascii"), line


def _write(store: Store, key: str, lines: Mapping[str, bytes]) -> None:
    ordered = b"".join(lines[host] + b"\n" for host in sorted(lines))
    store.put(key, igzip.compress(ordered, compresslevel=1, mtime=0))


def _line(memory: HostMemory) -> bytes:
    robots = [
        _values(answer) | {"body": base64.b64encode(answer.body).decode()}
        for answer in memory.robots
        if len(answer.body) <= MAX_SAVED_ROBOTS_BYTES
    ]
    state = _values(memory.state)
    dumped = {"host": memory.host, "saved_at": memory.saved_at, "state": state, "robots": robots}
    line = orjson.dumps(dumped)
    assert line.startswith(_HEAD + memory.host.encode("ascii") + b'"'), memory.host
    return line


def _values(value: HostState | RobotsAnswer) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _memory(line: bytes) -> HostMemory:
    found = orjson.loads(line)
    # Another version may have saved fewer fields, or more.
    known = {name: value for name, value in found["state"].items() if name in _STATE_FIELDS}
    return HostMemory(
        host=found["host"],
        state=HostState(**_with_reason(known, "refused")),
        robots=tuple(_robots(answer) for answer in found["robots"]),
        saved_at=found["saved_at"],
    )


def _robots(fields: dict[str, str]) -> RobotsAnswer:
    return RobotsAnswer(
        **_with_reason(fields, "reason")
        | {"body": base64.b64decode(fields["body"]), "at": datetime.fromisoformat(fields["at"])}
    )


def _with_reason(fields: dict[str, str], key: str) -> dict:  # type: ignore[type-arg]  # kwargs
    return fields | {key: Reason(fields[key]) if fields[key] else None}
