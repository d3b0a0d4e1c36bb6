"""Runs taken up, and taken up again after a death at any step of their planning."""

import io
import time

import pytest

from scraper.asked import Asked, load_request
from scraper.errors import ConfigError, LeaseHeld, StoreError
from scraper.run import load_run, resumed
from scraper.stopping import StopFlag, Stopped
from scraper.store import Store
from scraper.takeup import Taker, begin_run, go_on_with
from tests.scraper.batches import store_in

RUN = "shop/r1"
CONTACT = "http.contact=me@example.org"
URLS = [f"http://{host}.org/{n}" for n in range(3) for host in "ab"]


class Killed(BaseException):
    """As good as kill -9: nothing in this process handles it."""


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


def asked_for(tmp_path, *, urls=URLS, flags=(CONTACT,), name="shop.txt"):
    path = tmp_path / name
    path.write_text("\n".join(urls) + "\n")
    return Asked(seeds=str(path), settings=tuple(flags))


def begin(asked, store, *, run_id="r1", **taker):
    taken = begin_run(asked, asked.spec(), store=store, run_id=run_id, taker=Taker(**taker))
    taken.lease.release()
    return taken.info


def go_on(store, run=RUN):
    taken = go_on_with(run, store=store, taker=Taker())
    taken.lease.release()
    return taken.info


def files(store, but=("lives", "lease", "request.json", "run.json")):
    return {
        key: store.get(key) for key in store.list("shop") if not any(name in key for name in but)
    }


def test_a_run_that_began_is_planned_and_leased(tmp_path, store):
    asked = asked_for(tmp_path)
    taken = begin_run(asked, asked.spec(), store=store, run_id="r1", taker=Taker())
    assert load_run(store, RUN).list_sha256 == taken.info.list_sha256
    with pytest.raises(LeaseHeld, match="the run shop/r1 is alive"):
        begin(asked, store, run_id="r2")
    with pytest.raises(LeaseHeld):
        go_on(store)
    assert "shop/r2/run.json" not in store.list("shop")
    taken.lease.release()
    assert resumed(store, RUN) == 0


def test_what_was_asked_is_kept_first(tmp_path, store, monkeypatch):
    seen = []
    real = store.put

    def put(key, data):
        seen.append(key)
        real(key, data)

    monkeypatch.setattr(store, "put", put)
    begin(asked_for(tmp_path), store)
    of_the_run = [key for key in seen if key.startswith("shop/r1/")]
    assert (of_the_run[0], of_the_run[-1]) == ("shop/r1/request.json", "shop/r1/run.json")


WRONG = {
    "no list": Asked(seeds="gone.txt", settings=(CONTACT,)),
    "no contact": Asked(seeds="public.txt"),
    "an empty list": Asked(seeds="empty.txt", settings=(CONTACT,)),
}


@pytest.mark.parametrize("asked", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_leaves_nothing_at_all(tmp_path, store, monkeypatch, asked):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "public.txt").write_text("http://a.org/\n")
    (tmp_path / "empty.txt").write_text("# none\n")
    with pytest.raises(ConfigError):
        begin(asked, store)
    assert list((tmp_path / "store").rglob("*")) == []


def test_what_is_wrong_leaves_the_other_runs_alone(tmp_path, store):
    begin(asked_for(tmp_path), store)
    before = files(store)
    with pytest.raises(ConfigError):
        begin(Asked(seeds=str(tmp_path / "gone.txt"), crawl="shop"), store, run_id="r2")
    assert files(store) == before
    begin(asked_for(tmp_path), store, run_id="r3")


def killed_at_put(store, monkeypatch, number):
    """Die at the so-manieth write of the run."""
    real, left = store.put, [number]

    def put(key, data):
        if key.startswith("shop/r1/"):
            left[0] -= 1
            if left[0] < 0:
                raise Killed(key)
        real(key, data)

    monkeypatch.setattr(store, "put", put)


def test_a_run_that_died_at_any_write_of_its_planning_is_planned_alike(
    tmp_path, store, monkeypatch
):
    asked = asked_for(tmp_path, flags=(CONTACT, "batch.size=2"))
    undisturbed = Store(str(tmp_path / "undisturbed"))
    begin(asked, undisturbed)
    number = 0
    while True:
        number += 1
        one = Store(str(tmp_path / f"store-{number}"))
        with monkeypatch.context() as patch:
            killed_at_put(one, patch, number)
            try:
                begin(asked, one)
                break
            except Killed:
                pass
        (tmp_path / "shop.txt").rename(tmp_path / "elsewhere.txt")
        with pytest.raises(ConfigError):
            go_on(one)
        (tmp_path / "elsewhere.txt").rename(tmp_path / "shop.txt")
        info = go_on(one)
        assert files(one) == files(undisturbed)
        assert info.created_at == load_request(one, RUN)[1]
        assert resumed(one, RUN) == 2
    assert number > 6


