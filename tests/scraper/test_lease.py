"""Leases, in a real folder, by real threads and real processes."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import orjson
import pytest

from scraper import lease as lease_module
from scraper.errors import LeaseHeld, LeaseLost, StoreError
from scraper.lease import STALE_S, take_lease
from scraper.process import this_process
from scraper.store import Store
from tests.scraper.batches import store_in


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


@pytest.fixture
def quick(monkeypatch):
    """A heart that beats every hundredth of a second."""
    monkeypatch.setattr(lease_module, "HEARTBEAT_S", 0.01)


def leases(store):
    return [key for key in store.list("shop/lease") if not key.endswith("clock")]


def make_older(store, tmp_path, number, *, by_s):
    """Set the store's clock for one lease back."""
    path = tmp_path / f"store/shop/lease/{number:06d}"
    then = time.time() - by_s
    os.utime(path, (then, then))


def rewrite(store, number, **process):
    """Change who holds a lease."""
    key = f"shop/lease/{number:06d}"
    held = orjson.loads(store.get(key))
    held["process"] |= process
    store.put(key, orjson.dumps(held))


def test_a_lease_says_who_holds_it(store):
    take_lease(store, "shop/r1", owner="flyte/a0")
    held = orjson.loads(store.get("shop/lease/000001"))
    assert held["process"]["pid"] == os.getpid()
    assert (held["run"], held["owner"], held["is_released"]) == ("shop/r1", "flyte/a0", False)
    assert abs(held["heartbeat_at"] - time.time()) < 5
    assert set(held["process"]) == {"host", "machine", "boot", "namespace", "pid", "started"}


def test_a_second_one_is_refused_and_told_who_has_it(store):
    take_lease(store, "shop/r1")
    with pytest.raises(LeaseHeld) as refused:
        take_lease(store, "shop/r2")
    told = str(refused.value)
    assert told.startswith(f"the run shop/r1 is alive (process {os.getpid()} on ")
    assert told.endswith("; its last sign of life is 0 s old)")
    assert leases(store) == ["shop/lease/000001"]


def test_crawls_do_not_hinder_one_another(store):
    take_lease(store, "shop/r1")
    assert take_lease(store, "other/r1").number == 1


def test_what_was_released_is_free_at_once(store):
    take_lease(store, "shop/r1").release()
    assert orjson.loads(store.get("shop/lease/000001"))["is_released"] is True
    assert take_lease(store, "shop/r2").number == 2


def test_old_leases_go_and_the_newest_stay(store):
    for _ in range(4):
        take_lease(store, "shop/r1").release()
    assert leases(store) == ["shop/lease/000003", "shop/lease/000004"]


@pytest.mark.parametrize(("age_s", "free"), [(STALE_S - 20, False), (STALE_S + 5, True)])
def test_a_holder_elsewhere_is_gone_when_its_heartbeat_is_old(store, tmp_path, age_s, free):
    take_lease(store, "shop/r1")
    rewrite(store, 1, host="elsewhere")
    make_older(store, tmp_path, 1, by_s=age_s)
    if free:
        assert take_lease(store, "shop/r2").number == 2
    else:
        with pytest.raises(LeaseHeld, match=r"on elsewhere; its last sign of life is \d\d s old"):
            take_lease(store, "shop/r2")


def test_the_clocks_of_machines_do_not_matter(store):
    take_lease(store, "shop/r1")
    rewrite(store, 1, host="elsewhere")
    held = orjson.loads(store.get("shop/lease/000001"))
    store.put("shop/lease/000001", orjson.dumps(held | {"heartbeat_at": 0.0}))
    with pytest.raises(LeaseHeld):
        take_lease(store, "shop/r2")


def test_a_dead_holder_on_this_machine_is_gone_at_once(store):
    take_lease(store, "shop/r1")
    rewrite(store, 1, started="1")
    assert take_lease(store, "shop/r2").number == 2


def test_another_attempt_of_the_same_owner_takes_over_at_once(store):
    take_lease(store, "shop/r1", owner="flyte/a0")
    with pytest.raises(LeaseHeld):
        take_lease(store, "shop/r1", owner="flyte/a1")
    assert take_lease(store, "shop/r1", owner="flyte/a0").number == 2


def test_no_owner_is_nobody(store):
    take_lease(store, "shop/r1")
    with pytest.raises(LeaseHeld):
        take_lease(store, "shop/r1", owner=None)


@pytest.mark.parametrize("text", [b"", b"[1]", b'{"run": 1}'], ids=["empty", "a list", "less"])
def test_a_lease_that_is_none_of_ours_counts_by_its_age(store, tmp_path, text):
    store.put("shop/lease/000007", text)
    with pytest.raises(LeaseHeld, match="another run of shop is alive"):
        take_lease(store, "shop/r1")
    make_older(store, tmp_path, 7, by_s=STALE_S + 5)
    assert take_lease(store, "shop/r1").number == 8


@pytest.mark.usefixtures("quick")
def test_the_heart_beats_until_the_lease_is_released(store):
    lease = take_lease(store, "shop/r1")
    beats = {store.get("shop/lease/000001") for _ in every_turn(lambda beats: len(beats) > 2)}
    assert len(beats) > 2
    lease.release()
    last = store.get("shop/lease/000001")
    time.sleep(0.03)
    assert store.get("shop/lease/000001") == last


