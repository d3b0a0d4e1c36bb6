"""kill -9 at any instant: nothing is lost, nothing that was flushed is asked for twice."""

import random

import pytest

from tests.kills.lives import dataset, product_pages, redirect_targets, unreadable

pytestmark = pytest.mark.sockets

FLUSH_S = 0.5
SLACK_S = 1.5
"""What a busy machine may add to the interval between two flushes."""

STAGES = {
    "the request is there": "request.json",
    "the list is kept": "list.csv",
    "a batch's rows are there": "batches/1-*/seeds.parquet",
    "the run is planned": "run.json",
    "a few pages are asked": 40,
    "many pages are asked": 300,
    "a batch's items are there": "batches/1-*/items.jsonl.gz",
    "a batch is done": "batches/1-*/done.json",
    "the dataset is written": "outcomes.parquet",
    "the report is written": "report.html",
    "the summary is written": "summary.json",
}


def check_nothing_twice(lives, seen, flushed):
    """No page whose row was at its end, and flushed, was asked for after the kill."""
    again = product_pages(lives.server.requests[seen:]) & flushed
    assert again <= redirect_targets(lives.server.port)


def test_killed_at_every_stage_a_run_ends_like_an_undisturbed_one(lives, undisturbed):
    process, kills = lives.begin("-q"), 0
    # Killed before it is asked for, there is nothing to resume.
    lives.wait(process, lives.has("request.json"))
    for stage in STAGES.values():
        asked = lives.was_asked(stage) if isinstance(stage, int) else lives.has(stage)
        lives.wait(process, asked)
        lives.kill(process)
        kills += not lives.has("summary.json")()
        seen, flushed = len(lives.server.requests), lives.flushed()
        process = lives.resumed("-q")
        if stage == "summary.json":
            summary = lives.ended(process)
        check_nothing_twice(lives, seen, flushed)
    assert dataset(lives) == undisturbed.dataset
    assert summary["resumed"] == kills > len(STAGES) - 4
    assert max(lives.late_losses(FLUSH_S), default=0) < SLACK_S
    assert (lives.folder / "crawls/demo/latest.json").exists()
    assert lives.archived() == lives.asked() - lives.lost[-1]
    assert unreadable(lives.path) == []
    assert list(lives.path.rglob("*#*")) == []


@pytest.mark.long
def test_killed_at_random_again_and_again_a_run_ends_like_an_undisturbed_one(lives, undisturbed):
    chance = random.Random(5)
    process, kills = lives.begin("-q"), 0
    while lives.lives_for(process, chance.uniform(0.5, 5.0)):
        lives.kill(process)
        kills += 1
        seen, flushed = len(lives.server.requests), lives.flushed()
        process = lives.resumed("-q")
    summary = lives.ended(process)
    check_nothing_twice(lives, seen if kills else 0, flushed if kills else set())
    assert dataset(lives) == undisturbed.dataset
    # A life that ends before it could say so is none: a busy machine starts it slowly.
    assert summary["resumed"] == lives.noted() - 1 <= kills
    assert max(lives.late_losses(FLUSH_S), default=0) < SLACK_S


def test_each_life_gets_further_however_short_it_is(lives):
    """Each is killed long before its flush is due, and leaves some of its pages all the same."""
    process, left = lives.begin("-q", "--set", "archive.flush_s=2"), []
    for _ in range(3):
        lives.wait(process, lives.was_asked(150))
        lives.kill(process)
        left.append(len(lives.flushed()))
        process = lives.resumed("-q")
    lives.kill(process)
    assert left == sorted(set(left))
