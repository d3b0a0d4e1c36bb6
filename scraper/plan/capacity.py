"""What the size of a cluster means for a run: batches at once, rounds, time.

In: a plan, and the settings. Out: a `Capacity`. Partitions run side by side as far as there are
places, the batches of one follow one another: so a run takes as long as its longest partition, and
at least as long as all of them over the places. Times in seconds.

Raises nothing.
"""

import math
from dataclasses import dataclass

from scraper.plan.estimate import Planned
from scraper.settings_table import Settings

__all__ = ["Capacity", "capacity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a cluster would do at a time; `rounds` is how often its places fill with partitions.

    `replicas` are those that are needed at most; none where each batch has a container of its own.
    """

    replicas: int | None
    batches_at_once: int
    rounds: int
    seconds_expected: float


def capacity(planned: Planned, settings: Settings) -> Capacity:
    """What the group `cluster` gives to a planned run."""
    cluster, partitions = settings.cluster, planned.estimate.partitions
    places = settings.batch.max_in_flight
    if cluster.reuse:
        places = min(places, cluster.replicas_max * cluster.concurrency)
    at_once = min(places, partitions)
    needed = max(cluster.replicas_min, math.ceil(at_once / cluster.concurrency))
    seconds = max(planned.estimate.seconds_expected, planned.seconds_in_all / max(1, at_once))
    return Capacity(
        replicas=min(needed, cluster.replicas_max) if cluster.reuse else None,
        batches_at_once=at_once,
        rounds=math.ceil(partitions / places),
        seconds_expected=round(seconds, 3),
    )
