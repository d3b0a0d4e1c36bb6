"""Publish: the batches' parts become the run's dataset; only then does `latest` move.

In: a run whose waves are all at their end. Out: `outcomes.parquet`, `items.parquet`,
`failed.jsonl`, `changes.parquet`, `report.html`, `summary.json`, and, when the quality gates hold,
the crawl's state and `latest.json`, written last: who reads `latest` never sees half a run.

Raises `RunError` when the run doesn't balance, `StoreError` when the store fails.
"""

from dataclasses import asdict, replace
from datetime import UTC, datetime

import orjson

from scraper.layout import INVALID_BATCH, NOT_DUE_BATCH, crawl_key, is_archive, run_key, state_key
from scraper.models import Reason, Status
from scraper.plan.cut import Wave
from scraper.publish.compare import made_whole
from scraper.publish.dataset import Sums, check_accounted, merge, sums
from scraper.publish.gates import check_gates, measure
from scraper.publish.notify import has_notice, is_notice_due
from scraper.publish.report import report_html
from scraper.publish.summary import Gate, Summary
from scraper.run import RunInfo, resumed
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.tables import open_tables

__all__ = ["is_finished", "load_summary", "publish"]


def publish(
    info: RunInfo,
    store: Store,
    waves: list[Wave],
    *,
    now: datetime | None = None,
    stop: StopFlag | None = None,
) -> Summary:
    """Publish a run. Published before, its summary is read back.

    Args:
        info: the run.
        store: where it is.
        waves: all its waves.
        now: when it ends.
        stop: looked at between the steps; what is begun again later begins at the first one.

    Raises:
        RunError: rows, duplicates and outcomes don't balance; nothing is published.
        Stopped: the stop flag was set; nothing is published.
        StoreError: the store failed; nothing is published.
    """
    known = load_summary(store, info.run)
    if known is not None:
        # A crash may have come between the summary and `latest`.
        _drop_archives(info, store)
        if _is_latest_due(info, store):
            _move_latest(info, known, store)
        return known
    stop = stop or StopFlag()
    batches = [
        INVALID_BATCH,
        NOT_DUE_BATCH,
        *(b for wave in waves for ids in wave.partitions() for b in ids),
    ]
    with open_tables() as (tables, scratch):
        files = merge(tables, scratch, info=info, store=store, batches=batches)
        check_accounted(tables, info)
        stop.check()
        whole = made_whole(tables, scratch, files=files, info=info, store=store, batches=batches)
        found, gates = sums(tables), info.settings.all.gates
        summary = replace(
            _summary(info, found, now=now or datetime.now(UTC), changes=whole.changes),
            gates=check_gates(gates, found, measure(tables, gates, info.sites)),
            resumed=resumed(store, info.run),
        )
        for name, path in whole.files.items():
            stop.check()
            store.put_file(run_key(info.run, name), path)
        stop.check()
        if summary.gates_held:
            # It counts when `latest` names this run, not before.
            store.put_file(state_key(info.crawl, info.run_id), whole.state)
        report = report_html(summary, tables, info=info)
    store.put(run_key(info.run, "report.html"), report.encode())
    stop.check()
    text = orjson.dumps(asdict(summary), option=orjson.OPT_INDENT_2)
    store.put(run_key(info.run, "summary.json"), text)
    _drop_archives(info, store)
    _move_latest(info, summary, store)
    return summary


def is_finished(info: RunInfo, store: Store) -> bool:
    """Whether there is nothing left to do for a run.

    Raises:
        StoreError: the store failed.
    """
    text = store.get(run_key(info.run, "summary.json"))
    if text is None:
        return False
    if has_notice(info):
        summary = load_summary(store, info.run)
        if summary is not None and is_notice_due(info, store, summary):
            return False
    gates_held = all(gate["held"] for gate in orjson.loads(text)["gates"])
    return not (gates_held and _is_latest_due(info, store))


def load_summary(store: Store, run: str) -> Summary | None:
    """Read the summary of a published run; none if it isn't published. Raises: `StoreError`."""
    text = store.get(run_key(run, "summary.json"))
    if text is None:
        return None
    data = orjson.loads(text)
    gates = tuple(Gate(**gate) for gate in data.pop("gates"))
    return Summary(**data, gates=gates)


def _summary(
    info: RunInfo, found: Sums, *, now: datetime, changes: dict[str, int] | None
) -> Summary:
    duration_s = max((now - info.created_at).total_seconds(), 0.001)
    pages = found.outcomes.get(Status.OK, 0) + found.outcomes.get(Status.UNCHANGED, 0)
    return Summary(
        crawl=info.crawl,
        run_id=info.run_id,
        rows=info.rows,
        duplicates=info.duplicates,
        invalid=found.reasons.get(Reason.INVALID_URL, 0),
        outcomes={status.value: found.outcomes.get(status, 0) for status in Status},
        reasons=found.reasons,
        hosts=found.hosts,
        bytes=found.bytes,
        pages_per_s=round(pages / duration_s, 3),
        duration_s=round(duration_s, 3),
        items=found.items,
        changes=changes,
        gates=(),
        balanced=True,
        resumed=0,
    )


def _move_latest(info: RunInfo, summary: Summary, store: Store) -> None:
    """Point to this run, unless a gate fell short."""
    if summary.gates_held:
        text = orjson.dumps({"run_id": info.run_id, "published_at": datetime.now(UTC)})
        store.put(crawl_key(info.crawl, "latest.json"), text)


def _is_latest_due(info: RunInfo, store: Store) -> bool:
    """Whether `latest` wasn't moved since this run was made: to it, or to a later one."""
    known = store.get(crawl_key(info.crawl, "latest.json"))
    if known is None:
        return True
    return datetime.fromisoformat(orjson.loads(known)["published_at"]) < info.created_at


def _drop_archives(info: RunInfo, store: Store) -> None:
    """Archives that were asked not to be kept go when the dataset is whole."""
    if not info.settings.all.archive.keep:
        parts = store.list(run_key(info.run, "batches"))
        store.delete(*filter(is_archive, parts))
