"""Which runs a store has, and which one a name means."""

from datetime import timedelta

import pytest

from scraper.errors import ConfigError
from scraper.runs import RunState, State, existing_store, find_run, list_runs, published_run
from scraper.store import Store
from tests.scraper.stored_runs import BEGAN, put_run

SUMS = {"ok": 7, "unchanged": 1, "skipped": 1, "failed": 1}


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    return Store(str(tmp_path / "store") if request.param == "folder" else "memory://")


@pytest.fixture
def filled(store):
    put_run(store, "shop/r1", hours=1, outcomes=SUMS, latest=True)
    put_run(store, "shop/r2", hours=3, outcomes=SUMS, held=False)
    put_run(store, "shop/r3", hours=5)
    put_run(store, "news/r1", hours=2, outcomes=SUMS)
    return store


def test_runs_are_listed_newest_first_with_how_they_ended(filled):
    found = [(run.crawl, run.run_id, run.state) for run in list_runs(filled)]
    assert found == [
        ("shop", "r3", State.UNFINISHED),
        ("shop", "r2", State.GATE),
        ("news", "r1", State.PUBLISHED),
        ("shop", "r1", State.LATEST),
    ]


def test_a_run_is_shown_with_its_sums(filled):
    assert list_runs(filled, "news") == [
        RunState(
            crawl="news",
            run_id="r1",
            state=State.PUBLISHED,
            rows=10,
            ok=7,
            unchanged=1,
            skipped=1,
            failed=1,
            began_at=BEGAN + timedelta(hours=2),
        )
    ]


def test_an_unfinished_run_has_rows_and_no_sums(filled):
    run = list_runs(filled, "shop")[0]
    assert (run.rows, run.ok, run.unchanged, run.skipped, run.failed) == (
        10,
        None,
        None,
        None,
        None,
    )


def test_runs_of_one_moment_are_in_a_fixed_order(store):
    for run_id in ("b", "c", "a"):
        put_run(store, f"shop/{run_id}")
    assert [run.run_id for run in list_runs(store)] == ["c", "b", "a"]


def test_an_empty_store_has_no_runs(store):
    assert list_runs(store) == []


FOREIGN = {
    "shop/lease/000001": b"{}",
    "shop/other/file.txt": b"x",
    "shop/broken/run.json": b"{",
    "shop/list/run.json": b"[]",
    "shop/half/run.json": b'{"rows": 1}',
    "shop/rows/run.json": b'{"rows": "many", "created_at": "2026-01-01T00:00:00+00:00"}',
    "shop/time/run.json": b'{"rows": 1, "created_at": "today"}',
    "photos/2026/a.jpg": b"x",
    "readme.txt": b"x",
}


def test_what_is_not_ours_is_passed_over(store):
    put_run(store, "shop/r1", outcomes=SUMS)
    for key, data in FOREIGN.items():
        store.put(key, data)
    assert [run.run_id for run in list_runs(store)] == ["r1"]


@pytest.mark.parametrize(
    "summary", [b'{"outcomes": 1, "gates": 2}', b"{}", b'{"outcomes": {"ok": "x"}}']
)
def test_a_summary_of_another_version_is_a_published_run_without_sums(store, summary):
    put_run(store, "shop/r1")
    store.put("shop/r1/summary.json", summary)
    (run,) = list_runs(store)
    assert (run.state, run.ok) == (State.PUBLISHED, None)


def test_only_folders_are_listed_however_many_files_they_hold(filled, monkeypatch):
    monkeypatch.setattr(Store, "list", None)
    assert len(list_runs(filled)) == 4


def test_a_crawl_means_its_latest_run(filled):
    assert find_run(filled, "shop") == "shop/r1"


@pytest.mark.parametrize("name", ["shop/r1", "shop/r2", "shop/r3", "news/r1"])
def test_a_run_is_named_by_crawl_and_id(filled, name):
    assert find_run(filled, name) == name


WRONG = {
    "no such crawl": ("books", "no such crawl: books; `scraper list` shows what is there"),
    "a misspelt crawl": ("shpo", "no such crawl: shpo; did you mean shop? `scraper list`"),
    "a run of a misspelt crawl": ("shpo/r1", "no such crawl: shpo; did you mean shop?"),
    "no such run": ("shop/r9", "no such run: shop/r9; did you mean shop/r"),
    "no latest run": ("news", "news has no latest run; its newest is news/r1: published"),
    "a path": ("crawls/shop/r1", "'crawls/shop/r1' is no run: CRAWL/RUN_ID, or CRAWL"),
    "nothing": ("", "'' is no run"),
    "no id": ("shop/", "'shop/' is no run"),
    "the folder above": ("..", "'..' is no run"),
    "an id above": ("shop/..", "'shop/..' is no run"),
    "a NUL": ("shop/\0", r"is no run"),
}


@pytest.mark.parametrize(("name", "told"), WRONG.values(), ids=WRONG)
def test_a_name_that_no_run_has_is_told_with_the_nearest(filled, name, told):
    with pytest.raises(ConfigError) as found:
        find_run(filled, name)
    assert told in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("crawl", ["shpo", "..", "", "shop/r1"])
def test_runs_of_no_crawl_are_no_list(filled, crawl):
    with pytest.raises(ConfigError, match="no such crawl: "):
        list_runs(filled, crawl)


def test_a_crawl_whose_first_run_is_unfinished_says_how_to_go_on(store):
    put_run(store, "shop/r1")
    with pytest.raises(ConfigError, match="no latest run yet; go on with: scraper resume shop/r1"):
        find_run(store, "shop")


def test_a_run_that_is_not_published_says_how_to_go_on(filled):
    assert published_run(filled, "shop/r2") == "shop/r2"
    with pytest.raises(ConfigError, match=r"shop/r3 isn't published yet.*scraper resume shop/r3"):
        published_run(filled, "shop/r3")


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(ConfigError, match="there is no such folder"):
        existing_store(str(tmp_path / "store"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "store").write_text("")
    with pytest.raises(ConfigError, match="is no folder"):
        existing_store(str(tmp_path / "store"))


def test_an_unknown_scheme_is_no_store():
    with pytest.raises(ConfigError, match="s4://x can't be used as a store"):
        existing_store("s4://x")


def test_a_folder_that_is_there_is_a_store(tmp_path):
    put_run(Store(str(tmp_path)), "shop/r1")
    assert find_run(existing_store(str(tmp_path)), "shop/r1") == "shop/r1"
