"""Cycles are looked for more rarely, in our own processes only."""

import subprocess
import sys

import pytest

ASK = "import gc; print(gc.get_threshold()[0], gc.get_freeze_count())"


def said(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_process_that_asks_for_it_collects_rarely_and_freezes_nothing():
    asked = "from scraper.garbage import collect_rarely; collect_rarely(); " + ASK
    assert said(asked) == ["50000", "0"]


def test_tables_leave_no_complaint_at_the_end_of_a_process_that_collects_rarely():
    code = (
        "from scraper.garbage import collect_rarely\n"
        "import duckdb\n"
        "collect_rarely()\n"
        "duckdb.connect(':memory:').execute('SELECT 1').fetchall()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_cycle_is_still_collected():
    code = (
        "import gc, weakref\n"
        "from scraper.garbage import collect_rarely\n"
        "class Node: pass\n"
        "collect_rarely()\n"
        "node = Node(); node.itself = node; seen = weakref.ref(node); del node\n"
        "kept = [[] for _ in range(60_000)]\n"
        "print(seen() is None)"
    )
    assert said(code) == ["True"]


@pytest.mark.parametrize(
    "imported", ["scraper", "workflows.cli.main", "scraper.workers.worker_main"]
)
def test_an_import_changes_nothing(imported):
    assert said(f"import {imported}; {ASK}") == [*said(ASK)]


def test_the_command_collects_rarely():
    code = (
        "import gc, sys; sys.argv = ['scraper', '--version']\n"
        "from workflows.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print(gc.get_threshold()[0])"
    )
    assert said(code)[-1] == "50000"