def every_turn(is_enough, patience_s=5.0):
    """Turns of a wait, until what they gave is enough."""
    seen = set()
    deadline = time.monotonic() + patience_s
    while not is_enough(seen) and time.monotonic() < deadline:
        seen.add(len(seen))
        yield
        time.sleep(0.02)


@pytest.mark.usefixtures("quick")
def test_a_lease_that_was_taken_over_is_lost_and_stays_so(store):
    lost = threading.Event()
    lease = take_lease(store, "shop/r1", owner="flyte/a0", on_lost=lost.set)
    later = take_lease(store, "shop/r1", owner="flyte/a0")
    assert lost.wait(5)
    with pytest.raises(LeaseLost, match="the lease of shop/r1 was taken over by another process"):
        lease.check()
    lease.release()
    assert orjson.loads(store.get("shop/lease/000002"))["is_released"] is False
    later.check()
    later.release()


def test_a_check_tells_of_a_loss_before_the_heart_has_noticed(store):
    lease = take_lease(store, "shop/r1", owner="a")
    lease.check()
    take_lease(store, "shop/r1", owner="a")
    with pytest.raises(LeaseLost):
        lease.check()


def test_a_lease_that_vanished_is_lost_and_not_made_again(store):
    lease = take_lease(store, "shop/r1")
    store.delete("shop/lease/000001")
    with pytest.raises(LeaseLost, match="is gone from the store"):
        lease.check()
    lease.release()
    assert leases(store) == []


@pytest.mark.usefixtures("quick")
def test_a_store_that_fails_for_long_loses_the_lease(store, monkeypatch):
    monkeypatch.setattr(lease_module, "_ASK_STORE_FOR_S", 0.05)
    lost = threading.Event()
    lease = take_lease(store, "shop/r1", on_lost=lost.set)

    def failing(_prefix):
        raise StoreError("no way")

    monkeypatch.setattr(store, "list", failing)
    assert lost.wait(5)
    with pytest.raises(StoreError, match="no way"):
        lease.check()


@pytest.mark.usefixtures("quick")
def test_a_store_that_fails_for_a_moment_does_not(store, monkeypatch):
    lost, failed = threading.Event(), threading.Event()
    lease = take_lease(store, "shop/r1", on_lost=lost.set)
    real = store.list

    def once(prefix):
        if failed.is_set():
            return real(prefix)
        failed.set()
        raise StoreError("no way")

    monkeypatch.setattr(store, "list", once)
    assert failed.wait(5)
    lease.check()
    assert not lost.is_set()
    lease.release()


def test_without_a_trace_a_first_lease_leaves_nothing(store, tmp_path):
    take_lease(store, "shop/r1").release(without_trace=True)
    assert list((tmp_path / "store").iterdir()) == []


def test_without_a_trace_a_later_lease_is_released_like_any(store):
    take_lease(store, "shop/r1").release()
    take_lease(store, "shop/r2").release(without_trace=True)
    assert leases(store) == ["shop/lease/000001", "shop/lease/000002"]


def test_who_comes_late_to_an_old_number_has_nothing(store, monkeypatch):
    """It looked, slept while two others came and went, and then took what was no longer new."""
    take_lease(store, "shop/r0").release()
    real, looks = lease_module._newest, []

    def slept(store, crawl):
        looks.append(crawl)
        if len(looks) > 1:
            return real(store, crawl)
        store.put("shop/lease/000005", store.get("shop/lease/000001"))
        return 1

    monkeypatch.setattr(lease_module, "_newest", slept)
    lease = take_lease(store, "shop/r1")
    assert lease.number == 6
    assert leases(store) == ["shop/lease/000005", "shop/lease/000006"]


CONTENDER = """
import sys
from scraper.errors import LeaseHeld
from scraper.lease import take_lease
from scraper.store import Store
store = Store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
try:
    print("taken", take_lease(store, "shop/" + sys.argv[2]).number, flush=True)
except LeaseHeld as held:
    print("held", held, flush=True)
sys.stdin.readline()
"""


def contenders(tmp_path, count):
    words = [sys.executable, "-c", CONTENDER, str(tmp_path / "store")]
    return [
        subprocess.Popen(
            [*words, f"r{n}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for n in range(count)
    ]


def test_of_many_that_begin_at_the_same_instant_one_has_it(store, tmp_path):
    number = 0
    for _ in range(3):
        children = contenders(tmp_path, 4)
        assert [child.stdout.readline() for child in children] == ["ready\n"] * 4
        for child in children:
            child.stdin.write("\n")
            child.stdin.flush()
        told = sorted(child.stdout.readline().split()[0] for child in children)
        assert told == ["held"] * 3 + ["taken"]
        # The one that has it is killed with the others: a kill and a new start need no waiting.
        for child in children:
            child.kill()
            child.communicate()
        newest = max(leases(store))
        assert newest > f"shop/lease/{number:06d}"
        number = int(newest.rsplit("/", 1)[1])


def test_an_object_store_has_leases_too():
    store = Store("memory://")
    lease = take_lease(store, "shop/r1")
    with pytest.raises(LeaseHeld):
        take_lease(store, "shop/r2")
    lease.check()
    lease.release()
    assert take_lease(store, "shop/r2").number == 2


def test_a_holder_is_whole_in_its_lease(store):
    take_lease(store, "shop/r1")
    holder = lease_module._parse(store.get("shop/lease/000001"))
    assert holder == lease_module._Holder(run="shop/r1", owner=None, process=this_process())
    assert replace(holder, is_released=True) != holder
