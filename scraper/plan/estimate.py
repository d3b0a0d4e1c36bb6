"""What a run would be: rows, batches, time, bytes, local disk, before anything is fetched.

In: a `CrawlSpec`, and the crawl's last published run where there is one. Out: an `Estimate`;
nothing is written, and no page is asked for. Batches of a partition follow one another and
partitions run side by side, so the longest partition tells: the sum, over its batches, of the
host that takes longest in each. A host takes its requests, robots.txt included, times its delay
(half of the jitter on it) or the time in which it answered last, whichever is longer.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
from duckdb import DuckDBPyConnection

from scraper.crawl import CrawlSpec
from scraper.errors import ConfigError
from scraper.plan.cut import place
from scraper.plan.disk import PlannedRows, disk_expected, published_bytes
from scraper.plan.known import leave_alone, with_baseline
from scraper.plan.lists import Inputs, Lists
from scraper.plan.past import LastRun, load_past
from scraper.plan.rows import check_contact, spool_rows, tabulate
from scraper.run import RunInfo
from scraper.settings import HostSettings
from scraper.store import Store
from scraper.tables import open_tables, quoted, scalar
from scraper.urls import domain_of

__all__ = ["Estimate", "Planned", "SlowHost", "estimate", "estimate_crawl"]

_SLOWEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowHost:
    """A host (or a domain, where that is what the limit counts by) and how long it takes."""

    host: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run would be, as `plan --json` prints it; without a last run no bytes are known.

    `disk_bytes_expected` are the most that it needs here at any time, beside the store.
    """

    rows: int
    duplicates: int
    invalid: int
    hosts: int
    partitions: int
    batches: int
    seconds_expected: float
    bytes_expected: int | None
    disk_bytes_expected: int | None
    slowest_hosts: tuple[SlowHost, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An estimate, the last published run that it stands on, and why a run would be refused.

    `not_due` rows wouldn't be asked for: they take no time, and count in no batch.
    `seconds_in_all` is what all partitions would take one after another.
    """

    estimate: Estimate
    seconds_in_all: float
    not_due: int
    last_run: str | None
    refusal: str | None


def estimate_crawl(spec: CrawlSpec, *, store: Store | None, inputs: Inputs) -> Planned:
    """Read a crawl's lists and say what its run would be.

    Args:
        spec: what would be crawled.
        store: where its last run may be.
        inputs: standard input for a list `-`, the way to lists at a URL.

    Raises:
        ConfigError: a list is none, empty, or can't be had.
        ScraperError: a list can't be had now, or the store failed.
    """
    info = RunInfo(
        crawl=spec.crawl,
        run_id="",
        created_at=datetime.now(UTC),
        settings=spec.settings,
        sites=spec.sites,
    )
    with open_tables() as (tables, scratch), Lists(spec, scratch, inputs) as lists:
        spool = scratch / "rows.jsonl"
        info = spool_rows(lists.rows(), info, spool=spool)
        spool_bytes = spool.stat().st_size
        # The columns that ride along tell nothing here, but to rules that read them.
        columns = info.columns if info.settings.all.recheck.adaptive else {}
        info = tabulate(tables, spool, replace(info, columns=columns))
        not_due = 0
        if store is not None:
            info = with_baseline(info, store)
            not_due = leave_alone(tables, scratch, info=info, store=store)
        last = load_past(tables, scratch, store=store, crawl=spec.crawl)
        mean_bytes = last.mean_bytes if last is not None else None
        found = estimate(tables, scratch, info=info, mean_bytes=mean_bytes, not_due=not_due)
        if store is not None and last is not None:
            disk = _disk(found, info, store=store, last=last, spool_bytes=spool_bytes)
            found = replace(found, disk_bytes_expected=disk)
        return Planned(
            estimate=found,
            seconds_in_all=_partition_seconds(tables)[1],
            not_due=not_due,
            last_run=last.run if last is not None else None,
            refusal=_refusal(tables, info),
        )


def estimate(
    tables: DuckDBPyConnection,
    scratch: Path,
    *,
    info: RunInfo,
    mean_bytes: float | None,
    not_due: int = 0,
) -> Estimate:
    """Say what the rows of the table `planned` would take, hosts being as in the table `past`.

    Those that aren't due are in the table no more.

    Raises: nothing.
    """
    wave = place(tables, info=info, number=1)
    _make_paces(tables, scratch / "paces.jsonl", info.settings)
    tables.execute(_TIMES)
    pages = scalar(tables, "SELECT count(*) FROM places")
    slowest = tables.execute(_SLOWEST_HOSTS.format(count=_SLOWEST)).fetchall()
    return Estimate(
        rows=info.rows,
        duplicates=info.duplicates,
        invalid=info.rows - info.duplicates - not_due - pages,
        hosts=scalar(tables, "SELECT count(*) FROM paces"),
        partitions=len(wave.batches),
        batches=sum(wave.batches),
        seconds_expected=round(_partition_seconds(tables)[0], 3),
        bytes_expected=round(mean_bytes * pages) if mean_bytes is not None else None,
        disk_bytes_expected=None,
        slowest_hosts=tuple(
            SlowHost(host=unit, rows=rows, seconds=round(taken, 3)) for unit, rows, taken in slowest
        ),
    )


def _partition_seconds(tables: DuckDBPyConnection) -> tuple[float, float]:
    """What the longest partition takes, and what all of them take."""
    found = tables.execute(_PARTITIONS).fetchone()
    assert found is not None, "sums are one row"
    return float(found[0]), float(found[1])


def _disk(found: Estimate, info: RunInfo, *, store: Store, last: LastRun, spool_bytes: int) -> int:
    rows = found.rows - found.duplicates
    return disk_expected(
        PlannedRows(
            rows=rows,
            pages=rows - found.invalid,
            partitions=found.partitions,
            batch_size=info.batch_size,
            spool_bytes=spool_bytes,
        ),
        last_bytes=published_bytes(store, info.crawl, last.run),
        last_rows=last.rows,
        mean_bytes=last.mean_bytes,
        is_far=not store.can_append,
    )


def _refusal(tables: DuckDBPyConnection, info: RunInfo) -> str | None:
    try:
        check_contact(tables, info.settings.all)
    except ConfigError as error:
        return str(error)
    return None


def _make_paces(tables: DuckDBPyConnection, path: Path, settings: HostSettings) -> None:
    """Make the table `paces`: for each host what its limit counts by, and seconds a request."""
    hosts = tables.execute("SELECT host FROM hosts ORDER BY host")
    with path.open("wb") as file:
        while found := hosts.fetchmany(1000):
            for (host,) in found:
                file.write(orjson.dumps(_pace(host, settings), option=orjson.OPT_APPEND_NEWLINE))
    tables.execute(
        f"CREATE TABLE paces AS SELECT given.host, unit, robots, "
        f"greatest(delay_s, coalesce(elapsed_s, 0) / concurrency) AS pace_s "
        f"FROM read_json({quoted(path)}, columns = {_PACE_COLUMNS}, "
        f"format = 'newline_delimited') AS given LEFT JOIN past USING (host)"
    )


def _pace(host: str, settings: HostSettings) -> dict[str, object]:
    own = settings.for_host(host)
    unit = domain_of(host) if own.throttle.unit == "domain" else host
    throttle = settings.for_host(unit).throttle
    return {
        "host": host,
        "unit": unit,
        "robots": int(own.robots.obey),
        "delay_s": throttle.delay_s * (1 + throttle.jitter / 2),
        "concurrency": throttle.concurrency,
    }


_PACE_COLUMNS = (
    "{host: 'VARCHAR', unit: 'VARCHAR', robots: 'BIGINT', delay_s: 'DOUBLE', concurrency: 'BIGINT'}"
)

# What a limit counts by takes, batch by batch. robots.txt is asked in a host's first batch.
_TIMES = """
CREATE TABLE times AS
WITH turns AS (
    SELECT part, batch, number, count(*) AS rows,
        batch = min(batch) OVER (PARTITION BY number) AS is_first
    FROM places GROUP BY part, batch, number
)
SELECT turns.part, batch, unit, CAST(sum(rows) AS BIGINT) AS rows,
    sum((rows + CASE WHEN is_first THEN robots ELSE 0 END) * pace_s) AS seconds
FROM turns JOIN hosts USING (number) JOIN paces USING (host) GROUP BY turns.part, batch, unit
"""

_PARTITIONS = """
SELECT coalesce(max(seconds), 0), coalesce(sum(seconds), 0) FROM (
    SELECT sum(seconds) AS seconds
    FROM (SELECT part, max(seconds) AS seconds FROM times GROUP BY part, batch) GROUP BY part
)
"""

_SLOWEST_HOSTS = """
SELECT unit, CAST(sum(rows) AS BIGINT), sum(seconds) FROM times
GROUP BY unit ORDER BY sum(seconds) DESC, sum(rows) DESC, unit LIMIT {count}
"""
