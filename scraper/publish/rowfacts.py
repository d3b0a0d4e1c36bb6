"""The rows of a run's batches as views over their parts, for what is carried and remembered.

In: the batches' `seeds.parquet` and `outcomes.jsonl.gz`. Out: the table `keys` (url, key) and the
view `facts` (url, and what an outcome's line says for the next run). A URL as given stands for its
row: rows that are alike are duplicates. Raises `StoreError`.
"""

from collections.abc import Iterator
from pathlib import Path

import orjson
from duckdb import DuckDBPyConnection

from scraper.layout import batch_key
from scraper.run import RunInfo
from scraper.store import Store
from scraper.tables import execute, quoted
from scraper.urls import key_digest, parse_url

__all__ = ["FACTS", "digested_keys", "make_facts", "make_keys"]

FACTS = {
    "url": "VARCHAR",
    "etag": "VARCHAR",
    "last_modified": "VARCHAR",
    "payload_digest": "VARCHAR",
    "item_sha256": "VARCHAR",
}


def make_keys(
    tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store, batches: list[str]
) -> None:
    """Make the table `keys` of all rows of `outcomes` that are URLs.

    Raises:
        StoreError: the store failed.
    """
    files = _files(info, store, scratch, batches, "seeds.parquet")
    paths = ", ".join(map(quoted, files))
    planned = f"SELECT url, any_value(key) AS key FROM read_parquet([{paths}]) GROUP BY url"
    nothing = "SELECT NULL::VARCHAR AS url, NULL::VARCHAR AS key WHERE false"
    execute(tables, f"CREATE TABLE keys AS {planned if files else nothing}")
    # A row that this run took over as it was stands in no part of its own.
    others = "SELECT url FROM outcomes ANTI JOIN keys USING (url) WHERE reason <> 'invalid_url'"
    canonical = info.settings.all.plan.canonical
    found = digested_keys(tables, others, scratch / "keys.jsonl", canonical=canonical)
    execute(tables, f"INSERT INTO keys {found}", "DELETE FROM keys WHERE key IS NULL")


def digested_keys(tables: DuckDBPyConnection, urls: str, spool: Path, *, canonical: bool) -> str:
    """The SQL of the keys of URLs: `url`, `key`, spooled to a file.

    Raises:
        OSError: the disk is full.
    """
    with spool.open("wb") as file:
        file.writelines(_key_lines(tables, urls, canonical=canonical))
    columns = "{url: 'VARCHAR', key: 'VARCHAR'}"
    return (
        f"SELECT url, key FROM read_json({quoted(spool)}, columns = {columns}, "
        f"format = 'newline_delimited')"
    )


def _key_lines(tables: DuckDBPyConnection, urls: str, *, canonical: bool) -> Iterator[bytes]:
    found = tables.execute(urls)
    while rows := found.fetchmany(1000):
        for (url,) in rows:
            parsed = parse_url(url)
            key = key_digest(parsed, canonical=canonical) if parsed is not None else None
            yield orjson.dumps({"url": url, "key": key}, option=orjson.OPT_APPEND_NEWLINE)


def make_facts(
    tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store, batches: list[str]
) -> None:
    """Make the view `facts` of all rows that this run itself brought to their end.

    Raises:
        StoreError: the store failed.
    """
    files = _files(info, store, scratch, batches, "outcomes.jsonl.gz")
    if files:
        types = ", ".join(f"{name}: {quoted(kind)}" for name, kind in FACTS.items())
        source = (
            f"SELECT * FROM read_json([{', '.join(map(quoted, files))}], columns = {{{types}}}, "
            f"format = 'newline_delimited', compression = 'gzip')"
        )
    else:
        columns = ", ".join(f"NULL::{kind} AS {name}" for name, kind in FACTS.items())
        source = f"SELECT {columns} WHERE false"
    execute(tables, f"CREATE VIEW facts AS {source}")


def _files(info: RunInfo, store: Store, scratch: Path, batches: list[str], name: str) -> list[Path]:
    keys = (batch_key(info.run, batch, name) for batch in batches)
    found = (store.local_file(key, scratch) for key in keys)
    return [path for path in found if path is not None]
