"""The state of a run: what its crawl will remember of each URL once the run is the latest.

In: a run's complete dataset, the state of its baseline, what the outcomes' lines say for the next
run. Out: a local Parquet file with `STATE_COLUMNS`. Out of core. Raises only what DuckDB raises.

Source: Nutch's AdaptiveFetchSchedule (the interval), RFC 9110, section 8.8 (validators).
"""

from pathlib import Path

from duckdb import DuckDBPyConnection

from scraper.publish.streams import PARQUET
from scraper.run import RunInfo
from scraper.state import ALL_LIES, STATE_COLUMNS, TAG_LIES, made_by
from scraper.tables import execute, quoted, quoted_name

__all__ = ["write_state"]


def write_state(tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo) -> Path:
    """Write what a run leaves to the next one.

    Needs the tables `outcomes`, `keys`, `facts` and `state`.

    Raises:
        duckdb.Error: no memory, no disk.
    """
    path, values = scratch / "state.parquet", _page(info) | _history(info)
    # A row that wasn't asked for, or was taken over from another run, is as it was.
    is_left = "(o.reason = 'not_due' OR f.url IS NULL) AND s.key IS NOT NULL"
    chosen = ", ".join(
        f"(CASE WHEN {is_left} THEN s.{name} ELSE {values[name]} END)::{kind} AS {name}"
        for name, kind in STATE_COLUMNS.items()
    )
    execute(
        tables,
        f"COPY (SELECT {chosen} FROM outcomes AS o JOIN keys AS k ON k.url = o.url "
        f"LEFT JOIN facts AS f ON f.url = o.url LEFT JOIN state AS s ON s.key = k.key) "
        f"TO {quoted(path)} ({PARQUET})",
    )
    return path


_IS_OWN = "f.item_sha256 IS NOT NULL"
_IS_ANSWERED = f"({_IS_OWN} OR o.reason = 'same_content')"
_IS_GOOD = "o.status IN ('ok', 'unchanged')"
_IS_SAME = "coalesce(o.content_sha256 = s.content_sha256 OR f.item_sha256 = s.item_sha256, false)"


def _page(info: RunInfo) -> dict[str, str]:
    """What is remembered of the last good page: this run's, or the one whose items it kept."""

    def last(own: str, column: str, *, is_own: str = _IS_OWN) -> str:
        return f"CASE WHEN {is_own} THEN {own} WHEN o.items > 0 THEN s.{column} END"

    names = (f"{quoted_name(name)} := o.{quoted_name(name)}" for name in info.columns)
    seed = f"struct_pack({', '.join(names)})" if info.columns else "NULL"
    return {
        "key": "k.key",
        "url": "o.url",
        "final_url": last("o.final_url", "final_url"),
        "etag": last("f.etag", "etag", is_own=_IS_ANSWERED),
        "last_modified": last("f.last_modified", "last_modified", is_own=_IS_ANSWERED),
        "payload_digest": last("f.payload_digest", "payload_digest"),
        "content_sha256": last("o.content_sha256", "content_sha256"),
        "item_sha256": last("f.item_sha256", "item_sha256"),
        "made_by": last(made_by(info.sites, seed), "made_by"),
        "items": "coalesce(o.items, 0)",
        "fetched_run": last(quoted(info.run_id), "fetched_run"),
        "fetched_at": last("o.fetched_at", "fetched_at"),
    }


def _history(info: RunInfo) -> dict[str, str]:
    """What is remembered of how it went."""
    began = f"{quoted(info.created_at.isoformat())}::TIMESTAMPTZ"
    has_changed = f"(o.status = 'ok' AND NOT {_IS_SAME})"
    return {
        "status": "o.status",
        "reason": "o.reason",
        "http_status": "o.http_status",
        "first_seen": f"coalesce(s.first_seen, {began})",
        "last_fetched": f"CASE WHEN {_IS_GOOD} THEN o.fetched_at ELSE s.last_fetched END",
        "last_changed": f"CASE WHEN {has_changed} THEN o.fetched_at ELSE s.last_changed END",
        "checked_at": began,
        "unchanged_streak": (
            f"CASE WHEN {has_changed} THEN 0 "
            f"ELSE coalesce(s.unchanged_streak, 0) + ({_IS_GOOD})::INTEGER END"
        ),
        "not_modified_streak": (
            f"CASE WHEN {_IS_ANSWERED} THEN 0 "
            f"ELSE coalesce(s.not_modified_streak, 0) + (o.reason = 'not_modified')::INTEGER END"
        ),
        "failures": f"CASE WHEN {_IS_GOOD} THEN 0 ELSE coalesce(s.failures, 0) + 1 END",
        "stale": (
            f"CASE WHEN {_IS_GOOD} OR coalesce(o.items, 0) = 0 THEN 0 "
            f"ELSE coalesce(s.stale, 0) + 1 END"
        ),
        "lies": _lies(),
        "interval_s": _interval(info, has_changed),
    }


def _lies() -> str:
    """Another tag for the same page costs the tag; the same validators for another page, all.

    Once they are believed no more, they never are again.
    """
    is_other = f"(o.status = 'ok' AND s.content_sha256 IS NOT NULL AND NOT {_IS_SAME})"
    return (
        f"CASE WHEN s.lies >= {TAG_LIES} AND NOT {is_other} THEN s.lies "
        f"WHEN {is_other} AND (f.etag = s.etag OR "
        f"f.etag IS NULL AND s.etag IS NULL AND f.last_modified = s.last_modified) "
        f"THEN {ALL_LIES} "
        f"WHEN {_IS_ANSWERED} AND {_IS_SAME} AND f.etag = s.etag THEN 0 "
        f"WHEN {_IS_ANSWERED} AND {_IS_SAME} AND f.etag <> s.etag THEN s.lies + 1 "
        f"ELSE coalesce(s.lies, 0) END"
    )


def _interval(info: RunInfo, has_changed: str) -> str:
    """How long a page may be left alone: longer each time that it is unchanged, within bounds."""
    recheck = info.settings.all.recheck
    return (
        f"least(greatest(CASE WHEN s.interval_s IS NULL THEN {recheck.min_s} "
        f"WHEN {has_changed} THEN s.interval_s * {1 - recheck.shrink} "
        f"WHEN {_IS_GOOD} THEN s.interval_s * {1 + recheck.grow} "
        f"ELSE s.interval_s END, {recheck.min_s}), {recheck.max_s})"
    )
