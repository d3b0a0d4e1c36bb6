"""Later waves: rows that go on elsewhere are planned like a list, over all partitions.

A redirect may lead out of its partition, and a host may be held for longer than a batch waits.
Such rows are carried into the next wave, which begins when the former is at its end: so each
host is still asked from one place at a time. What is known of a host goes with it.
"""

from pathlib import Path

import orjson
from duckdb import DuckDBPyConnection

from scraper.hosts import merge_hosts
from scraper.layout import batch_key, hosts_key, partition_of
from scraper.parts import read_part
from scraper.plan.columns import REDIRECTS
from scraper.plan.cut import Wave, cut_into_batches, load_wave
from scraper.run import RunInfo
from scraper.store import Store
from scraper.tables import execute, open_tables, quoted
from scraper.urls import parse_url

__all__ = ["leaves_nothing_over", "next_wave"]

_PART = "carried.jsonl.gz"
_CARRIED = {
    "row": "BIGINT",
    "fetch_url": "VARCHAR",
    "host": "VARCHAR",
    "domain": "VARCHAR",
    "redirects": REDIRECTS,
    "attempts": "INTEGER",
}


def leaves_nothing_over(info: RunInfo, store: Store, wave: Wave) -> bool:
    """Whether a finished wave is the last: told from its batches alone, without a table.

    Raises:
        StoreError: the store failed.
    """
    batches = (batch for partition in wave.partitions() for batch in partition)
    parts = (read_part(store, batch_key(info.run, batch, _PART)) for batch in batches)
    return not any(any(True for _ in part) for part in parts)


def next_wave(info: RunInfo, store: Store, wave: Wave) -> Wave | None:
    """Plan what a finished wave left over; none if it left nothing.

    Planned before, it is read back: the plan of a wave is made once.

    Raises:
        StoreError: the store failed.
    """
    planned = load_wave(store, info.run, wave.number + 1)
    if planned is not None:
        return planned
    batches = [batch for partition in wave.partitions() for batch in partition]
    with open_tables() as (tables, scratch):
        parts, domains = _spool(info.run, store, batches=batches, spool=scratch / "carried.jsonl")
        if not parts:
            return None
        _tabulate(tables, scratch, info=info, store=store, parts=parts)
        _carry_hosts(info, store, wave=wave, domains=domains)
        return cut_into_batches(tables, scratch, info=info, store=store, number=wave.number + 1)


def _spool(
    run: str, store: Store, *, batches: list[str], spool: Path
) -> tuple[list[str], set[str]]:
    """Write the carried rows to a file; say which batches they come from, and their domains."""
    parts: list[str] = []
    domains: set[str] = set()
    with spool.open("wb") as file:
        for batch in batches:
            for line in read_part(store, batch_key(run, batch, _PART)):
                url = parse_url(str(line["fetch_url"]))
                assert url is not None, "only a URL that parses is carried"
                domains.add(url.domain)
                about = line | {"host": url.host, "domain": url.domain}
                file.write(orjson.dumps(about, option=orjson.OPT_APPEND_NEWLINE))
                if parts[-1:] != [batch]:
                    parts.append(batch)
    return parts, domains


def _tabulate(
    tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store, parts: list[str]
) -> None:
    """Make the table of the carried rows, their seed columns joined to them again."""
    types = ", ".join(f"{name}: {quoted(kind)}" for name, kind in _CARRIED.items())
    keys = [batch_key(info.run, batch, "seeds.parquet") for batch in parts]
    files = ", ".join(quoted(store.local_file(key, scratch)) for key in keys)
    execute(
        tables,
        f"CREATE TABLE planned AS SELECT row, url, carried.fetch_url, carried.host, "
        f"carried.domain, key, seed, carried.redirects, carried.attempts, known "
        f"FROM read_parquet([{files}]) AS seeds "
        f"JOIN read_json({quoted(scratch / 'carried.jsonl')}, columns = {{{types}}}, "
        f"format = 'newline_delimited') AS carried USING (row) ORDER BY row",
    )


def _carry_hosts(info: RunInfo, store: Store, *, wave: Wave, domains: set[str]) -> None:
    """Give what was learned of the hosts to the next wave, whichever partition has them there.

    All former waves count: a host may be asked in the first and again only in the third.
    """
    earlier = (load_wave(store, info.run, number) for number in range(1, wave.number))
    waves = [*(found for found in earlier if found is not None), wave]
    former = [partition_of(ids[0]) for found in waves for ids in found.partitions()]
    # The oldest is what planning knew, from hosts that gave a list.
    sources = [hosts_key(info.run, name) for name in ("1", *former)]
    merge_hosts(store, sources, target=hosts_key(info.run, str(wave.number + 1)), domains=domains)
