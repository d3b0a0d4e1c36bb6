"""`scraper demo` in a process of its own, and the commands that it tells to try next."""

import json
import shlex
import subprocess

import pytest

from scraper.demo.crawl import DUPLICATES, EXPECTED, ROWS
from tests.workflows.cli.command import SCRAPER

pytestmark = pytest.mark.sockets


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the demo printed, and where it ran."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [SCRAPER, "demo"], cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )
    return folder, done


def test_it_balances_and_ends_as_it_always_does(told):
    folder, done = told
    assert done.returncode == 0
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"{ROWS:,} rows = {DUPLICATES} duplicates + 988 outcomes (953 ok, ")
    assert first.endswith(": balanced")
    (summary,) = folder.glob("crawls/demo/*/summary.json")
    found = json.loads(summary.read_text())["reasons"]
    assert found == {reason: count for reason, count in EXPECTED.items() if count}


def test_the_files_that_it_names_are_there(told):
    folder, done = told
    named = [line.split()[-1] for line in done.stdout.splitlines() if "crawls/demo/" in line]
    assert len(named) == 4
    assert all((folder / name).exists() for name in named)


def test_it_tells_three_commands_and_they_run(told):
    folder, done = told
    lines = done.stderr.split("try next:\n")[1].splitlines()
    report, query, books = (shlex.split(line) for line in lines)
    assert report[1:3] == ["-m", "webbrowser"]
    assert (folder / report[3]).read_text().startswith("<!doctype html>")
    found = subprocess.run(query, cwd=folder, capture_output=True, text=True, check=True)
    assert "robots_disallowed" in found.stdout
    # The third one is the README's, which runs against mocked pages in its own test.
    assert books[1:3] == ["run", "seeds/books.toscrape.com.toml"]


def test_json_is_the_summary(tmp_path):
    help_text = subprocess.run(
        [SCRAPER, "demo", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "--json" in help_text.stdout
