from datetime import UTC, datetime, timedelta

import pytest

from scraper.asked import Asked, save_request
from scraper.errors import ConfigError
from scraper.store import Store
from scraper.unfinished import can_go_on, newest_unfinished, run_to_go_on
from tests.scraper.batches import store_in
from tests.scraper.stored_runs import BEGAN, put_run

DONE = {"ok": 1, "unchanged": 0, "skipped": 0, "failed": 0}


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


def put_asked(store, run, *, hours=0):
    """A run that died while it was planned."""
    save_request(store, run, Asked(seeds="-"), at=BEGAN + timedelta(hours=hours))
    return run


def put_finished(store, run, **more):
    """A run after whose summary nothing is due: a gate fell short."""
    return put_run(store, run, outcomes=DONE, held=False, **more)


def test_a_run_can_go_on_from_its_request_to_its_summary(store):
    assert not can_go_on(store, "shop/r1")
    put_asked(store, "shop/r1")
    assert can_go_on(store, "shop/r1")
    put_run(store, "shop/r1")
    assert can_go_on(store, "shop/r1")
    put_finished(store, "shop/r1")
    assert not can_go_on(store, "shop/r1")


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [(None, True), (timedelta(hours=-1), True), (timedelta(hours=1), False)],
    ids=["none yet", "an earlier run's", "its own or a later run's"],
)
def test_a_summary_without_its_latest_is_not_the_end(store, text, goes_on):
    put_run(store, "shop/r1", outcomes=DONE)
    if text is not None:
        at = (BEGAN + text).isoformat()
        store.put("shop/latest.json", f'{{"run_id": "x", "published_at": "{at}"}}'.encode())
    assert can_go_on(store, "shop/r1") is goes_on


def test_the_newest_is_the_one_that_began_last_whatever_its_name(store):
    put_run(store, "shop/z", hours=1)
    put_asked(store, "shop/b", hours=3)
    put_run(store, "shop/a", hours=2)
    put_finished(store, "shop/c", hours=4)
    assert newest_unfinished(store, "shop") == "shop/b"
    assert newest_unfinished(store, "shop", but="shop/b") == "shop/a"
    assert newest_unfinished(store, "shop", of_newest=1) == "shop/z"
    assert newest_unfinished(store, "other") is None


def test_runs_of_another_version_and_other_folders_do_not_count(store):
    put_run(store, "shop/r1")
    store.put("shop/r2/run.json", b"{}")
    store.put("shop/r3/request.json", b"{}")
    store.put("shop/lease/000001", b"{}")
    assert newest_unfinished(store, "shop") == "shop/r1"
    with pytest.raises(ConfigError, match="not a run of this version"):
        can_go_on(store, "shop/r2")


def test_a_crawl_means_its_newest_unfinished_run(store):
    put_run(store, "shop/r1", hours=1)
    put_run(store, "shop/r2", outcomes=DONE, hours=2)
    at = (BEGAN + timedelta(hours=3)).isoformat()
    store.put("shop/latest.json", f'{{"run_id": "r2", "published_at": "{at}"}}'.encode())
    assert run_to_go_on(store, "shop") == "shop/r1"
    put_finished(store, "shop/r1", hours=1)
    assert run_to_go_on(store, "shop") == "shop/r2"


def test_a_name_means_itself(store):
    put_asked(store, "shop/r1")
    put_run(store, "shop/r2")
    assert run_to_go_on(store, "shop/r1") == "shop/r1"
    assert run_to_go_on(store, "shop/r2") == "shop/r2"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("shop/r9", "no such run: shop/r9; did you mean shop/r1?"),
        ("shpo", "no such crawl: shpo; did you mean shop?"),
        ("shop/", "'shop/' is no run"),
        ("shop/r1/x", "'shop/r1/x' is no run"),
        ("../shop", "'../shop' is no run"),
        ("..", "'..' is no run"),
        ("", "'' is no run"),
    ],
)
def test_a_wrong_name_is_told_with_the_nearest(store, name, told):
    put_run(store, "shop/r1")
    with pytest.raises(ConfigError) as wrong:
        run_to_go_on(store, name)
    assert str(wrong.value).startswith(told)


def test_times_are_compared_in_utc(store):
    put_run(store, "shop/r1")
    at = datetime(2026, 1, 2, 4, tzinfo=UTC)
    save_request(store, "shop/r2", Asked(seeds="-"), at=at)
    assert newest_unfinished(store, "shop") == "shop/r2"
