"""The state of a crawl: what its last published run remembers of each URL, beside the runs.

One Parquet file a published run, `<crawl>/state/<run_id>.parquet`, written before `latest.json`
names that run: so a crash in between leaves the former one whole and in force. In: a store. Out:
the state as a view of DuckDB, and what makes a page's items comparable: the rules that made them.

Times are UTC timestamps, durations seconds. Raises `StoreError`.

Source: Nutch's CrawlDb.
"""

import hashlib
from pathlib import Path

import duckdb
import orjson
from duckdb import DuckDBPyConnection

from scraper.errors import StoreError
from scraper.layout import state_key
from scraper.rules import SiteRule
from scraper.run import RunInfo
from scraper.store import Store
from scraper.tables import open_tables, quoted, quoted_name

__all__ = ["ALL_LIES", "STATE_COLUMNS", "TAG_LIES", "fetched_runs", "load_state", "made_by"]

STATE_COLUMNS = {
    # whose state: the row's de-duplication key, its URL as given
    "key": "VARCHAR",
    "url": "VARCHAR",
    # the last good page: where it stands, what it may be asked by, its digests
    "final_url": "VARCHAR",
    "etag": "VARCHAR",
    "last_modified": "VARCHAR",
    "payload_digest": "VARCHAR",
    "content_sha256": "VARCHAR",
    "item_sha256": "VARCHAR",
    "made_by": "VARCHAR",
    "items": "INTEGER",
    "fetched_run": "VARCHAR",
    "fetched_at": "TIMESTAMPTZ",
    # the last word on it
    "status": "VARCHAR",
    "reason": "VARCHAR",
    "http_status": "INTEGER",
    # its history
    "first_seen": "TIMESTAMPTZ",
    "last_fetched": "TIMESTAMPTZ",
    "last_changed": "TIMESTAMPTZ",
    "checked_at": "TIMESTAMPTZ",
    "unchanged_streak": "INTEGER",
    "not_modified_streak": "INTEGER",
    "failures": "INTEGER",
    "stale": "INTEGER",
    "lies": "INTEGER",
    "interval_s": "DOUBLE",
}
"""The columns of a state. `items`: how many the last dataset has; without any, nothing of the page
is remembered. `fetched_run`: whose archive has the page, fetched whole at `fetched_at`;
`last_fetched`: when a server last said how it is; `checked_at`: when the run began that asked.
`stale`: for how many runs its items were kept though it failed. `lies`: how often in a row its
ETag was another one for the same content; `ALL_LIES` when validators stood for other content."""

TAG_LIES = 2
"""So often in a row another ETag for the same page, and it is sent no more."""

ALL_LIES = 9
"""Nothing is sent any more."""


def load_state(tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store) -> bool:
    """Make the view `state` of what the baseline of a run remembers; say whether there is any.

    Raises:
        StoreError: the store failed, or the state can't be read.
    """
    columns = ", ".join(f"NULL::{kind} AS {name}" for name, kind in STATE_COLUMNS.items())
    source = f"SELECT {columns} WHERE false"
    path = None
    if info.baseline is not None:
        path = store.local_file(state_key(info.crawl, info.baseline), scratch)
    if path is not None:
        names = ", ".join(map(quoted_name, STATE_COLUMNS))
        source = f"SELECT {names} FROM read_parquet({quoted(path)})"
    try:
        tables.execute(f"CREATE OR REPLACE VIEW state AS {source}")
    except duckdb.Error as error:
        first_line = str(error).split("\n", 1)[0]
        raise StoreError(f"{path}: can't be read: {first_line}") from error
    return path is not None


def fetched_runs(store: Store, crawl: str, run_id: str) -> list[str]:
    """The ids of the runs whose archives have the pages that a run's state remembers.

    Raises:
        StoreError: the store failed.
    """
    with open_tables() as (tables, scratch):
        path = store.local_file(state_key(crawl, run_id), scratch)
        if path is None:
            return []
        found = f"SELECT DISTINCT fetched_run FROM read_parquet({quoted(path)})"
        runs = tables.execute(f"{found} WHERE fetched_run IS NOT NULL ORDER BY ALL").fetchall()
        return [str(run) for (run,) in runs]


def made_by(sites: tuple[SiteRule, ...], seed: str) -> str:
    """The SQL of a digest of all but the page that a row's items depend on: today's rules.

    Where rules may read the row's own columns, those count too.

    Args:
        sites: the rules.
        seed: the SQL of the row's columns.
    """
    rules = [rule.model_dump(mode="json", exclude_defaults=True) for rule in sites]
    digest = hashlib.sha256(orjson.dumps(rules, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
    if not any(_reads_seed(rule) for rule in sites):
        return quoted(digest)
    return f"md5({quoted(digest)} || coalesce(to_json({seed})::VARCHAR, ''))"


def _reads_seed(rule: SiteRule) -> bool:
    sources = (source for field in rule.declared for source in field.sources)
    return rule.extractor is not None or any(source.kind == "seed" for source in sources)
