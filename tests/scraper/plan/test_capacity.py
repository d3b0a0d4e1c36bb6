"""What a cluster's size means for a run, against partitions that are counted by hand."""

import pytest

from scraper.plan.capacity import Capacity, capacity
from scraper.settings import flag_layer, load_settings
from tests.scraper.plan.test_estimate import ONE_SECOND, pages, planned_of

# Six partitions of one host each, of 6, 5, … 1 seconds: 21 in all.
ROWS = [url for n in range(6) for url in pages(f"{'abcdef'[n]}.example", 6 - n)]
PLAN = (*ONE_SECOND, "batch.size=1", "batch.max_in_flight=6")

CASES = {
    "a_place_for_each": ((), (6, 1, 6.0)),
    "fewer_batches_at_once": (("batch.max_in_flight=3",), (3, 2, 7.0)),
    "fewer_places": (("cluster.replicas_max=2", "cluster.concurrency=2"), (4, 2, 6.0)),
    "one_place": (("cluster.replicas_max=1", "cluster.concurrency=1"), (1, 6, 21.0)),
}


@pytest.mark.parametrize(("flags", "expected"), CASES.values(), ids=CASES)
def test_the_pool_bounds_what_runs_at_once(flags, expected):
    planned = planned_of(ROWS, *PLAN)
    assert (planned.estimate.partitions, planned.seconds_in_all) == (6, 21.0)
    settings = load_settings(flag_layer((*PLAN, *flags))).all
    found = capacity(planned, settings)
    assert (found.batches_at_once, found.rounds, found.seconds_expected) == expected


def test_without_reuse_each_batch_has_a_container_of_its_own():
    settings = load_settings(flag_layer((*PLAN, "cluster.reuse=false", "cluster.replicas_max=1")))
    assert capacity(planned_of(ROWS, *PLAN), settings.all) == Capacity(
        replicas=None, batches_at_once=6, rounds=1, seconds_expected=6.0
    )


@pytest.mark.parametrize(("at_once", "replicas"), [(6, 3), (2, 3)], ids=["two", "one"])
def test_the_pool_is_never_smaller_than_it_is_kept(at_once, replicas):
    settings = load_settings(flag_layer((*PLAN, f"batch.max_in_flight={at_once}"))).all
    assert capacity(planned_of(ROWS, *PLAN), settings).replicas == replicas


def test_a_list_of_nothing_to_fetch_takes_no_time():
    found = capacity(planned_of(["nonsense"], *PLAN), load_settings(flag_layer(PLAN)).all)
    assert (found.batches_at_once, found.rounds, found.seconds_expected) == (0, 0, 0.0)
