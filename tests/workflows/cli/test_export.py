"""`scraper export` as a stranger uses and misuses it: real processes, real files."""

import csv
import json
import os
import pty
import subprocess
from pathlib import Path

import duckdb
import pytest

from scraper.store import Store
from tests.scraper.stored_runs import put_run, put_table
from tests.workflows.cli.command import SCRAPER

OUTCOMES = (
    "SELECT 'https://a.org/' || n AS url, n AS bytes, '=' || n AS note FROM range(50000) r(n)"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a store of three runs, as it stands after three runs of a crawl."""
    folder = tmp_path_factory.mktemp("export")
    store = Store(str(folder / "crawls"))
    for hours, run in enumerate(("shop/r1", "shop/r2")):
        put_run(store, run, hours=hours, outcomes={"ok": 2}, latest=run == "shop/r2")
        put_table(store, run, "items.parquet", f"SELECT '{run}' AS url, ['a'] AS links")
        put_table(store, run, "outcomes.parquet", OUTCOMES)
        put_table(store, run, "failed.jsonl", "SELECT 'x' AS url, {'reason': 'dns'} AS _failed")
    put_run(store, "shop/r3", hours=3)
    return folder


def scraper(*words, cwd, stdout=subprocess.PIPE):
    command = [SCRAPER, *map(str, words)]
    return subprocess.run(
        command, cwd=cwd, stdout=stdout, stderr=subprocess.PIPE, timeout=60, check=False
    )


def test_the_items_of_the_latest_run_go_to_stdout(folder):
    done = scraper("export", "shop", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == {"url": "shop/r2", "links": ["a"]}


def test_a_named_run_and_table_and_format(folder):
    done = scraper("export", "shop/r1", "outcomes", "--format", "csv", cwd=folder)
    rows = list(csv.reader(done.stdout.decode().splitlines()))
    assert rows[:2] == [["url", "bytes", "note"], ["https://a.org/0", "0", "'=0"]]
    assert len(rows) == 50_001


@pytest.mark.parametrize(
    ("file", "first"),
    [("a.jsonl", b'{"url'), ("A.CSV", b"url,"), ("a.parquet", b"PAR1"), ("a", b'{"url')],
)
def test_the_suffix_tells_the_format(folder, tmp_path, file, first):
    done = scraper("export", "shop", "-o", tmp_path / file, cwd=folder)
    assert (done.returncode, done.stdout) == (0, b"")
    assert (tmp_path / file).read_bytes().startswith(first)
    assert done.stderr.startswith(b"1 rows (items, ")


def test_the_format_that_is_asked_for_beats_the_suffix(folder, tmp_path):
    done = scraper("export", "shop", "--format", "csv", "-o", tmp_path / "a.jsonl", cwd=folder)
    assert done.returncode == 0
    assert (tmp_path / "a.jsonl").read_bytes().startswith(b"url,links\r\n")


def test_parquet_goes_out_as_it_is_stored(folder):
    done = scraper("export", "shop", "outcomes", "--format", "parquet", cwd=folder)
    assert done.stdout == (folder / "crawls/shop/r2/outcomes.parquet").read_bytes()


def test_json_says_what_was_written(folder, tmp_path):
    path = tmp_path / "failed.parquet"
    done = scraper("export", "shop", "failed", "-o", path, "--json", cwd=folder)
    assert json.loads(done.stdout) == {
        "what": "failed",
        "format": "parquet",
        "rows": 1,
        "bytes": path.stat().st_size,
        "path": str(path),
    }
    assert done.stderr == b""
    assert duckdb.sql(f"SELECT * FROM '{path}'").fetchall() == [("x", '{"reason":"dns"}')]


WRONG = {
    "no such crawl": (["shpo"], "no such crawl: shpo; did you mean shop?"),
    "no such run": (["shop/r7"], "no such run: shop/r7; did you mean shop/r"),
    "a run that isn't published": (["shop/r3"], "go on with it: scraper resume shop/r3"),
    "no changes": (["shop", "changes"], "shop/r2 has no changes.parquet"),
    "no such store": (["shop", "--store", "nowhere"], "the store nowhere: there is no such folder"),
    "json without a file": (["shop", "--json"], "it needs -o FILE"),
    "a missing folder": (["shop", "-o", "no/such/a.csv"], "no/such/a.csv: can't be written"),
    "a folder": (["shop", "-o", "."], ".: can't be written: Is a directory"),
    "a compressed file": (["shop", "-o", "a.csv.gz"], "a.csv.gz: the export isn't compressed"),
}


@pytest.mark.parametrize(("words", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_one_line_and_exit_2(folder, words, told):
    before = sorted(folder.rglob("*"))
    done = scraper("export", *words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith("error: ")
    assert told in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("words", [["shop", "pages"], ["shop", "--format", "xml"], []])
def test_a_wrong_word_is_usage(folder, words):
    done = scraper("export", *words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr


def test_an_error_leaves_the_file_that_is_there(folder, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine")
    assert scraper("export", "shop", "changes", "-o", path, cwd=folder).returncode == 2
    broken = Store(str(tmp_path / "crawls"))
    put_run(broken, "shop/r1", outcomes={}, latest=True)
    broken.put("shop/r1/items.parquet", b"PAR1")
    done = scraper("export", "shop", "-o", path, cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert (path.read_text(), sorted(tmp_path.iterdir())) == ("mine", [path, tmp_path / "crawls"])


def test_a_file_is_replaced_through_a_link_with_usual_rights(folder, tmp_path):
    link = tmp_path / "latest.csv"
    link.symlink_to("real.csv")
    assert scraper("export", "shop", "-o", link, cwd=folder).returncode == 0
    assert link.is_symlink()
    assert (tmp_path / "real.csv").stat().st_mode & 0o600 == 0o600
    assert (tmp_path / "real.csv").read_text().startswith("url,links")


def test_a_device_is_written_to_and_left_in_its_place(folder):
    done = scraper("export", "shop", "-o", "/dev/null", cwd=folder)
    assert done.returncode == 0
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("words", [["-o", "/dev/full"], []], ids=["file", "stdout"])
@pytest.mark.parametrize("table", ["items", "outcomes"])
def test_a_full_disk_is_one_line_and_exit_1(folder, words, table):
    with Path("/dev/full").open("wb") as full:
        done = scraper("export", "shop", table, *words, cwd=folder, stdout=full)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("error: ")
    assert done.stderr.decode().endswith("No space left on device\n")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
def test_a_reader_that_has_seen_enough_is_no_error(folder, file_format):
    words = ["export", "shop", "outcomes", "--format", file_format]
    with subprocess.Popen(
        [SCRAPER, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.read(4)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_parquet_to_a_terminal_is_refused(folder):
    controller, terminal = pty.openpty()
    done = scraper("export", "shop", "--format", "parquet", cwd=folder, stdout=terminal)
    os.close(terminal)
    os.close(controller)
    assert done.returncode == 2
    assert b"not for a terminal" in done.stderr
