"""Plan: rows become partitions of hosts, partitions become batches. Deterministic.

In: rows, streamed. Out: each batch's rows in the store, and the wave.
Hosts of one registrable domain share a partition; partitions get about equal work; a batch takes
rows of all its partition's hosts in turn, so that it is never one slow host while others wait.
Later waves (redirects that left their partition, hosts that were held) are planned alike.

All joins are DuckDB's, out of core; Python holds one row at a time.

Source: StormCrawler's partitioning by host; img2dataset's shards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
from duckdb import DuckDBPyConnection

from scraper.layout import batch_id, batch_key, wave_key
from scraper.run import RunInfo
from scraper.store import Store
from scraper.tables import quoted, scalar

__all__ = ["Wave", "cut_into_batches", "effective_size", "load_wave", "place", "save_wave"]

MAX_BATCHES = 6_000
"""Three Flyte actions a batch (the task and its two traces) stay under 20,000 a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A planned wave: how many batches each partition has."""

    number: int
    batches: tuple[int, ...]

    @property
    def is_alone(self) -> bool:
        """Whether one partition has all hosts of the run.

        That of a later wave hasn't: what is known of an earlier one's hosts isn't with it.
        """
        return self.number == 1 and len(self.batches) == 1

    def partitions(self) -> Iterator[list[str]]:
        """The batch ids of each partition, in the order in which they are to be run."""
        for partition, count in enumerate(self.batches, 1):
            yield [batch_id(self.number, partition, n) for n in range(1, count + 1)]


def effective_size(rows: int, size: int) -> int:
    """The batch size that keeps a run within Flyte's actions."""
    return max(size, -(-rows // MAX_BATCHES))


def place(tables: DuckDBPyConnection, *, info: RunInfo, number: int) -> Wave:
    """Give the rows of the table `planned` (row, host, domain, …) their places.

    Makes the table `placed`: the same rows with their `part` and their `batch` in it.

    Raises: nothing.
    """
    count = scalar(tables, "SELECT count(*) FROM planned WHERE fetch_url IS NOT NULL")
    partitions = -(-count // info.batch_size)
    partitions = max(1, min(partitions, info.settings.all.batch.max_in_flight))
    tables.execute(_PLACES.format(partitions=partitions, size=info.batch_size))
    return Wave(number=number, batches=_renumbered(tables))


def cut_into_batches(
    tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store, number: int
) -> Wave:
    """Place the rows of the table `planned` and write each batch's part.

    Raises:
        StoreError: the store failed.
    """
    wave = place(tables, info=info, number=number)
    for partition, ids in enumerate(wave.partitions(), 1):
        for n, batch in enumerate(ids, 1):
            path = scratch / "seeds.parquet"
            chosen = f"FROM placed WHERE part = {partition} AND batch = {n} ORDER BY row"
            rows = f"SELECT * EXCLUDE (part, batch) {chosen}"
            tables.execute(f"COPY ({rows}) TO {quoted(path)} (FORMAT parquet)")
            store.put_file(batch_key(info.run, batch, "seeds.parquet"), path)
    save_wave(wave, info.run, store)
    return wave


def save_wave(wave: Wave, run: str, store: Store) -> None:
    """Write the plan of a wave: all its batches are there. Raises: `StoreError`."""
    store.put(wave_key(run, wave.number), orjson.dumps({"batches": wave.batches}))


def load_wave(store: Store, run: str, number: int) -> Wave | None:
    """Read the plan of a wave; none if it was never planned to the end. Raises: `StoreError`."""
    text = store.get(wave_key(run, number))
    if text is None:
        return None
    return Wave(number=number, batches=tuple(orjson.loads(text)["batches"]))


# The largest domains are dealt out first, back and forth over the partitions.
_PLACES = """
CREATE OR REPLACE TABLE placed AS
WITH domains AS (
    SELECT domain, row_number() OVER (ORDER BY count(*) DESC, domain) - 1 AS place
    FROM planned WHERE fetch_url IS NOT NULL GROUP BY domain
), dealt AS (
    SELECT domain, CASE WHEN place // {partitions} % 2 = 0
        THEN place % {partitions} ELSE {partitions} - 1 - place % {partitions} END AS part
    FROM domains
), numbered AS (
    SELECT domain, dense_rank() OVER (ORDER BY part) AS part FROM dealt
), turns AS (
    SELECT planned.*, part, row_number() OVER (PARTITION BY host ORDER BY row) AS turn
    FROM planned JOIN numbered USING (domain)
)
SELECT * EXCLUDE (turn),
    (row_number() OVER (PARTITION BY part ORDER BY turn, host) - 1) // {size} + 1 AS batch
FROM turns ORDER BY part, batch
"""


def _renumbered(tables: DuckDBPyConnection) -> tuple[int, ...]:
    found = tables.execute("SELECT max(batch) FROM placed GROUP BY part ORDER BY part").fetchall()
    return tuple(int(batches) for (batches,) in found)
