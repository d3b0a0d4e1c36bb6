"""The main job, a crash, a resume and a schedule on a real cluster."""

import json
import subprocess
import sys
import time
from pathlib import Path

from scraper.runs import list_runs
from tests.live.conftest import PATIENCE_S, ROOT

FLYTE = str(Path(sys.executable).parent / "flyte")
OFTEN = ("--set", "archive.flush_s=1")


def wait_for(holds):
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "the cluster takes too long"
        time.sleep(1)


def test_a_list_becomes_a_dataset_and_a_second_run_finds_it_unchanged(live):
    words = ("run", live.seeds, "--crawl", live.crawl, "--remote", "--json")
    first = live.scraper(*words, "--run-id", "r1")
    assert first.returncode == 0, first.stderr
    summary = json.loads(first.stdout)
    assert (summary["rows"], summary["balanced"]) == (len(live.urls), True)
    assert summary["outcomes"]["ok"] > 0
    exported = live.scraper("export", live.run, "outcomes").stdout.splitlines()
    assert len(exported) == summary["rows"] - summary["duplicates"]
    second = live.scraper(*words, "--run-id", "r2")
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout)["items"] >= summary["items"]


def test_a_run_that_dies_half_way_goes_on_and_asks_for_nothing_twice(live):
    words = ("run", live.seeds, "--crawl", live.crawl, "--run-id", "r1", "--remote", "--detach")
    begun = live.scraper(*words, *OFTEN)
    assert begun.returncode == 0, begun.stderr
    store = live.opened
    wait_for(lambda: any(key.endswith(".warc.gz") for key in store.list(live.run)))
    name = begun.stdout.strip().rsplit("/", 1)[-1]
    subprocess.run([FLYTE, "abort", "run", name], check=True, cwd=ROOT)
    done = live.scraper("resume", live.run, "--remote", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["balanced"]
    assert summary["rows"] == len(live.urls)


def test_a_schedule_fires(live, tmp_path):
    rows = json.dumps(live.urls[:2])
    file = tmp_path / f"{live.crawl}.toml"
    file.write_text(f'seeds = {rows}\n[schedule]\ncron = "* * * * *"\n')
    deployed = live.scraper("deploy", file)
    assert deployed.returncode == 0, deployed.stderr
    try:
        wait_for(lambda: any(run.state == "latest" for run in list_runs(live.opened, live.crawl)))
    finally:
        task = "scraper-crawl.crawl"
        subprocess.run([FLYTE, "delete", "trigger", live.crawl, task], check=True, cwd=ROOT)