def test_flags_and_environment_of_later_do_not_count(tmp_path, store, monkeypatch):
    asked = asked_for(tmp_path, flags=(CONTACT, "throttle.delay_s=7"))
    with monkeypatch.context() as patch:
        killed_at_put(store, patch, 1)
        with pytest.raises(Killed):
            begin(asked, store)
    monkeypatch.setenv("SCRAPER_THROTTLE__DELAY_S", "9")
    monkeypatch.chdir("/")
    assert go_on(store).settings.all.throttle.delay_s == 7


def test_a_list_from_stdin_is_there_for_the_next_life(tmp_path, store, monkeypatch):
    asked = Asked(seeds="-", crawl="shop", settings=(CONTACT,))
    with monkeypatch.context() as patch:
        killed_at_put(store, patch, 2)
        with pytest.raises(Killed):
            begin(asked, store, stdin=io.BytesIO(b"http://a.org/1\nhttp://a.org/2\n"))
    info = go_on(store)
    assert (info.rows, store.get("shop/r1/list.txt")) == (2, b"http://a.org/1\nhttp://a.org/2\n")
    assert not any("uploads" in key for key in store.list(RUN))
    # Planned, it needs nothing but itself.
    assert go_on(store).list_sha256 == info.list_sha256


def test_a_list_from_stdin_that_is_gone_is_told(tmp_path, store, monkeypatch):
    with monkeypatch.context() as patch:
        killed_at_put(store, patch, 2)
        with pytest.raises(Killed):
            begin(
                Asked(seeds="-", crawl="shop", settings=(CONTACT,)),
                store,
                stdin=io.BytesIO(b"http://a.org/1\n"),
            )
    store.delete("shop/r1/uploads/stdin")
    with pytest.raises(ConfigError, match=r"shop/r1: its copy of the list stdin is gone"):
        go_on(store)


def test_a_planned_run_goes_on_without_its_list(tmp_path, store):
    info = begin(asked_for(tmp_path), store)
    (tmp_path / "shop.txt").unlink()
    assert go_on(store).list_sha256 == info.list_sha256
    assert resumed(store, RUN) == 1


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"urls": URLS[:3]}, "rows in its list"),
        ({"flags": (CONTACT, "throttle.delay_s=3")}, "settings"),
    ],
    ids=["list", "settings"],
)
def test_the_same_id_for_something_else_is_refused(tmp_path, store, change, differs):
    begin(asked_for(tmp_path), store)
    before = store.list("shop/r1")
    with pytest.raises(ConfigError, match=f"the run shop/r1 was made with other {differs}"):
        begin(asked_for(tmp_path, **change), store)
    assert store.list("shop/r1") == before
    begin(asked_for(tmp_path), store)


def test_what_was_never_planned_may_be_asked_otherwise(tmp_path, store, monkeypatch):
    with monkeypatch.context() as patch:
        killed_at_put(store, patch, 3)
        with pytest.raises(Killed):
            begin(asked_for(tmp_path), store)
    info = begin(asked_for(tmp_path, urls=URLS[:1], name="shop.jsonl.txt"), store)
    assert (info.rows, resumed(store, RUN)) == (1, 1)


def test_a_run_that_is_not_there_cannot_go_on_and_nothing_is_made(tmp_path, store):
    with pytest.raises(ConfigError, match="shop/r1: no such run"):
        go_on(store)
    assert list((tmp_path / "store").rglob("*")) == []


def test_a_stop_while_it_is_planned_leaves_a_run_that_can_go_on(tmp_path, store):
    stop = StopFlag()
    stop.set()
    with pytest.raises(Stopped):
        begin(asked_for(tmp_path), store, stop=stop)
    assert load_run(store, RUN) is None
    assert go_on(store).rows == len(URLS)


def test_a_store_that_fails_gives_the_lease_back_and_can_go_on(tmp_path, store):
    def full(*_words, **_more):
        raise StoreError("no space left")

    with pytest.raises(StoreError, match="no space left"):
        begin(asked_for(tmp_path), store, prepare=full)
    assert go_on(store).rows == len(URLS)


def test_a_lost_lease_sets_the_stop_flag(tmp_path, store, monkeypatch):
    monkeypatch.setattr("scraper.lease.HEARTBEAT_S", 0.01)
    stop = StopFlag()
    asked = asked_for(tmp_path)
    taker = Taker(stop=stop, owner="flyte/a0")
    begin_run(asked, asked.spec(), store=store, run_id="r1", taker=taker)
    second = go_on_with(RUN, store=store, taker=Taker(owner="flyte/a0"))
    assert second.lease.number == 2
    for _ in range(500):
        if stop.is_set:
            break
        time.sleep(0.01)
    assert stop.is_set
    second.lease.release()
