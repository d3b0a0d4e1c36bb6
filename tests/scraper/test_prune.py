"""What a pruning lets go, and what it never does."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from scraper.crawl import Again
from scraper.errors import ConfigError
from scraper.prune import check_says_anything, plan_pruning, prune, retention_of
from scraper.run import load_run, save_run
from scraper.runs import list_runs
from scraper.settings_table import Retention
from tests.scraper.batches import plan, store_in
from tests.scraper.stored_runs import BEGAN, put_run

DAY = 24
NOW = BEGAN + timedelta(days=10)


@pytest.fixture
def store(tmp_path):
    """Six runs, one a day; r4 is the latest, r5 fell short, r6 died."""
    store = store_in(tmp_path)
    for n in range(1, 6):
        put_run(store, f"shop/r{n}", hours=n * DAY, outcomes={"ok": 1}, held=n != 5, latest=n == 4)
        store.put(f"shop/r{n}/batches/1-0001-00001/archive-00001.warc.gz", b"x" * 100)
        store.put(f"shop/r{n}/items.parquet", b"y" * 10)
    put_run(store, "shop/r6", hours=6 * DAY)
    return store


def goes_out_from(store, run, former):
    again = Again(kind="retry", former=former)
    save_run(replace(load_run(store, run), again=again), store)


def dropped(store, *, unfinished=False, **limits):
    pruning = plan_pruning(store, "shop", Retention(**limits), now=NOW, unfinished=unfinished)
    return [(one.run.removeprefix("shop/"), one.what) for one in pruning.dropped]


@pytest.mark.parametrize(
    ("limits", "gone"),
    [
        ({}, []),
        ({"keep_runs": 3}, ["r1", "r2"]),
        # The latest stays whatever is said.
        ({"keep_runs": 1}, ["r1", "r2", "r3"]),
        ({"keep_days": 7.5}, ["r1", "r2"]),
        ({"keep_days": 0.5}, ["r1", "r2", "r3", "r5"]),
        # Kept by either is kept.
        ({"keep_runs": 4, "keep_days": 1}, ["r1"]),
        ({"keep_runs": 1, "keep_days": 8.5}, ["r1"]),
    ],
    ids=["no limit", "runs", "one run", "days", "half a day", "more runs", "more days"],
)
def test_old_runs_go_and_never_the_latest(store, limits, gone):
    assert dropped(store, **limits) == [(name, "run") for name in gone]


def test_archives_may_go_earlier_than_datasets(store):
    assert dropped(store, keep_runs=4, archives_keep_runs=1) == [
        ("r1", "run"), ("r2", "archives"), ("r3", "archives"),
    ]  # fmt: skip
    assert dropped(store, archives_keep_runs=0) == [
        ("r1", "archives"), ("r2", "archives"), ("r3", "archives"), ("r5", "archives"),
    ]  # fmt: skip


def test_what_the_latest_goes_out_from_stays_whole(store):
    goes_out_from(store, "shop/r4", "shop/r2")
    goes_out_from(store, "shop/r2", "shop/r1")
    assert dropped(store, keep_runs=1, archives_keep_runs=0) == [("r3", "run"), ("r5", "archives")]


def test_what_an_unfinished_run_goes_out_from_stays_until_it_goes(store):
    goes_out_from(store, "shop/r6", "shop/r3")
    assert dropped(store, keep_runs=1) == [("r1", "run"), ("r2", "run")]
    assert dropped(store, keep_runs=1, unfinished=True) == [
        (name, "run") for name in ("r1", "r2", "r3", "r6")
    ]


def test_runs_that_died_go_only_when_asked(store):
    store.put("shop/r7/request.json", b"{}")
    store.put("shop/notes/mine.txt", b"not ours")
    assert dropped(store) == []
    assert dropped(store, unfinished=True) == [("r6", "run"), ("r7", "run")]


def test_what_is_pruned_is_gone_and_the_rest_untouched(store):
    before = {key: store.get(key) for key in store.list("")}
    pruning = plan_pruning(store, "shop", Retention(keep_runs=3, archives_keep_runs=1), now=NOW)
    assert {key: store.get(key) for key in store.list("")} == before
    sizes = {one.run: one.bytes for one in pruning.dropped}
    assert sizes["shop/r3"] == 100
    assert sizes["shop/r1"] == sum(len(v) for k, v in before.items() if k.startswith("shop/r1/"))
    assert pruning.bytes == sum(sizes.values())
    prune(store, pruning)
    left = {
        key: value
        for key, value in before.items()
        if not key.startswith(("shop/r1/", "shop/r2/"))
        and not (key.startswith("shop/r3/") and key.endswith(".warc.gz"))
    }
    assert {key: store.get(key) for key in store.list("")} == left
    assert [state.run_id for state in list_runs(store, "shop")] == ["r6", "r5", "r4", "r3"]


def test_killed_at_any_point_a_pruning_is_finished_by_the_next(store):
    limits = Retention(keep_runs=3)
    keys = [key for one in plan_pruning(store, "shop", limits, now=NOW).dropped for key in one.keys]
    for key in keys:
        store.delete(key)
        shown = {state.run_id: state.state for state in list_runs(store, "shop")}
        assert shown.get("r1") != "unfinished"
        assert shown.get("r2") != "unfinished"
        rest = [k for one in plan_pruning(store, "shop", limits, now=NOW).dropped for k in one.keys]
        assert sorted(rest) == sorted(keys[keys.index(key) + 1 :])


def test_the_crawl_says_what_it_keeps(tmp_path):
    store = store_in(tmp_path)
    info = plan(store, ["http://a.org/1"], "retention.keep_runs=7", "retention.keep_days=none")
    assert retention_of(store, "shop") == Retention(keep_runs=7)
    store.put(f"{info.run}/summary.json", orjson.dumps({"gates": []}))
    put_run(store, "shop/other", hours=-9000, outcomes={"ok": 1}, latest=True)
    assert retention_of(store, "shop") == Retention()


def test_somebody_must_say_what_to_keep():
    with pytest.raises(ConfigError, match="nothing says what to keep"):
        check_says_anything(Retention(), unfinished=False)
    check_says_anything(Retention(), unfinished=True)
    check_says_anything(Retention(archives_keep_runs=0), unfinished=False)
