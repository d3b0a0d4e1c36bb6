"""An object store, on a real S3 server: killed, held, gone; nothing flushed is asked for twice."""

import os
import subprocess

import pytest

from scraper.layout import archive_numbers, archive_parts, is_archive
from scraper.store import Store
from tests.gate import Gate
from tests.kills.conftest import FAST
from tests.kills.lives import dataset, demo_at, product_pages, redirect_targets, unreadable
from tests.kills.remote_lives import RemoteLives
from tests.workflows.cli.command import SCRAPER

pytestmark = pytest.mark.sockets

STAGES = {
    "the list is kept": "list.csv",
    "a batch's rows are there": "batches/1-*/seeds.parquet",
    "many pages are asked": 300,
    "a batch's items are there": "batches/1-*/items.jsonl.gz",
    "the dataset is written": "outcomes.parquet",
}


@pytest.fixture
def lives(undisturbed, s3, tmp_path):
    with demo_at(undisturbed.port) as server:
        yield RemoteLives(tmp_path, server, flags=FAST, url=s3)


def asked_again(lives, seen, flushed):
    again = product_pages(lives.server.requests[seen:]) & flushed
    return again - redirect_targets(lives.server.port)


def archives(lives):
    """By batch the parts of its archive that count, and those that one of these covers."""
    batches = dict[str, list[str]]()
    for key in filter(is_archive, lives.keys("batches/*")):
        batches.setdefault(key.rsplit("/", 1)[0], []).append(key)
    return [archive_parts(keys) for keys in batches.values()]


