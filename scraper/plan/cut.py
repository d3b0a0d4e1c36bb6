"""Plan: rows become partitions of hosts, partitions become batches. Deterministic.

In: rows, streamed. Out: each batch's rows in the store, and the wave.
Hosts of one registrable domain share a partition; partitions get about equal work; a batch takes
rows of all its partition's hosts in turn, so that it is never one slow host while others wait.
Later waves (redirects that left their partition, hosts that were held) are planned alike.

All joins are DuckDB's, out of core: numbers are placed, and only at the end rows put into that
order, on disk.

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
from scraper.tables import execute, quoted, scalar

__all__ = ["Wave", "cut_into_batches", "effective_size", "load_wave", "place", "save_wave"]

MAX_BATCHES = 4_800
"""Of a first wave: three Flyte actions a batch (the task and its two traces), and those of later
waves, stay under 20,000 a run."""

_LATER_BATCHES = 300
"""Of the second wave; each further one has half as many at most."""


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


def effective_size(rows: int, size: int, *, wave: int = 1) -> int:
    """The batch size that keeps a run within Flyte's actions."""
    most = MAX_BATCHES if wave == 1 else max(1, _LATER_BATCHES >> (wave - 2))
    return max(size, -(-rows // most))


def place(tables: DuckDBPyConnection, *, info: RunInfo, number: int) -> Wave:
    """Give the rows of `planned` (row, host, domain, …; in the order of the list) their places.

    Makes the tables `hosts` (host, number, part) and `places` (row, number, part, batch), where a
    host has a number and a row its partition and its batch in it.

    Raises: nothing.
    """
    count = scalar(tables, "SELECT count(*) FROM planned WHERE fetch_url IS NOT NULL")
    size = effective_size(count, info.batch_size, wave=number)
    partitions = -(-count // size)
    partitions = max(1, min(partitions, info.settings.all.batch.max_in_flight))
    execute(
        tables,
        _HOSTS.format(partitions=partitions),
        _PLACES.format(size=size),
    )
    return Wave(number=number, batches=_renumbered(tables))


def cut_into_batches(
    tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store, number: int
) -> Wave:
    """Place the rows of `planned` and write each batch's part.

    Raises:
        StoreError: the store failed.
    """
    wave = place(tables, info=info, number=number)
    execute(tables, _PLACED)
    for partition, ids in enumerate(wave.partitions(), 1):
        for n, batch in enumerate(ids, 1):
            path = scratch / "seeds.parquet"
            chosen = f"FROM placed WHERE part = {partition} AND batch = {n} ORDER BY row"
            rows = f"SELECT * EXCLUDE (part, batch) {chosen}"
            execute(tables, f"COPY ({rows}) TO {quoted(path)} (FORMAT parquet)")
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
_HOSTS = """
CREATE OR REPLACE TABLE hosts AS
WITH counted AS (
    SELECT host, domain, count(*) AS rows FROM planned WHERE fetch_url IS NOT NULL GROUP BY ALL
), domains AS (
    SELECT domain, row_number() OVER (ORDER BY sum(rows) DESC, domain) - 1 AS place
    FROM counted GROUP BY domain
), dealt AS (
    SELECT domain, CASE WHEN place // {partitions} % 2 = 0
        THEN place % {partitions} ELSE {partitions} - 1 - place % {partitions} END AS part
    FROM domains
), numbered AS (
    SELECT domain, dense_rank() OVER (ORDER BY part) AS part FROM dealt
)
SELECT host, CAST(row_number() OVER (ORDER BY host) AS INTEGER) AS number,
    CAST(part AS INTEGER) AS part
FROM counted JOIN numbered USING (domain)
"""

_PLACES = """
CREATE OR REPLACE TABLE places AS
WITH turns AS (
    SELECT row, number, part,
        CAST(row_number() OVER (PARTITION BY number ORDER BY row) AS INTEGER) AS turn
    FROM planned JOIN hosts USING (host) WHERE fetch_url IS NOT NULL
)
SELECT row, number, part, CAST(
    (row_number() OVER (PARTITION BY part ORDER BY turn, number) - 1) // {size} + 1 AS INTEGER
) AS batch
FROM turns ORDER BY row
"""

# Both are in the order of the list: laid side by side, nothing has to be held of either.
_PLACED = """
CREATE OR REPLACE TABLE placed AS
SELECT planned.* REPLACE (
    CASE WHEN planned.row = places.row THEN planned.row ELSE error('rows out of order') END AS row
), part, batch
FROM (SELECT * FROM planned WHERE fetch_url IS NOT NULL) AS planned POSITIONAL JOIN places
ORDER BY part, batch, row
"""


def _renumbered(tables: DuckDBPyConnection) -> tuple[int, ...]:
    found = tables.execute("SELECT max(batch) FROM places GROUP BY part ORDER BY part").fetchall()
    return tuple(int(batches) for (batches,) in found)
