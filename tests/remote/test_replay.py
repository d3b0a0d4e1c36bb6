"""Crashes on a cluster, with the SDK's own remote controller and entrypoint.

The processes are killed from outside, at the very instant that the control plane or the website
sees: nothing in them is wrapped. The proof is the website's log and the plane's, never a counter
of ours.
"""

from collections import Counter
from pathlib import Path

import orjson
import pytest
from connectrpc.code import Code
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


def check_equal_inputs(parent, asked_for):
    """Both attempts of a parent wrote the inputs of what they asked for, and the same bytes."""
    first, second = (attempt.inputs[asked_for.id.name] for attempt in parent.attempts)
    assert first.data == second.data
    assert first.at_ns < second.at_ns


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
    [submit], [poll] = plane.of("submit"), plane.of("poll")
    check_equal_inputs(batch, submit)
    assert poll.id.name not in batch.attempts[0].inputs


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
    check_equal_inputs(batch, *plane.of("submit"))


def test_an_orchestrator_killed_half_way_re_attaches_its_batches_and_re_runs_none(remote):
    plane, root = remote.plane, "a0-r1"
    under_way, began_at_ns = [], {}
    seeds = remote.listed(4, hosts=4)

    def second_is_done(_action):
        done = [each for each in plane.of(BATCH) if each.phase == SUCCEEDED]
        if len(done) != 2:
            return None
        under_way.extend(each for each in plane.of(BATCH) if each.phase == RUNNING)
        for each in under_way:
            began_at_ns[each.id.name] = Path(each.input_uri).stat().st_mtime_ns
        return plane.actions[root]

    def hold(path):
        # All but two are under way when the orchestrator dies, and until the next one asks again.
        if remote.origin.paths.index(path) >= 2:
            wait_until(lambda: killed and all(map(was_asked_for_again, under_way)))

    def was_asked_for_again(batch):
        return Path(batch.input_uri).stat().st_mtime_ns > began_at_ns[batch.id.name]

    remote.origin.on_asked = hold
    killed = killing(plane, when=second_is_done)
    summary = remote.run(seeds, settings=("batch.size=1",))
    assert [action.id.name for action in killed] == [root]
    assert [attempt.returncode for attempt in killed[0].attempts] == [-9, 0]
    assert len(under_way) == 2
    for batch in under_way:
        check_equal_inputs(killed[0], batch)
    assert list(plane.attempts(BATCH).values()) == [1] * 4
    assert remote.asked() == once_each(4)
    assert (summary["outcomes"]["ok"], summary["balanced"], summary["resumed"]) == (4, True, 1)
    assert orjson.loads(remote.store.get("shop/latest.json"))["run_id"] == "r1"


@pytest.mark.parametrize("replicas", [1])
def test_a_batch_that_could_not_be_handed_over_ends_the_run_and_another_goes_on(remote):
    """Its rows would be `batch_crashed`, though nobody has tried them."""
    seeds = remote.listed(2, hosts=2)
    remote.plane.refusals = [Code.NOT_FOUND]
    root = remote.begin(seeds, settings=("batch.size=1",)).result(PATIENCE_S)
    assert (root.error.code, len(root.attempts)) == ("RuntimeSystemError", 1)
    assert remote.store.get("shop/latest.json") is None
    summary = remote.run(seeds, settings=("batch.size=1",), life=2)
    assert (summary["reasons"], summary["resumed"]) == ({"ok": 2}, 1)
