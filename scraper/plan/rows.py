"""Rows of lists become one table: each URL parsed once, duplicates dropped, columns learned.

In: rows, streamed. Out: the view `planned` (row, url, fetch_url, host, domain, seed, …), of
duplicates the first row; rows that are no URL are in it with an empty `fetch_url`. Python holds
one row at a time, DuckDB what its memory limit allows: only keys are compared over the whole list,
what rides along stays on disk.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
from duckdb import DuckDBPyConnection

from scraper.fetch.client import address_guard, require_contact
from scraper.layout import INVALID_BATCH
from scraper.models import Outcome, Reason
from scraper.parts import PartWriter, packed
from scraper.plan.columns import KNOWN, REDIRECTS, SeedColumns
from scraper.plan.cut import effective_size
from scraper.run import RunInfo
from scraper.seeds import RawRow
from scraper.seeds.rows import excerpt
from scraper.settings_table import Settings
from scraper.tables import execute, quoted, quoted_name, scalar
from scraper.urls import key_digest, parse_url

__all__ = ["check_contact", "spool_rows", "tabulate"]

_SPOOL_COLUMNS = {
    "row": "BIGINT",
    "url": "VARCHAR",
    "fetch_url": "VARCHAR",
    "host": "VARCHAR",
    "domain": "VARCHAR",
    "key": "UUID",
}
"""Of a key its digest is kept: as wide as a UUID, whatever the URL's length."""


def spool_rows(
    rows: Iterator[RawRow], info: RunInfo, *, spool: Path, invalid: PartWriter | None = None
) -> RunInfo:
    """Write all rows to a file, and the outcomes of those that are no URL to a part.

    Gives the run with its rows counted, their columns and their digest.

    Raises:
        ScraperError: the rows can't be read to their end.
    """
    columns, digest, row = SeedColumns(info.sites), hashlib.sha256(), 0
    canonical = info.settings.all.plan.canonical
    with spool.open("wb") as file:
        for row, raw in enumerate(rows, 1):
            url = parse_url(raw.url) if raw.url is not None else None
            about: dict[str, object] = {"row": row, "url": raw.url or raw.text}
            if url is None:
                text = excerpt(raw.url or raw.text)
                about["url"] = text
                if invalid is not None:
                    invalid.write(packed(_invalid(row, text).as_line()))
            else:
                about |= {"fetch_url": url.href, "host": url.host, "domain": url.domain}
                about["key"] = key_digest(url, canonical=canonical)
            about |= columns.take_in(raw.columns)
            line = orjson.dumps(about, option=orjson.OPT_APPEND_NEWLINE)
            digest.update(line)
            file.write(line)
    return replace(
        info,
        rows=row,
        columns=columns.types(),
        renamed=columns.renamed(),
        list_sha256=digest.hexdigest(),
    )


def tabulate(tables: DuckDBPyConnection, spool: Path, info: RunInfo) -> RunInfo:
    """Make the view; give the run with its duplicates and its batch size. Raises: nothing."""
    keys = {f"c{place}": sql_type for place, sql_type in enumerate(info.columns.values())}
    types = ", ".join(f"{key}: {quoted(kind)}" for key, kind in (_SPOOL_COLUMNS | keys).items())
    seed = ", ".join(
        f"{quoted_name(name)} := {key}" for name, key in zip(info.columns, keys, strict=True)
    )
    execute(
        tables,
        f"CREATE TABLE spooled AS SELECT row, url, fetch_url, host, domain, key, "
        f"{f'struct_pack({seed})' if seed else 'NULL'} AS seed "
        f"FROM read_json({quoted(spool)}, columns = {{{types}}}, format = 'newline_delimited')",
    )
    spool.unlink()
    planned = _PLANNED.format(redirects=REDIRECTS, known=KNOWN)
    execute(tables, _DUPLICATES, _WITHOUT_DUPLICATES, planned)
    duplicates = scalar(tables, "SELECT count(*) FROM duplicates")
    return replace(
        info,
        duplicates=duplicates,
        batch_size=effective_size(info.rows - duplicates, info.settings.all.batch.size),
    )


_DUPLICATES = """
CREATE TABLE duplicates AS
SELECT row FROM spooled WHERE key IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY key ORDER BY row) > 1
"""

_WITHOUT_DUPLICATES = "DELETE FROM spooled USING duplicates WHERE spooled.row = duplicates.row"

_PLANNED = """
CREATE VIEW planned AS
SELECT row, url, fetch_url, host, domain, replace(key::VARCHAR, '-', '') AS key, seed,
CAST([] AS {redirects}) AS redirects, 0 AS attempts, CAST(NULL AS {known}) AS known
FROM spooled
"""


def check_contact(tables: DuckDBPyConnection, settings: Settings) -> None:
    """No contact, no run on the open network.

    Raises:
        ConfigError: a planned host is public, and nobody says who asks.
    """
    if settings.http.contact is not None:
        return
    guard = address_guard(settings.http, settings.network)
    hosts = tables.execute("SELECT DISTINCT host FROM planned WHERE host IS NOT NULL ORDER BY host")
    while found := hosts.fetchmany(1000):
        for (host,) in found:
            require_contact(settings.http, guard, host)


def _invalid(row: int, text: str) -> Outcome:
    return Outcome(row=row, url=text, reason=Reason.INVALID_URL, batch=INVALID_BATCH)
