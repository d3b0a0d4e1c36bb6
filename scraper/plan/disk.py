"""The local disk that a run needs at most, from what the crawl's last published run has left.

In: the last run, the size of its files in the store, and the plan. Out: bytes. What is done needs
disk for a while, one after another, so the largest need of three tells:

- planning: 4 times the rows as they are spooled, and 1,200 bytes for each page of what is known;
- the ends of batches, on an object store: a copy of the archive of a batch of each partition, in
  which a page takes what it takes on the wire and 1,000 bytes;
- publishing: 26 times the last run's outcomes, items and state, as many more as there are more
  rows, and 12 MB.

The figures are upper bounds of what was measured: runs of 50 to 60,000 rows in a folder and an
object store, with and without a rule. To publish 60,000 pages that had all changed took 23 times
the last run's files; 20,000 of which a third had changed 9 times, 5,000 without a change 3 times.
"""

from dataclasses import dataclass

from scraper.layout import run_key, state_key
from scraper.store import Store

__all__ = ["PlannedRows", "disk_expected", "published_bytes"]

_SPOOL_TIMES = 4
_KNOWN_BYTES = 1_200
_RECORDS_BYTES = 1_000
_PUBLISHED_TIMES = 26
_LEAST_BYTES = 12_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRows:
    """What a plan has of everything: rows without duplicates, pages, partitions, a batch's rows.

    `spool_bytes` are those of all rows as they were read.
    """

    rows: int
    pages: int
    partitions: int
    batch_size: int
    spool_bytes: int


def published_bytes(store: Store, crawl: str, run: str) -> int:
    """The bytes of a published run's outcomes, items and state. Raises: `StoreError`."""
    keys = (
        run_key(run, "outcomes.parquet"),
        run_key(run, "items.parquet"),
        state_key(crawl, run.partition("/")[2]),
    )
    heads = [store.head(key) for key in keys]
    return sum(head.size for head in heads if head is not None)


def disk_expected(
    planned: PlannedRows,
    *,
    last_bytes: int,
    last_rows: int,
    mean_bytes: float | None,
    is_far: bool,
) -> int:
    """The bytes that a run needs at most at any time.

    Args:
        planned: what would be run.
        last_bytes: of the files of the last published run.
        last_rows: its outcomes.
        mean_bytes: of a page then.
        is_far: whether the store is an object store.

    Raises: nothing.
    """
    planning = _SPOOL_TIMES * planned.spool_bytes + _KNOWN_BYTES * planned.pages
    in_copies = min(planned.pages, planned.partitions * planned.batch_size) if is_far else 0
    copies = in_copies * (_RECORDS_BYTES + (mean_bytes or 0))
    published = last_bytes * planned.rows / max(1, last_rows)
    publishing = _PUBLISHED_TIMES * published + _LEAST_BYTES
    return round(max(planning, copies, publishing))
