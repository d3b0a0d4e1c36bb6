"""A run that is cancelled on a cluster: nothing of it is published, and nothing is in the way.

A backend tells the containers to end (SIGTERM), and those who wait for a task that it was
aborted; in which order isn't known.
"""

import signal

import orjson
import pytest

from tests.processes import wait_until
from tests.remote.runs import BATCH, PATIENCE_S

pytestmark = pytest.mark.sockets

HANGS = "/1"


def hold(remote):
    """One page isn't answered until the test is over with it."""
    is_over = []
    remote.origin.on_asked = lambda path: path == HANGS and wait_until(lambda: is_over)
    return is_over


def newest_lease(remote, crawl="shop"):
    keys = [key for key in remote.store.list(f"{crawl}/lease") if not key.endswith("clock")]
    return orjson.loads(remote.store.get(max(keys)))


@pytest.mark.parametrize("replicas", [1])
def test_a_cancelled_run_gives_its_lease_back_and_leaves_no_dataset(remote):
    is_over, seeds = hold(remote), remote.listed(3)
    root = remote.begin(seeds)
    wait_until(lambda: HANGS in remote.asked())
    remote.plane.abort("a0-r1")
    assert root.result(PATIENCE_S).phase == remote.plane.of(BATCH)[0].phase
    is_over.append(True)
    # Released: on another machine nobody could see that its process is gone.
    assert newest_lease(remote)["is_released"] is True
    assert remote.store.get("shop/latest.json") is None
    assert remote.summary("shop/r1") == {}
    summary = remote.run(seeds, run_id="r2")
    assert (summary["outcomes"]["ok"], summary["balanced"]) == (3, True)
    assert orjson.loads(remote.store.get("shop/latest.json"))["run_id"] == "r2"
    # What was cancelled asked for nothing more.
    assert remote.asked() == {"/0": 2, HANGS: 2, "/2": 1}


def test_a_run_that_is_cancelled_while_it_is_planned_gives_its_lease_back(remote):
    seeds = remote.folder / "shop.txt"
    is_over = []
    remote.origin.on_asked = lambda path: path == "/list.txt" and wait_until(lambda: is_over)
    remote.listed(2)
    remote.origin.add("/list.txt", seeds.read_bytes(), content_type="text/plain")
    url = remote.origin.url("/list.txt", "h0.localhost")
    root = remote.begin(url)
    wait_until(lambda: "/list.txt" in remote.asked())
    remote.plane.abort("a0-r1")
    root.result(PATIENCE_S)
    is_over.append(True)
    (crawl,) = remote.store.folders()
    assert newest_lease(remote, crawl)["is_released"] is True


@pytest.mark.parametrize("replicas", [1])
def test_a_batch_that_is_aborted_is_no_batch_that_crashed(remote):
    """Its rows would be `batch_crashed`, and a dataset of those the latest one."""
    is_over, seeds = hold(remote), remote.listed(3, hosts=3)
    root = remote.begin(seeds, settings=("batch.size=1", "batch.max_in_flight=1"))
    wait_until(lambda: HANGS in remote.asked())
    under_way = remote.plane.of(BATCH)[-1]
    remote.plane.abort(under_way.id.name)
    ended = root.result(PATIENCE_S)
    is_over.append(True)
    assert (ended.error.code, len(ended.attempts)) == ("ActionAbortedError", 1)
    assert remote.store.get("shop/latest.json") is None
    assert remote.summary("shop/r1") == {}
    assert newest_lease(remote)["is_released"] is True


@pytest.mark.parametrize("replicas", [1])
def test_an_orchestrator_whose_node_is_taken_away_goes_on_elsewhere(remote):
    is_over, seeds, plane = hold(remote), remote.listed(3, hosts=3), remote.plane
    ended = remote.begin(seeds, settings=("batch.size=1",))
    wait_until(lambda: len(remote.asked()) == 3)
    root = plane.actions["a0-r1"]
    root.attempts[0].send(signal.SIGTERM)
    wait_until(lambda: len(root.attempts) == 2)
    assert newest_lease(remote)["is_released"] is True
    is_over.append(True)
    assert ended.result(PATIENCE_S).error is None
    assert [attempt.returncode for attempt in root.attempts] == [143, 0]
    # Its batches went on meanwhile.
    assert (plane.aborted, list(plane.attempts(BATCH).values())) == ([], [1, 1, 1])
    assert remote.summary("shop/r1")["reasons"] == {"ok": 3}
    assert set(remote.asked().values()) == {1}
