"""Prepare: a crawl's lists become a planned run in the store, before the first fetch of a page.

In: a `CrawlSpec`. Out: the lists' snapshots, every batch's rows, the invalid rows as outcomes,
what is known of the hosts that gave lists, `run.json`. All lists are read and checked in a
scratch folder first: what is wrong is told before anything is written. `run.json` is written
last: a run that has it is planned.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from duckdb import DuckDBPyConnection

from scraper.crawl import STDIN, CrawlSpec
from scraper.credentials import check_credentials
from scraper.errors import ConfigError
from scraper.hosts import save_hosts
from scraper.layout import INVALID_BATCH, batch_key, hosts_key
from scraper.listsource import ListSource
from scraper.parts import PartWriter
from scraper.plan.cut import cut_into_batches
from scraper.plan.known import know, with_baseline
from scraper.plan.lists import Inputs, Lists
from scraper.plan.rows import check_contact, spool_rows, tabulate
from scraper.plan.snapshots import keep_lists
from scraper.run import RunInfo, same_settings, save_run
from scraper.seeds import NeedsNetwork, RawRow, is_list_url
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.tables import open_tables, quoted

__all__ = ["check_same_run", "prepare"]


def prepare(
    spec: CrawlSpec, store: Store, run_id: str, *, at: datetime, inputs: Inputs | None = None
) -> RunInfo:
    """Plan a new run and write all that its first wave needs.

    Args:
        spec: what is to be crawled.
        store: where the run goes.
        run_id: its id; run ids sort by time.
        at: when the run was made.
        inputs: standard input for a list `-`, the way to lists at a URL.

    Raises:
        ConfigError: a list is none, empty, or can't be had; a public host without a contact; a
            secret that the settings name isn't in the environment.
        ScraperError: a list can't be had now.
        StoreError: the store failed half-way.
        Stopped: the stop flag was set; the run isn't planned.
    """
    check_credentials(spec.settings, os.environ)
    info = RunInfo(
        crawl=spec.crawl, run_id=run_id, created_at=at, settings=spec.settings, sites=spec.sites
    )
    with (
        open_tables() as (tables, scratch),
        Lists(spec, scratch, inputs or Inputs()) as lists,
        PartWriter() as invalid,
    ):
        stop = (inputs.stop if inputs else None) or StopFlag()
        spool = scratch / "rows.jsonl"
        rows = _until_stopped(lists.rows(), stop)
        info = spool_rows(rows, info, spool=spool, invalid=invalid)
        info = tabulate(tables, spool, info)
        check_contact(tables, info.settings.all)
        stop.check()
        keep_lists(lists, run=info.run, store=store)
        invalid.put(store, batch_key(info.run, INVALID_BATCH, "outcomes.jsonl.gz"))
        _write_invalid_rows(tables, scratch, run=info.run, store=store)
        info = with_baseline(info, store)
        know(tables, scratch, info=info, store=store)
        # The first batch of a host that gave a list isn't the first to ask it.
        save_hosts(store, hosts_key(info.run, "1"), lists.memories())
        stop.check()
        cut_into_batches(tables, scratch, info=info, store=store, number=1)
    save_run(info, store)
    return info


def _until_stopped(rows: Iterator[RawRow], stop: StopFlag) -> Iterator[RawRow]:
    for row in rows:
        stop.check()
        yield row


def check_same_run(info: RunInfo, spec: CrawlSpec) -> None:
    """Refuse to go on with a run under another list, other settings or other rules.

    A list from stdin isn't there any more, and one at a URL isn't asked for twice: the run has
    their rows, and goes on with those.

    Raises:
        ConfigError: what differs.
    """
    found = [name for name, differs in _differences(info, spec) if differs]
    if found:
        raise ConfigError(
            f"the run {info.run} was made with other {' and '.join(found)}: go on with those, or "
            "start a new run under another --run-id"
        )


def _differences(info: RunInfo, spec: CrawlSpec) -> Iterator[tuple[str, bool]]:
    yield "settings", not same_settings(info.settings, spec.settings)
    yield "rows of a former run", info.again != spec.again
    yield "site rules", info.sites != spec.sites
    digest = _digest(info, spec)
    yield "rows in its list", digest is not None and digest != info.list_sha256


def _digest(info: RunInfo, spec: CrawlSpec) -> str | None:
    """The digest of the rows; none if they can't be read again from this machine."""
    if spec.again is not None:
        # The rows are those of a published run: they don't change.
        return None
    sources = [s.source if isinstance(s, ListSource) else s for s in spec.lists]
    if any(
        isinstance(source, str) and (source == STDIN or is_list_url(source)) for source in sources
    ):
        return None
    with TemporaryDirectory() as name, Lists(spec, Path(name), None) as lists:
        try:
            return spool_rows(lists.rows(), info, spool=Path(name) / "rows.jsonl").list_sha256
        except NeedsNetwork:
            return None


def _write_invalid_rows(
    tables: DuckDBPyConnection, scratch: Path, *, run: str, store: Store
) -> None:
    path = scratch / "invalid.parquet"
    rows = "SELECT * FROM planned WHERE fetch_url IS NULL ORDER BY row"
    tables.execute(f"COPY ({rows}) TO {quoted(path)} (FORMAT parquet)")
    store.put_file(batch_key(run, INVALID_BATCH, "seeds.parquet"), path)
