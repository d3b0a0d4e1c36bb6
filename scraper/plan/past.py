"""What a crawl's last published run tells of the next one: how fast hosts answer, how large pages.

In: the store. Out: the table `past` (host, mean seconds of a fetch), and the run with the mean
bytes of a page. Nothing is written. A crawl without a published run leaves the table empty.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import orjson
from duckdb import DuckDBPyConnection

from scraper.errors import StoreError
from scraper.layout import crawl_key, run_key
from scraper.store import Store
from scraper.tables import quoted

__all__ = ["LastRun", "load_past"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The last published run: its key, its outcomes, the mean bytes of its pages if it has any."""

    run: str
    rows: int
    mean_bytes: float | None


_ELAPSED = """
INSERT INTO past SELECT host, avg(elapsed_s) FROM read_parquet({path})
WHERE host IS NOT NULL AND elapsed_s > 0 AND attempts > 0 GROUP BY host
"""


def load_past(
    tables: DuckDBPyConnection, scratch: Path, *, store: Store | None, crawl: str
) -> LastRun | None:
    """Read how the last published run went; none if there is none.

    Raises:
        StoreError: the store failed, or what is there can't be read.
    """
    tables.execute("CREATE TABLE past (host VARCHAR, elapsed_s DOUBLE)")
    latest = store.get(crawl_key(crawl, "latest.json")) if store is not None else None
    if store is None or latest is None:
        return None
    try:
        run = f"{crawl}/{orjson.loads(latest)['run_id']}"
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{store.address(crawl)}/latest.json: can't be read") from error
    path = store.local_file(run_key(run, "outcomes.parquet"), scratch)
    if path is None:
        # The run was removed by hand: its crawl begins anew.
        return None
    try:
        tables.execute(_ELAPSED.format(path=quoted(path)))
        found = tables.execute(
            f"SELECT count(*), avg(bytes) FROM read_parquet({quoted(path)})"
        ).fetchone()
    except duckdb.Error as error:
        first_line = str(error).split("\n", 1)[0]
        raise StoreError(f"{path}: can't be read: {first_line}") from error
    assert found is not None
    return LastRun(run=run, rows=found[0], mean_bytes=found[1])
