"""Plan a retry: the rows of a former run that failed are asked for again, from the beginning.

In: the view `former`. Out: the table `planned` and its batches. What is no URL is never asked for.
"""

from dataclasses import replace
from pathlib import Path

import orjson
from duckdb import DuckDBPyConnection

from scraper.errors import ConfigError
from scraper.models import Reason, Status
from scraper.plan.columns import KNOWN, REDIRECTS
from scraper.plan.cut import cut_into_batches, effective_size
from scraper.plan.rows import check_contact
from scraper.run import RunInfo
from scraper.settings import nearest
from scraper.store import Store
from scraper.tables import execute, quoted, quoted_name, scalar
from scraper.urls import key_digest, parse_url

__all__ = ["plan_retry", "reasons_to_retry"]

_URL_TYPES = {
    "row": "BIGINT",
    "fetch_url": "VARCHAR",
    "host": "VARCHAR",
    "domain": "VARCHAR",
    "key": "VARCHAR",
}
_ROWS_AT_ONCE = 1000


def reasons_to_retry(only: tuple[str, ...]) -> tuple[Reason, ...]:
    """The reasons of the rows that are asked for again: those given, or all that may heal.

    Raises:
        ConfigError: one is none, or not that of a row that failed or was skipped.
    """
    valid = {reason.value: reason for reason in Reason if _is_to_retry(reason)}
    for name in only:
        if name not in valid:
            raise ConfigError(f"--only {name}: no reason to retry{nearest(name, valid)}")
    if only:
        return tuple(valid[name] for name in only)
    return tuple(r for r in valid.values() if r.status is Status.FAILED or r.heals)


def plan_retry(
    tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store
) -> RunInfo:
    """Plan the rows; give the run with its batch size.

    Raises:
        ConfigError: there is nothing to retry, or a public host without a contact.
        StoreError: the store failed.
    """
    assert info.again is not None, "a retry has a former run"
    reasons = ", ".join(quoted(reason) for reason in reasons_to_retry(info.again.only))
    execute(tables, f"CREATE TABLE failed AS SELECT * FROM former WHERE reason IN ({reasons})")
    _parse_urls(tables, info, scratch / "urls.jsonl")
    types = ", ".join(f"{name}: {quoted(kind)}" for name, kind in _URL_TYPES.items())
    execute(
        tables,
        f"CREATE TABLE planned AS SELECT row, url, urls.fetch_url, urls.host, urls.domain, key, "
        f"{seed_struct(info)} AS seed, CAST([] AS {REDIRECTS}) AS redirects, 0 AS attempts, "
        f"CAST(NULL AS {KNOWN}) AS known "
        f"FROM read_json({quoted(scratch / 'urls.jsonl')}, columns = {{{types}}}, "
        f"format = 'newline_delimited') AS urls JOIN failed USING (row) ORDER BY row",
    )
    count = scalar(tables, "SELECT count(*) FROM planned")
    if not count:
        raise ConfigError(f"nothing to retry in {info.again.former}")
    check_contact(tables, info.settings.all)
    info = replace(info, batch_size=effective_size(count, info.settings.all.batch.size))
    cut_into_batches(tables, scratch, info=info, store=store, number=1)
    return info


def seed_struct(info: RunInfo, table: str = "failed") -> str:
    """The seed columns of a former run's outcomes, as the one column of a plan. Raises: nothing."""
    names = [quoted_name(name) for name in info.columns]
    packed = ", ".join(f"{name} := {table}.{name}" for name in names)
    return f"struct_pack({packed})" if names else "NULL"


def _is_to_retry(reason: Reason) -> bool:
    # That a row is no URL doesn't change.
    return reason.status in {Status.FAILED, Status.SKIPPED} and reason is not Reason.INVALID_URL


def _parse_urls(tables: DuckDBPyConnection, info: RunInfo, spool: Path) -> None:
    canonical = info.settings.all.plan.canonical
    found = tables.execute("SELECT row, url FROM failed ORDER BY row")
    with spool.open("wb") as file:
        while rows := found.fetchmany(_ROWS_AT_ONCE):
            for row, text in rows:
                url = parse_url(text)
                if url is not None:
                    about: dict[str, object] = {"row": row, "fetch_url": url.href, "host": url.host}
                    about |= {"domain": url.domain, "key": key_digest(url, canonical=canonical)}
                    file.write(orjson.dumps(about, option=orjson.OPT_APPEND_NEWLINE))
