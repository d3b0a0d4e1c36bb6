"""Runs as they stand in a store, written by hand: published, fallen short or unfinished."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import orjson

from scraper.layout import crawl_key, run_key
from scraper.run import RunInfo, save_run
from scraper.settings import HostSettings
from scraper.settings_table import Settings
from scraper.store import Store

BEGAN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def put_run(
    store: Store,
    run: str,
    *,
    hours: int = 0,
    outcomes: dict[str, int] | None = None,
    held: bool = True,
    latest: bool = False,
    columns: dict[str, str] | None = None,
) -> str:
    """A run that began so many hours after the first; without outcomes it is unfinished."""
    crawl, run_id = run.split("/")
    info = RunInfo(
        crawl=crawl,
        run_id=run_id,
        created_at=BEGAN + timedelta(hours=hours),
        settings=HostSettings(Settings(), {}),
        columns=columns or {},
        rows=10,
    )
    save_run(info, store)
    if outcomes is not None:
        gate = {"name": "max_failed", "limit": 0, "value": 1, "held": held}
        summary = {"crawl": crawl, "run_id": run_id, "outcomes": outcomes, "gates": [gate]}
        store.put(run_key(run, "summary.json"), orjson.dumps(summary))
    if latest:
        text = orjson.dumps({"run_id": run_id, "published_at": BEGAN})
        store.put(crawl_key(crawl, "latest.json"), text)
    return run


def put_table(store: Store, run: str, name: str, query: str) -> None:
    """A table of a run, from what a query gives."""
    with TemporaryDirectory() as folder, duckdb.connect() as tables:
        path = Path(folder) / name
        kind = "json" if name.endswith(".jsonl") else "parquet"
        tables.execute("SET TimeZone = 'UTC'")
        tables.execute(f"COPY ({query}) TO '{path}' (FORMAT {kind})")
        store.put_file(run_key(run, name), path)
