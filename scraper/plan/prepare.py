"""Prepare: a crawl's lists become a planned run in the store, before the first fetch.

In: a `CrawlSpec`. Out: the lists' snapshots, every batch's rows, the invalid rows as outcomes,
`run.json`. All lists are read and checked in a scratch folder first: what is wrong is told before
anything is written. `run.json` is written last: a run that has it is planned.
"""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import orjson
from duckdb import DuckDBPyConnection

from scraper.crawl import STDIN, CrawlSpec, InlineRows
from scraper.errors import ConfigError
from scraper.fetch.client import address_guard, require_contact
from scraper.layout import INVALID_BATCH, batch_key, run_key
from scraper.models import Outcome, Reason
from scraper.parts import PartWriter, packed
from scraper.plan.columns import REDIRECTS, SeedColumns
from scraper.plan.cut import cut_into_batches, effective_size
from scraper.run import RunInfo, same_settings, save_run
from scraper.seeds import RawRow, list_suffixes, read_inline, read_seeds
from scraper.seeds.rows import excerpt
from scraper.seeds.source import GZIP_MAGIC, list_format, open_list
from scraper.settings_table import Settings
from scraper.store import Store
from scraper.tables import open_tables, quoted, quoted_name, scalar
from scraper.urls import canonical_key, parse_url

__all__ = ["check_same_run", "prepare"]

_SPOOL_COLUMNS = {
    "row": "BIGINT",
    "url": "VARCHAR",
    "fetch_url": "VARCHAR",
    "host": "VARCHAR",
    "domain": "VARCHAR",
    "key": "VARCHAR",
}


def prepare(
    spec: CrawlSpec, store: Store, run_id: str, *, at: datetime, stdin: BinaryIO | None = None
) -> RunInfo:
    """Plan a new run and write all that its first wave needs.

    Args:
        spec: what is to be crawled.
        store: where the run goes.
        run_id: its id; run ids sort by time.
        at: when the run was made.
        stdin: what to read for a list `-`.

    Raises:
        ConfigError: a list is none, or empty; a public host without a contact.
        StoreError: the store failed half-way.
    """
    info = RunInfo(
        crawl=spec.crawl, run_id=run_id, created_at=at, settings=spec.settings, sites=spec.sites
    )
    with open_tables() as (tables, scratch):
        if STDIN in spec.lists:
            _copy_stdin(stdin, scratch)
        with PartWriter() as invalid:
            info = _read(spec, info, spool=scratch / "rows.jsonl", invalid=invalid)
            info = _tabulate(tables, scratch / "rows.jsonl", info)
            _check_contact(tables, info.settings.all)
            _snapshot(spec, scratch, run=info.run, store=store)
            invalid.put(store, batch_key(info.run, INVALID_BATCH, "outcomes.jsonl.gz"))
        _write_invalid_rows(tables, scratch, run=info.run, store=store)
        cut_into_batches(tables, scratch, info=info, store=store, number=1)
    save_run(info, store)
    return info


