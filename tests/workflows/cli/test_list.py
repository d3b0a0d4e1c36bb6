"""`scraper list`: what a person and a machine see of a store, and what it costs to ask."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from scraper.store import Store
from tests.scraper.stored_runs import put_run
from tests.workflows.cli import command
from tests.workflows.cli.command import SCRAPER

scraper = partial(command.scraper, "list")

SUMS = {"ok": 999_000, "unchanged": 1, "skipped": 2, "failed": 3}


@pytest.fixture
def folder(tmp_path):
    store = Store(str(tmp_path / "crawls"))
    put_run(store, "practice-sites/20260102T030405Z-abcdef", outcomes=SUMS, latest=True)
    put_run(store, "practice-sites/20260102T040405Z-abcdef", hours=1, outcomes=SUMS, held=False)
    put_run(store, "news/monday", hours=2)
    return tmp_path


def test_runs_stand_in_columns_under_their_crawls(folder):
    done = scraper(cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "                           state            rows     ok unchanged skipped failed"
        "  began (UTC)\n"
        "news\n"
        "  monday                   unfinished         10      -         -       -      -"
        "  2026-01-02 05:04\n"
        "practice-sites\n"
        "  20260102T040405Z-abcdef  gate fell short    10 999000         1       2      3"
        "  2026-01-02 04:04\n"
        "  20260102T030405Z-abcdef  latest             10 999000         1       2      3"
        "  2026-01-02 03:04\n"
    )
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_one_crawl_alone(folder):
    done = scraper("news", cwd=folder)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["state", "news", "monday"]


def test_json_is_an_array_of_objects(folder):
    done = scraper("--json", cwd=folder)
    runs = json.loads(done.stdout)
    assert [run["run_id"] for run in runs] == [
        "monday",
        "20260102T040405Z-abcdef",
        "20260102T030405Z-abcdef",
    ]
    assert runs[-1] == {
        "crawl": "practice-sites",
        "run_id": "20260102T030405Z-abcdef",
        "state": "latest",
        "rows": 10,
        **SUMS,
        "began_at": "2026-01-02T03:04:05.678901Z",
    }


def test_an_empty_store_has_nothing_to_show(tmp_path):
    done = scraper("--store", ".", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no runs in . yet\n")
    assert scraper("--store", ".", "--json", cwd=tmp_path).stdout == "[]\n"


def test_a_store_that_is_not_there_is_told_and_not_made(tmp_path):
    done = scraper(cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the store crawls: there is no such folder")
    assert list(tmp_path.iterdir()) == []


def test_the_store_may_come_from_the_environment(folder, monkeypatch):
    monkeypatch.setenv("SCRAPER_STORE", str(folder / "crawls"))
    done = scraper("news", cwd="/")
    assert "monday" in done.stdout


def test_an_unknown_crawl_is_told_with_the_nearest(folder):
    done = scraper("newz", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    told = "error: no such crawl: newz; did you mean news? `scraper list` shows what is there\n"
    assert done.stderr == told


def test_a_full_disk_behind_stdout_is_one_line(folder):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [SCRAPER, "list"], cwd=folder, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


@pytest.mark.parametrize("words", [["list"], ["export", "news"]], ids=" ".join)
def test_commands_that_only_read_import_no_flyte(folder, words):
    code = (
        "import sys; from workflows.cli.main import cli\n"
        f"try: cli({words}, standalone_mode=False)\n"
        "except SystemExit: pass\n"
        "sys.exit('flyte' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
