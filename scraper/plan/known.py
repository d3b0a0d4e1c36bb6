"""What the last published run knows goes into a plan: validators, and rows that aren't due.

In: the table `planned`, the state of the run's baseline. Out: each row's `known`; the rows that
needn't be asked for yet leave the table, as outcomes of a batch of their own that no task runs.
All of it stands in the plan: whatever is published meanwhile, a run goes on with what it began
with. Out of core; raises `StoreError`.

Source: Nutch's AdaptiveFetchSchedule.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from scraper.layout import NOT_DUE_BATCH, batch_key, run_key
from scraper.models import Reason, Status
from scraper.plan.columns import KNOWN
from scraper.run import RunInfo
from scraper.runs import latest_run_id
from scraper.settings_table import Recheck
from scraper.state import ALL_LIES, TAG_LIES, load_state, made_by
from scraper.store import Store
from scraper.tables import execute, quoted, scalar

__all__ = ["know", "leave_alone", "with_baseline"]

_SLACK = 0.05
"""Schedules start a little early or late: a page is due already when so little is missing."""


def with_baseline(info: RunInfo, store: Store) -> RunInfo:
    """The run with the id of the published run that it is compared with, if there is one.

    Raises:
        StoreError: the store failed.
    """
    latest = latest_run_id(store, info.crawl)
    if latest is None or latest == info.run_id:
        return info
    # One that was removed by hand, or half of it: the crawl begins anew.
    run = run_key(info.crawl, latest)
    names = ("run.json", "outcomes.parquet", "items.parquet")
    if any(store.head(run_key(run, name)) is None for name in names):
        return info
    return replace(info, baseline=latest)


def know(tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store) -> None:
    """Give each planned row what is known of it, and take those away that aren't due.

    Raises:
        StoreError: the store failed, or the state can't be read.
    """
    if not _told_apart(tables, scratch, info=info, store=store):
        return
    if _leaves_alone(info):
        _leave_out(tables, scratch, run=info.run, store=store)
    tables.execute("ALTER TABLE planned DROP is_due")


def leave_alone(tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store) -> int:
    """Take the rows away that aren't due, and write nothing; say how many they are.

    Raises:
        StoreError: the store failed, or the state can't be read.
    """
    if not _leaves_alone(info) or not _told_apart(tables, scratch, info=info, store=store):
        return 0
    count = scalar(tables, "SELECT count(*) FROM planned WHERE NOT is_due")
    tables.execute("DELETE FROM planned WHERE NOT is_due")
    tables.execute("ALTER TABLE planned DROP is_due")
    return count


def _leaves_alone(info: RunInfo) -> bool:
    return info.settings.all.recheck.adaptive and not info.settings.all.recheck.fresh


def _told_apart(tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store) -> bool:
    """Give each planned row what is known of it, and whether it is due; false if nothing is.

    In the order of the list, which a join that doesn't fit into memory doesn't keep.
    """
    if not load_state(tables, scratch, info=info, store=store):
        return False
    recheck = info.settings.all.recheck
    execute(
        tables,
        f"CREATE TABLE known_rows AS SELECT planned.* EXCLUDE (known), "
        f"{_known(info, recheck)} AS known, {_is_due(info, recheck)} AS is_due "
        f"FROM planned LEFT JOIN state AS s USING (key) ORDER BY row",
    )
    tables.execute("DROP VIEW planned; DROP TABLE spooled")
    tables.execute("ALTER TABLE known_rows RENAME TO planned")
    return True


def _known(info: RunInfo, recheck: Recheck) -> str:
    """What may be relied on: nothing without items to carry, or when other rules made them.

    Once in a while a page is asked for whole, whatever it said of itself.
    """
    asks = str(not recheck.fresh)
    if recheck.verify_after:
        asks += f" AND not_modified_streak < {recheck.verify_after}"
    return (
        f"CASE WHEN s.items > 0 AND made_by = {made_by(info.sites, 'planned.seed')} "
        f"AND s.final_url IS NOT NULL THEN struct_pack("
        f"url := s.final_url, fetched_at := s.fetched_at::TIMESTAMP, "
        f"etag := CASE WHEN {asks} AND lies < {TAG_LIES} THEN etag END, "
        f"last_modified := CASE WHEN {asks} AND lies < {ALL_LIES} THEN last_modified END, "
        f"payload_digest := payload_digest, content_sha256 := content_sha256, "
        f"item_sha256 := item_sha256)::{KNOWN} END"
    )


def _is_due(info: RunInfo, recheck: Recheck) -> str:
    """A page is left alone only if it is there, well, made by today's rules, and was asked lately.

    A row that isn't known at all is due.
    """
    bounded = f"least(greatest(interval_s, {recheck.min_s}), {recheck.max_s})"
    since = f"date_diff('second', checked_at, {_timestamp(info.created_at)})"
    return (
        f"NOT coalesce(s.items > 0 AND failures = 0 "
        f"AND made_by = {made_by(info.sites, 'planned.seed')} "
        f"AND {since} < {bounded} * {1 - _SLACK}, false)"
    )


def _timestamp(at: datetime) -> str:
    return f"{quoted(at.isoformat())}::TIMESTAMPTZ"


def _leave_out(tables: DuckDBPyConnection, scratch: Path, *, run: str, store: Store) -> None:
    """Write the rows that aren't due as a batch's parts, and take them out of the plan."""
    if not scalar(tables, "SELECT count(*) FROM planned WHERE NOT is_due"):
        return
    seeds, outcomes = scratch / "not-due.parquet", scratch / "not-due.jsonl.gz"
    rows = "FROM planned WHERE NOT is_due ORDER BY row"
    execute(tables, f"COPY (SELECT * EXCLUDE (is_due) {rows}) TO {quoted(seeds)} (FORMAT parquet)")
    execute(
        tables,
        f"COPY (SELECT row, url, known.url AS final_url, host, "
        f"{quoted(Status.UNCHANGED)} AS status, "
        f"{quoted(Reason.NOT_DUE)} AS reason, 0 AS attempts, "
        f"known.content_sha256 AS content_sha256, 0 AS items, '' AS detail, "
        f"{quoted(NOT_DUE_BATCH)} AS batch {rows}) TO {quoted(outcomes)} "
        f"(FORMAT json, COMPRESSION gzip)",
    )
    store.put_file(batch_key(run, NOT_DUE_BATCH, "seeds.parquet"), seeds)
    store.put_file(batch_key(run, NOT_DUE_BATCH, "outcomes.jsonl.gz"), outcomes)
    tables.execute("DELETE FROM planned WHERE NOT is_due")
