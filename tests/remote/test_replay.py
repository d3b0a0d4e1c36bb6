"""Crashes on a cluster, with the SDK's own remote controller and entrypoint.

The processes are killed from outside, at the very instant that the control plane or the website
sees: nothing in them is wrapped. The proof is the website's log and the plane's, never a counter
of ours.
"""

from collections import Counter

import orjson
import pytest
from flyteidl2.common.phase_pb2 import ActionPhase

from tests.processes import wait_until
from tests.remote.runs import BATCH, PATIENCE_S

pytestmark = pytest.mark.sockets

RUNNING = ActionPhase.ACTION_PHASE_RUNNING
SUCCEEDED = ActionPhase.ACTION_PHASE_SUCCEEDED


def once_each(count):
    return Counter({f"/{n}": 1 for n in range(count)})


def killing(plane, *, when):
    """Kill the process of what a change leads to, the first time that it leads to something."""
    killed = []

    def look(action):
        victim = None if killed else when(action)
        if victim is not None:
            killed.append(victim)
            victim.kill()

    plane.on_change = look
    return killed


def test_a_worker_killed_between_the_phases_replays_submit_and_only_polls(remote):
    plane = remote.plane
    killed = killing(
        plane,
        when=lambda action: plane.actions[action.parent] if action.what == "submit" else None,
    )
    summary = remote.run(remote.listed(3))
    [batch] = plane.of(BATCH)
    assert killed == [batch]
    assert [attempt.returncode for attempt in batch.attempts] == [-9, 0]
    assert (summary["outcomes"]["ok"], summary["balanced"]) == (3, True)
    assert remote.asked() == once_each(3)
    # Found in what the plane knew, submit wasn't recorded a second time.
    assert plane.recorded == {"submit": 1, "poll": 1}
    # Its inputs were put there by both attempts, the same bytes: else its name would differ.
    [submit], [poll] = plane.of("submit"), plane.of("poll")
    first, second = (attempt.inputs for attempt in batch.attempts)
    assert first[submit.id.name] == second[submit.id.name]
    assert set(second) - set(first) == {poll.id.name}


def test_a_worker_killed_inside_submit_fetches_only_what_the_archive_lacks(remote):
    plane, last = remote.plane, 7

    def kill(path):
        if path == f"/{last}" and remote.asked()[path] == 1:
            wait_until(lambda: len(remote.flushed("shop/r1")) == last)
            plane.of(BATCH)[0].kill()

    remote.origin.on_asked = kill
    summary = remote.run(remote.listed(10))
    [batch] = plane.of(BATCH)
    assert [attempt.returncode for attempt in batch.attempts] == [-9, 0]
    assert (summary["outcomes"]["ok"], summary["balanced"]) == (10, True)
    assert remote.asked() == once_each(10) + Counter([f"/{last}"])
    assert plane.recorded == {"submit": 1, "poll": 1}


def test_an_orchestrator_killed_half_way_re_attaches_its_batches_and_re_runs_none(remote):
    plane, root, under_way = remote.plane, "a0-r1", []
    seeds = remote.listed(5, hosts=5)

    def second_is_done(_action):
        done = [each for each in plane.of(BATCH) if each.phase == SUCCEEDED]
        if len(done) != 2:
            return None
        under_way.extend(each for each in plane.of(BATCH) if each.phase == RUNNING)
        return plane.actions[root]

    def hold(path):
        # One batch is under way when the orchestrator dies, and until the next one lives.
        if path == "/4":
            wait_until(lambda: len(plane.actions[root].attempts) == 2)

    remote.origin.on_asked = hold
    killed = killing(plane, when=second_is_done)
    summary = remote.run(seeds, settings=("batch.size=1",))
    assert [action.id.name for action in killed] == [root]
    assert [attempt.returncode for attempt in killed[0].attempts] == [-9, 0]
    assert len(under_way) == 3
    assert list(plane.attempts(BATCH).values()) == [1] * 5
    assert remote.asked() == once_each(5)
    assert (summary["outcomes"]["ok"], summary["balanced"], summary["resumed"]) == (5, True, 1)
    assert orjson.loads(remote.store.get("shop/latest.json"))["run_id"] == "r1"