def check_same_run(info: RunInfo, spec: CrawlSpec) -> None:
    """Refuse to go on with a run under another list, other settings or other rules.

    A list from stdin isn't there any more: the run has its snapshot, and goes on from that.

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
    yield "site rules", info.sites != spec.sites
    if STDIN not in spec.lists:
        with TemporaryDirectory() as folder, PartWriter() as invalid:
            spool = Path(folder) / "rows.jsonl"
            yield (
                "rows in its list",
                info.list_sha256 != _read(spec, info, spool=spool, invalid=invalid).list_sha256,
            )


def _copy_stdin(stdin: BinaryIO | None, scratch: Path) -> None:
    """Standard input can be read but once: from here on it is a file."""
    assert stdin is not None, "a list from stdin needs the stream"
    with (scratch / STDIN).open("wb") as file:
        shutil.copyfileobj(stdin, file)


def _rows(source: str | InlineRows, scratch: Path, url_column: str | None) -> Iterator[RawRow]:
    if isinstance(source, tuple):
        yield from read_inline(source)
    elif source == STDIN:
        with (scratch / STDIN).open("rb") as file:
            yield from read_seeds(STDIN, url_column=url_column, stdin=file)
    elif Path(source).is_fifo():
        raise ConfigError(f"{source}: is a pipe: give it to stdin, as `scraper run -`")
    else:
        yield from read_seeds(source, url_column=url_column)


def _read(spec: CrawlSpec, info: RunInfo, *, spool: Path, invalid: PartWriter) -> RunInfo:
    """Read all rows to the spool, each URL parsed once; learn their columns and their digest."""
    columns, digest, row = SeedColumns(spec.sites), hashlib.sha256(), 0
    key_of = canonical_key if spec.settings.all.plan.canonical else str
    with spool.open("wb") as file:
        for source in spec.lists:
            for raw in _rows(source, spool.parent, spec.url_column):
                row += 1
                url = parse_url(raw.url) if raw.url is not None else None
                about: dict[str, object] = {"row": row, "url": raw.url or raw.text}
                if url is None:
                    text = excerpt(raw.url or raw.text)
                    about["url"] = text
                    invalid.write(packed(_invalid(row, text).as_line()))
                else:
                    about |= {"fetch_url": url.href, "host": url.host, "domain": url.domain}
                    about["key"] = key_of(url.key)
                about |= columns.take_in(raw.columns)
                line = orjson.dumps(about, option=orjson.OPT_APPEND_NEWLINE)
                digest.update(line)
                file.write(line)
    return replace(info, rows=row, columns=columns.types(), list_sha256=digest.hexdigest())


def _invalid(row: int, text: str) -> Outcome:
    return Outcome(row=row, url=text, reason=Reason.INVALID_URL, batch=INVALID_BATCH)


def _tabulate(tables: DuckDBPyConnection, spool: Path, info: RunInfo) -> RunInfo:
    """Make the table of the rows to fetch: of duplicates the first."""
    keys = {f"c{place}": sql_type for place, sql_type in enumerate(info.columns.values())}
    types = ", ".join(f"{key}: {quoted(kind)}" for key, kind in (_SPOOL_COLUMNS | keys).items())
    seed = ", ".join(
        f"{quoted_name(name)} := {key}" for name, key in zip(info.columns, keys, strict=True)
    )
    tables.execute(
        f"CREATE TABLE planned AS SELECT row, url, fetch_url, host, domain, "
        f"{f'struct_pack({seed})' if seed else 'NULL'} AS seed, "
        f"CAST([] AS {REDIRECTS}) AS redirects, 0 AS attempts "
        f"FROM read_json({quoted(spool)}, columns = {{{types}}}, format = 'newline_delimited') "
        f"QUALIFY fetch_url IS NULL OR row_number() OVER (PARTITION BY key ORDER BY row) = 1"
    )
    kept = scalar(tables, "SELECT count(*) FROM planned")
    return replace(
        info,
        duplicates=info.rows - kept,
        batch_size=effective_size(kept, info.settings.all.batch.size),
    )


def _write_invalid_rows(
    tables: DuckDBPyConnection, scratch: Path, *, run: str, store: Store
) -> None:
    path = scratch / "invalid.parquet"
    rows = "SELECT * FROM planned WHERE fetch_url IS NULL ORDER BY row"
    tables.execute(f"COPY ({rows}) TO {quoted(path)} (FORMAT parquet)")
    store.put_file(batch_key(run, INVALID_BATCH, "seeds.parquet"), path)


def _check_contact(tables: DuckDBPyConnection, settings: Settings) -> None:
    """No contact, no run on the open network."""
    if settings.http.contact is not None:
        return
    guard = address_guard(settings.http, settings.network)
    hosts = tables.execute("SELECT DISTINCT host FROM planned WHERE host IS NOT NULL ORDER BY host")
    while found := hosts.fetchmany(1000):
        for (host,) in found:
            require_contact(settings.http, guard, host)


def _snapshot(spec: CrawlSpec, scratch: Path, *, run: str, store: Store) -> None:
    """Keep the lists as they were: stdin can't be read again, a file may change."""
    for place, source in enumerate(spec.lists, 1):
        stem = f"list-{place}" if len(spec.lists) > 1 else "list"
        if isinstance(source, tuple):
            lines = b"".join(orjson.dumps(row) + b"\n" for row in source)
            store.put(run_key(run, f"{stem}.jsonl"), lines)
        else:
            path = scratch / STDIN if source == STDIN else Path(source)
            suffixes = "".join(list_suffixes(source)) or _told_suffixes(path, spec.url_column)
            store.put_file(run_key(run, stem + suffixes), path)


def _told_suffixes(path: Path, url_column: str | None) -> str:
    """The suffixes that a list without any should have, so that its snapshot is read alike."""
    with path.open("rb") as file, open_list(STDIN, stdin=file) as stream:
        suffix = f".{list_format(STDIN, stream.head, url_column=url_column)}"
    with path.open("rb") as file:
        return suffix + ".gz" * (file.read(2) == GZIP_MAGIC)
