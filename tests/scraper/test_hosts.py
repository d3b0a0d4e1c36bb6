import gzip
from datetime import UTC, datetime

import orjson
import pytest

from scraper.hosts import (
    MAX_SAVED_ROBOTS_BYTES,
    load_hosts,
    memories_of,
    merge_hosts,
    save_hosts,
)
from scraper.models import HostMemory, HostState, Reason, RobotsAnswer
from scraper.store import Store

KEY = "run/hosts/1-0001.jsonl.gz"
AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def robots(origin, body=b"User-agent: *\r\n\xff", reason=Reason.OK, **more):
    known = {"http_status": 200, "content_encoding": None, "at": AT}
    return RobotsAnswer(origin=origin, reason=reason, body=body, **known | more)


def memory(host, *answers, **state):
    return HostMemory(host=host, state=HostState(host=host, **state), robots=answers)


FULL = memory(
    "a.example.org",
    robots("https://a.example.org"),
    robots(
        "http://a.example.org:8080",
        b"\x1f\x8b",
        Reason.ROBOTS_UNREACHABLE,
        http_status=None,
        content_encoding="gzip",
    ),
    next_at=1767322445.25,
    delay_s=2.5,
    failures=3,
    refused=Reason.HOST_GIVEN_UP,
    widened_s=5.0,
    widened_at=1767322440.5,
    asked=40,
    retries=7,
)


def test_what_is_saved_is_loaded(store):
    save_hosts(store, KEY, [FULL, memory("[::1]")])
    assert load_hosts(store, KEY, None) == [memory("[::1]"), FULL]


def test_nothing_is_remembered_of_a_new_partition(store):
    assert load_hosts(store, KEY, None) == []
    assert load_hosts(store, KEY, {"example.org"}) == []


def test_only_hosts_of_the_domains_are_loaded(store):
    known = [memory(host) for host in ("a.example.org", "b.example.org", "c.net", "example.org")]
    save_hosts(store, KEY, known)
    found = load_hosts(store, KEY, {"example.org", "d.net"})
    assert [m.host for m in found] == ["a.example.org", "b.example.org", "example.org"]


def test_saving_replaces_these_hosts_and_keeps_the_others(store):
    save_hosts(store, KEY, [memory("a.org", failures=1), memory("b.org", failures=1)])
    save_hosts(store, KEY, [memory("b.org", failures=2), memory("c.org")])
    assert load_hosts(store, KEY, None) == [
        memory("a.org", failures=1),
        memory("b.org", failures=2),
        memory("c.org"),
    ]


def test_equal_memories_make_equal_bytes(store):
    save_hosts(store, KEY, [memory("a.org"), FULL])
    save_hosts(store, "other", [FULL, memory("a.org")])
    assert store.get(KEY) == store.get("other")


def test_a_large_robots_txt_is_not_saved(store):
    at_most = robots("https://a.org", b"#" * MAX_SAVED_ROBOTS_BYTES)
    too_large = robots("http://a.org", b"#" * (MAX_SAVED_ROBOTS_BYTES + 1))
    save_hosts(store, KEY, [memory("a.org", at_most, too_large)])
    assert load_hosts(store, KEY, None) == [memory("a.org", at_most)]


def merged(store, *sources, domains):
    keys = [f"run/hosts/{n}" for n in range(len(sources))]
    for key, memories in zip(keys, sources, strict=True):
        save_hosts(store, key, memories)
    merge_hosts(store, keys, target="run/hosts/2", domains=domains)
    return load_hosts(store, "run/hosts/2", None)


def test_hosts_of_several_partitions_come_together(store):
    found = merged(store, [memory("a.org"), memory("x.a.org")], [], [memory("b.org")],
                   domains={"a.org", "b.org", "c.org"})  # fmt: skip
    assert found == [memory("a.org"), memory("b.org"), memory("x.a.org")]


def test_hosts_that_are_not_wanted_stay_behind(store):
    assert merged(store, [memory("a.org"), memory("b.org")], domains={"b.org"}) == [memory("b.org")]


def test_merging_what_is_missing_gives_nothing(store):
    assert merged(store, domains={"a.org"}) == []


A, B = robots("https://a.org"), robots("http://a.org")
NEWER_A = robots("https://a.org", b"newer")
JOINED = {
    "next_at": ({"next_at": 5.0}, {"next_at": 3.0}, {"next_at": 5.0}),
    "pace": (
        {"widened_s": 4.0, "widened_at": 1.0},
        {"widened_at": 2.0},
        {"widened_s": 4.0, "widened_at": 2.0},
    ),
    "budget": ({"asked": 9, "retries": 3}, {"asked": 4, "retries": 4}, {"asked": 9, "retries": 4}),
    "delay": ({"delay_s": 1.0}, {"delay_s": 3.0}, {"delay_s": 3.0}),
    "refused": ({"refused": Reason.DEFERRED}, {}, {"refused": Reason.DEFERRED}),
    "refused_later": (
        {"refused": Reason.DEFERRED},
        {"refused": Reason.HOST_GIVEN_UP},
        {"refused": Reason.HOST_GIVEN_UP},
    ),
    "failures_of_the_later": ({"failures": 4}, {"failures": 1}, {"failures": 1}),
}


@pytest.mark.parametrize(("former", "later", "expected"), JOINED.values(), ids=JOINED.keys())
def test_of_two_memories_the_stricter_holds(store, former, later, expected):
    sources = [memory("a.org", **former)], [memory("a.org", **later)]
    assert merged(store, *sources, domains={"a.org"}) == [memory("a.org", **expected)]


def test_of_two_answers_the_later_holds(store):
    sources = [memory("a.org", A, B)], [memory("a.org", NEWER_A)]
    assert merged(store, *sources, domains={"a.org"}) == [memory("a.org", NEWER_A, B)]


def test_states_and_answers_are_brought_together_by_host():
    answers = [robots("http://b.org"), robots("https://b.org:8443"), robots("http://c.org")]
    states = [HostState(host="b.org", delay_s=2), HostState(host="a.org", next_at=7)]
    assert memories_of(states, answers, saved_at=9.0) == [
        HostMemory(host="a.org", state=states[1], robots=(), saved_at=9.0),
        HostMemory(host="b.org", state=states[0], robots=tuple(answers[:2]), saved_at=9.0),
        HostMemory(host="c.org", state=HostState(host="c.org"), robots=(answers[2],), saved_at=9.0),
    ]


def test_what_another_version_saved_is_read(store):
    line = {
        "host": "a.org",
        "saved_at": 3.0,
        "state": {"host": "a.org", "delay_s": 2.0, "refused": None, "of_the_future": 1},
        "robots": [],
    }
    store.put(KEY, gzip.compress(orjson.dumps(line) + b"\n"))
    state = HostState(host="a.org", delay_s=2.0)
    assert load_hosts(store, KEY, None) == [
        HostMemory(host="a.org", state=state, robots=(), saved_at=3.0)
    ]
