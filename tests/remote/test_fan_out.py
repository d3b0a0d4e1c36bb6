"""Many batches in a warm pool: several at once in a process, each begun once."""

from collections import Counter

import pytest

from tests.processes import wait_until
from tests.remote.runs import BATCH

pytestmark = pytest.mark.sockets


@pytest.mark.parametrize("replicas", [1])
@pytest.mark.parametrize("count", [12, pytest.param(200, marks=pytest.mark.long)])
def test_batches_run_several_at_once_in_a_replica_and_none_twice(remote, count):
    # Nobody gets an answer before three have asked: one after another they would wait for good.
    remote.origin.on_asked = lambda _path: wait_until(lambda: len(remote.asked()) >= 3)
    summary = remote.run(remote.listed(count, hosts=count), settings=("batch.size=1",))
    assert (summary["outcomes"]["ok"], summary["balanced"], summary["resumed"]) == (count, True, 0)
    assert remote.asked() == Counter({f"/{n}": 1 for n in range(count)})
    assert list(remote.plane.attempts(BATCH).values()) == [1] * count
    [replica] = remote.plane.containers.pool.replicas
    assert (replica.begun, replica.most) == (1, 5)


@pytest.mark.parametrize("replicas", [1])
def test_a_replica_that_dies_costs_its_batches_an_attempt_and_no_page(remote):
    plane, count = remote.plane, 6

    def kill(path):
        if path == "/5" and remote.asked()[path] == 1:
            wait_until(lambda: len(remote.flushed("shop/r1")) == count - 1)
            plane.of(BATCH)[0].kill()

    remote.origin.on_asked = kill
    summary = remote.run(remote.listed(count, hosts=count), settings=("batch.size=1",))
    assert (summary["outcomes"]["ok"], summary["balanced"]) == (count, True)
    assert remote.asked() == Counter({f"/{n}": 1 for n in range(count)}) + Counter(["/5"])
    assert max(plane.attempts(BATCH).values()) == 2
    assert plane.containers.pool.replicas[0].begun == 2
