"""Runs over worker processes, as a terminal sees them: stopped, killed, gone on with."""

import json
import os
import signal
import subprocess
from collections import Counter

import duckdb
import pytest

from scraper.demo import serve_demo, write_demo
from scraper.demo.crawl import EXPECTED
from tests.processes import children_of, is_running, module_of, wait_until
from tests.workflows.cli.command import SCRAPER, scraper
from tests.workflows.cli.demo_runs import (
    archived,
    product_pages,
    redirects_of,
    wait_for_requests,
)
from tests.workflows.cli.test_run import LOCAL, pages

pytestmark = pytest.mark.sockets

WORKER, PARSER = "scraper.workers.worker_main", "scraper.workers.parser_main"
FAST = [
    "--set", "batch.size=100", "--set", "archive.flush_s=0.1", "--set", "throttle.delay_s=0.03",
]  # fmt: skip


@pytest.fixture
def site():
    with serve_demo(port=0) as server:
        yield server


def words(site, tmp_path, workers=2):
    crawl_file = write_demo(tmp_path, site.port)
    return ["run", str(crawl_file), "--run-id", "r", *FAST, "--set", f"batch.workers={workers}"]


def start(site, tmp_path, **how):
    """Start the demo's crawl in several partitions, and wait until both workers are there."""
    process = subprocess.Popen(
        [SCRAPER, *words(site, tmp_path)],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how,
    )  # fmt: skip
    wait_for_requests(site, process, 150)
    wait_until(lambda: len(children_of(process.pid)) == 4)
    return process, children_of(process.pid)


def assert_whole(tmp_path, stdout):
    summary = json.loads(stdout)
    assert summary["reasons"] == {reason: n for reason, n in EXPECTED.items() if n}
    assert summary["balanced"]
    return summary


def again(site, flushed, seen):
    """What was asked for once more although it had been flushed; redirects lead there too."""
    asked = set(product_pages(site.port, site.requests[seen:]))
    return flushed & asked - redirects_of(site.port)


def test_a_killed_run_leaves_nobody_and_goes_on_with_another_number(site, tmp_path):
    process, pids = start(site, tmp_path)
    assert Counter(map(module_of, pids)) == {WORKER: 2, PARSER: 2}
    process.kill()
    wait_until(lambda: not any(map(is_running, pids)))
    process.communicate()
    flushed, seen = archived(tmp_path), len(site.requests)
    assert flushed
    done = scraper(*words(site, tmp_path, workers=3), "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert assert_whole(tmp_path, done.stdout)["resumed"] == 1
    assert again(site, flushed, seen) == set()
    kept = json.loads((tmp_path / "crawls/demo/r/run.json").read_text())
    assert kept["settings"]["batch"]["workers"] == 3


def test_a_killed_worker_costs_a_second_and_no_page(site, tmp_path):
    process, pids = start(site, tmp_path)
    worker = next(pid for pid in pids if module_of(pid) == WORKER)
    os.kill(worker, signal.SIGKILL)
    flushed, seen = archived(tmp_path), len(site.requests)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert_whole(tmp_path, (tmp_path / "crawls/demo/r/summary.json").read_text())
    assert again(site, flushed, seen) == set()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_a_signal_to_the_whole_group_stops_cleanly(site, tmp_path, number):
    process, pids = start(site, tmp_path, start_new_session=True)
    os.killpg(process.pid, number)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("stopped; go on with: scraper resume ")
    assert not any(map(is_running, pids))
    flushed, seen = set(product_pages(site.port, site.requests)), len(site.requests)
    done = scraper(*words(site, tmp_path, workers=1), "--json", cwd=tmp_path)
    assert_whole(tmp_path, done.stdout)
    # All that was answered before the stop was flushed by whoever had asked.
    assert again(site, flushed, seen) == set()


def modules_seen(process):
    """The modules of ours that a run had processes for, at whatever time."""
    seen = set()
    while process.poll() is None:
        seen |= {module_of(pid) for pid in children_of(process.pid)}
    process.communicate()
    assert process.returncode == 0
    return {name for name in seen if name.startswith("scraper.")}


@pytest.mark.parametrize(
    ("flags", "modules"),
    [(["batch.workers=2"], {PARSER}), (["batch.workers=1", "batch.size=10"], set())],
    ids=["one partition", "one worker"],
)
def test_no_worker_is_started_that_would_be_idle(site, tmp_path, flags, modules):
    (tmp_path / "shop.txt").write_text("\n".join(pages(site, 20)))
    command = [SCRAPER, "run", "shop.txt", *LOCAL]
    for flag in flags:
        command += ["--set", flag]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE)
    assert modules_seen(process) == modules


def rows_of(tmp_path, run, name, columns):
    table = tmp_path / f"crawls/demo/{run}/{name}.parquet"
    return duckdb.sql(f"SELECT {columns} FROM '{table}' ORDER BY ALL").fetchall()


def test_the_dataset_is_the_same_whatever_the_number(tmp_path):
    port = 0
    for workers in (1, 2):
        # The site answers by how often it was asked: each crawl has a new one, at one port.
        with serve_demo(port=port) as site:
            port = site.port
            command = [*words(site, tmp_path, workers), "--set", "throttle.delay_s=0"]
            command[command.index("r")] = f"r{workers}"
            assert scraper(*command, "-q", cwd=tmp_path).returncode == 0
        # Neither is compared with the other.
        (tmp_path / "crawls/demo/latest.json").unlink()
    columns = "url, final_url, reason, http_status, bytes, charset, content_sha256, items, batch"
    one, two = (rows_of(tmp_path, run, "outcomes", columns) for run in ("r1", "r2"))
    assert one == two
    columns = "* EXCLUDE (fetched_at)"
    one, two = (rows_of(tmp_path, run, "items", columns) for run in ("r1", "r2"))
    assert one == two