def said(*words, **environment):
    """What a command says that ends by itself: exit code, output, the lines of its errors."""
    ended = subprocess.run(
        [SCRAPER, *words], capture_output=True, text=True, timeout=90, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout, ended.stderr.splitlines()


def test_a_run_is_the_same_as_in_a_folder_and_every_command_takes_it(lives, undisturbed, tmp_path):
    lives.ended(lives.begin("-q"))
    assert dataset(lives) == undisturbed.dataset
    assert unreadable(lives.path) == []
    parts = archives(lives)
    assert {len(counted) for counted, _ in parts} == {1}
    assert max(archive_numbers(counted[0])[1] for counted, _ in parts) > 5
    stored = lives.store
    latest = stored.head("demo/latest.json").modified_at
    assert latest >= max(stored.head(key).modified_at for key in stored.list("demo/r"))
    code, listed, _ = said("list", "--store", lives.url)
    assert (code, "latest" in listed) == (0, True)
    out = tmp_path / "items.jsonl"
    code, _, _ = said("export", "demo", "items", "-o", str(out), "--store", lives.url)
    assert (code, len(out.read_text().splitlines())) == (0, lives.summary()["items"])
    code, _, told = said("resume", "demo/r", "--store", lives.url)
    assert (code, told) == (0, ["demo/r is finished: nothing to do"])
    code, planned, _ = said("plan", str(tmp_path / "demo.toml"), "--store", lives.url)
    assert (code, "as in demo/r" in planned) == (0, True)
    assert "local disk expected: at most " in planned


def test_killed_at_every_stage_nothing_flushed_is_asked_for_twice(lives, undisturbed):
    process = lives.begin("-q")
    for stage in STAGES.values():
        come = lives.was_asked(stage) if isinstance(stage, int) else lives.has(stage)
        lives.wait(process, come)
        lives.kill(process)
        seen, flushed = len(lives.server.requests), lives.flushed()
        process = lives.resumed("-q")
        if stage == "outcomes.parquet":
            summary = lives.ended(process)
        assert asked_again(lives, seen, flushed) == set()
    assert len(flushed) > 500
    assert dataset(lives) == undisturbed.dataset
    assert summary["resumed"] == len(STAGES)
    assert unreadable(lives.path) == []


@pytest.mark.long
def test_killed_when_the_parts_are_one_and_not_yet_deleted(
    lives, undisturbed, s3_server, monkeypatch
):
    # Others are deleted too: what a store is tried with.
    gate = Gate(s3_server.port, holds=rb"<Delete.*<Key>[^<]*/archive-")
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{gate.port}")
    # Pages are parsed in other processes than those that have made the copy of them.
    monkeypatch.setenv("SCRAPER_BATCH__WORKERS", "2")
    process = lives.begin("-q")
    lives.wait(process, gate.has_held.is_set)
    lives.kill(process)
    gate.shut()
    monkeypatch.setenv("AWS_ENDPOINT", s3_server.environment["AWS_ENDPOINT"])
    covered = [keys for _, keys in archives(lives) if keys]
    assert max(map(len, covered)) > 1
    seen, flushed = len(lives.server.requests), lives.flushed()
    lives.ended(lives.resumed("-q"))
    assert flushed
    assert asked_again(lives, seen, flushed) == set()
    assert dataset(lives) == undisturbed.dataset
    assert {(len(counted), len(left)) for counted, left in archives(lives)} == {(1, 0)}


def test_two_at_once_and_one_that_is_dead(lives):
    living = lives.begin("-q")
    lives.wait(living, lives.was_asked(50))
    code, out, told = said("resume", "demo/r", "--store", lives.url)
    assert (code, out, len(told)) == (4, "", 1)
    assert told[0].startswith(f"error: the run demo/r is alive (process {living.pid} on ")
    lives.kill(living)
    lives.ended(lives.resumed("-q"))
    assert lives.store.get("demo/latest.json") is not None


@pytest.mark.long
def test_an_endpoint_that_goes_in_the_middle(lives, undisturbed, s3_server, monkeypatch):
    gate = Gate(s3_server.port)
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{gate.port}")
    monkeypatch.setenv("SCRAPER_CLUSTER__BATCH_RETRIES", "0")
    process = lives.begin("-q")
    lives.wait(process, lives.was_asked(200))
    gate.shut()
    out, err = process.communicate(timeout=120)
    error, go_on = err.splitlines()
    assert (process.returncode, out) == (1, "")
    assert f"http://127.0.0.1:{gate.port} doesn't answer: " in error
    assert go_on == f"go on with: scraper resume demo/r --store {lives.url}"
    gate.reopen()
    assert lives.store.get("demo/latest.json") is None
    assert lives.keys("summary.json") == []
    seen, flushed = len(lives.server.requests), lives.flushed()
    lives.ended(lives.resumed("-q"))
    gate.shut()
    assert flushed
    assert asked_again(lives, seen, flushed) == set()
    assert dataset(lives) == undisturbed.dataset


COMMANDS = (
    ["run", "demo.txt"],
    ["plan", "demo.txt"],
    ["list"],
    ["resume", "demo"],
    ["export", "demo"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_bucket_that_is_not_there(s3, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.txt").write_text("http://a.localhost:9/\n")
    code, out, told = said(*command, "--store", "s3://no-such-bucket/x")
    assert (code, out, len(told)) == (2, "", 1)
    assert told[0].startswith("error: s3://no-such-bucket/x can't be used as a store: ")
    assert told[0].endswith("The specified bucket does not exist (NoSuchBucket)")


def test_a_store_without_credentials(s3, tmp_path, monkeypatch):
    metadata = os.environ["AWS_ENDPOINT"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    # Where a cloud's machine would give some: here nobody does.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"{metadata}/nobody")
    code, out, told = said("list", "--store", s3)
    assert (code, out, len(told)) == (2, "", 1)
    assert "no credentials: they are taken from the environment" in told[0]
    assert "AWS_ACCESS_KEY_ID" in told[0]


def test_another_scheme_is_no_store():
    code, _, told = said("list", "--store", "http://127.0.0.1:1/x")
    assert (code, len(told)) == (2, 1)
    assert "it is neither a folder nor s3://, gs:// or az:// and a bucket" in told[0]


def test_a_value_is_made_once_there(s3):
    store = Store(s3)
    assert store.create("run/a", b"one")
    assert not store.create("run/a", b"two")
    assert store.get("run/a") == b"one"
