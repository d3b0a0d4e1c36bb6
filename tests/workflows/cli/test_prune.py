"""`scraper prune` at a terminal."""

import json
import subprocess

import pytest
from click.testing import CliRunner

from scraper.lease import take_lease
from scraper.store import Store
from tests.scraper.stored_runs import put_run
from tests.workflows.cli.command import SCRAPER
from workflows.cli.main import cli


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "store"))
    for n in range(1, 4):
        put_run(store, f"shop/r{n}", hours=n, outcomes={"ok": 1}, latest=n == 3)
        put_run(store, f"news/r{n}", hours=n, outcomes={"ok": 1}, latest=n == 3)
    put_run(store, "shop/r4", hours=4)
    store.put("mine/notes/x.txt", b"not ours")
    return store


def prune(store, *words):
    return CliRunner().invoke(cli, ["prune", *words, "--store", store.url])


def runs(store, crawl="shop"):
    return [name for name in store.folders(crawl) if name != "lease"]


def test_a_dry_run_says_what_would_go_and_nothing_goes(store):
    before = store.list("")
    done = prune(store, "shop", "--keep-runs", "1", "--dry-run", "--json")
    assert done.exit_code == 0
    assert [(one["run"], one["what"]) for one in json.loads(done.stdout)] == [
        ("shop/r1", "run"), ("shop/r2", "run"),
    ]  # fmt: skip
    assert store.list("") == before
    told = prune(store, "shop", "--keep-runs", "1", "--dry-run")
    assert "2 runs and the archives of 0 would go" in told.stderr
    assert told.stdout.startswith("shop/r1  run")


def test_all_crawls_are_pruned_or_one(store):
    assert prune(store, "shop", "--keep-runs", "1").exit_code == 0
    assert (runs(store), runs(store, "news")) == (["r3", "r4"], ["r1", "r2", "r3"])
    assert prune(store, "--keep-runs", "2").exit_code == 0
    assert runs(store, "news") == ["r2", "r3"]
    assert store.get("mine/notes/x.txt") == b"not ours"


def test_dead_runs_go_when_asked_and_never_a_live_one(store):
    with take_lease(store, "shop/r4"):
        done = prune(store, "shop", "--keep-runs", "1", "--unfinished")
        assert done.exit_code == 0
        assert runs(store) == ["r3", "r4"]
    assert prune(store, "shop", "--unfinished").exit_code == 0
    assert runs(store) == ["r3"]


def test_a_run_can_begin_after_a_pruning(store):
    prune(store, "shop", "--keep-runs", "1")
    take_lease(store, "shop/r5").release()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["shop"], "nothing says what to keep"),
        (["shopp", "--keep-runs", "1"], "did you mean shop"),
        (["shop", "--keep-runs", "0"], "Invalid value"),
    ],
)
def test_what_is_wrong_is_told(store, words, told):
    command = [SCRAPER, "prune", *words, "--store", store.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(runs(store)) == 4
