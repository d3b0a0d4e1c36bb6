"""A full disk, a folder that can't be written, a store that vanishes: told, and healed by a resume.

On real small filesystems where one can be mounted.
"""

import os
import subprocess
from contextlib import contextmanager

import pytest

from tests.kills.lives import dataset, unreadable

pytestmark = pytest.mark.sockets

DATASET = ("items.parquet", "outcomes.parquet", "failed.jsonl", "report.html", "summary.json")
BLOCK = 4096


@contextmanager
def disk(folder, *, size):
    """A filesystem of so many bytes."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no filesystem can be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def begun(lives):
    """A life whose tasks Flyte doesn't try again: the disk won't heal by itself."""
    return lives.begin("-q", env=os.environ | {"SCRAPER_CLUSTER__BATCH_RETRIES": "0"})


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def check_told(process, *told):
    """One line says what is wrong, one how to go on; nothing is published."""
    stdout, stderr = process.communicate(timeout=90)
    assert (process.returncode, stdout) == (1, ""), stderr
    error, go_on = stderr.strip().splitlines()
    assert error.startswith("error: ")
    assert any(word in error for word in told), error
    assert go_on == "go on with: scraper resume demo/r"


def check_healed(lives, undisturbed):
    """It goes on, and ends like an undisturbed run; what was written is whole."""
    assert not (lives.folder / "crawls/demo/latest.json").exists()
    lives.ended(lives.resumed("-q"))
    assert dataset(lives) == undisturbed.dataset
    assert unreadable(lives.path) == []


STEPS = {"while it is planned": 60_000, "while pages are fetched": 500_000}


@pytest.mark.long
@pytest.mark.parametrize("size", STEPS.values(), ids=STEPS.keys())
def test_a_disk_that_fills_up(lives, undisturbed, size):
    with disk(lives.folder / "crawls", size=size):
        check_told(begun(lives), "No space left on device")
        remount(lives.folder / "crawls", "size=50m")
        check_healed(lives, undisturbed)


@pytest.mark.long
def test_a_disk_that_fills_up_while_the_dataset_is_written(lives, undisturbed):
    files = [path for path in undisturbed.path.parent.rglob("*") if path.is_file()]
    before = [path.stat().st_size for path in files if path.name not in DATASET]
    size = sum(-(-bytes_ // BLOCK) * BLOCK for bytes_ in before) + 12 * BLOCK
    with disk(lives.folder / "crawls", size=size):
        check_told(begun(lives), "No space left on device")
        assert lives.has("batches/1-0001-00001/done.json")()
        remount(lives.folder / "crawls", "size=50m")
        check_healed(lives, undisturbed)


@pytest.mark.long
def test_a_folder_that_can_no_longer_be_written(lives, undisturbed):
    with disk(lives.folder / "crawls", size="50m"):
        process = begun(lives)
        lives.wait(process, lives.was_asked(200))
        # Busy while a file is open for writing: until it isn't.
        lives.wait(process, lambda: made_read_only(lives.folder / "crawls"))
        check_told(process, "Read-only file system", "Read-only")
        remount(lives.folder / "crawls", "rw")
        check_healed(lives, undisturbed)


def made_read_only(folder):
    words = ["mount", "-o", "remount,ro", str(folder)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


GONE = [
    pytest.param("crawls"),
    pytest.param("crawls/demo", marks=pytest.mark.long),
    pytest.param("crawls/demo/r", marks=pytest.mark.long),
]


@pytest.mark.parametrize("gone", GONE)
def test_a_store_that_vanishes_and_comes_back(lives, undisturbed, gone):
    process = begun(lives)
    lives.wait(process, lives.was_asked(200))
    (lives.folder / gone).rename(lives.folder / "elsewhere")
    check_told(process, "No such file", "is gone", "are gone")
    # Nothing was made in its place that would stand in the way of what comes back.
    left = [path for path in (lives.folder / gone).rglob("*") if path.is_file()]
    assert left == []
    for folder in sorted((lives.folder / gone).rglob("*"), reverse=True):
        folder.rmdir()
    if (lives.folder / gone).exists():
        (lives.folder / gone).rmdir()
    (lives.folder / "elsewhere").rename(lives.folder / gone)
    check_healed(lives, undisturbed)
