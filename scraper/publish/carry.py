"""Items of unchanged pages are carried forward, so that each run's dataset is complete.

In: a run's own `outcomes.parquet` and `items.parquet`, the state and the dataset of its baseline.
Out: both files anew. An unchanged page has its last items, with when they were fetched; a page that
failed, or is skipped for now, keeps them for some runs, marked `stale`; one that is gone (404, 410)
or skipped for good has none. Columns are today's: a value that doesn't fit its type is dropped.

A join, out of core, whose large side streams past. Raises `StoreError`.
"""

from pathlib import Path

from duckdb import DuckDBPyConnection

from scraper.errors import StoreError
from scraper.layout import run_key
from scraper.models import Reason
from scraper.publish.streams import PARQUET, columns_of_file, rows_of_file, shown_anew, streamed
from scraper.rules import GENERIC_FIELDS
from scraper.run import RunInfo
from scraper.state import load_state
from scraper.store import Store
from scraper.tables import execute, quoted, quoted_name, scalar

__all__ = ["carry_forward", "is_failing", "is_gone"]

Files = dict[str, Path]
Columns = dict[str, str]


def is_gone(outcome: str) -> str:
    """The SQL of whether an outcome says that a page isn't there any more."""
    return f"coalesce({outcome}.http_status IN (404, 410) AND {outcome}.reason = 'http_4xx', false)"


def is_failing(outcome: str) -> str:
    """The SQL of whether an outcome tells nothing of a page: it failed, or was skipped for now."""
    healing = ", ".join(quoted(reason) for reason in Reason if reason.heals)
    return (
        f"({outcome}.status = 'failed' AND NOT {is_gone(outcome)} "
        f"OR {outcome}.reason IN ({healing}))"
    )


def carry_forward(
    tables: DuckDBPyConnection, scratch: Path, *, files: Files, info: RunInfo, store: Store
) -> Files:
    """Complete the dataset of a run with what is as it was; give its files.

    Needs the tables `outcomes` and `keys`; makes the view `state`, and `outcomes` and `items` anew.

    Raises:
        StoreError: the baseline's dataset is gone, or the store failed.
    """
    if not load_state(tables, scratch, info=info, store=store):
        return files
    _make_carried(tables, info)
    if not scalar(tables, "SELECT count(*) FROM carried"):
        return files
    key = run_key(run_key(info.crawl, info.baseline or ""), "items.parquet")
    former = store.local_file(key, scratch)
    if former is None:
        raise StoreError(f"{store.address(key)} is gone: unchanged pages have no items any more")
    outcomes, items = scratch / "outcomes-whole.parquet", scratch / "items-whole.parquet"
    _write_outcomes(tables, files["outcomes.parquet"], outcomes)
    with streamed(tables):
        query = _whole_items(tables, files["items.parquet"], former, info)
        execute(tables, f"COPY ({query}) TO {quoted(items)} ({PARQUET})")
    shown_anew(tables, "items", f"FROM {rows_of_file(items)}")
    return files | {"outcomes.parquet": outcomes, "items.parquet": items}


def _make_carried(tables: DuckDBPyConnection, info: RunInfo) -> None:
    """The rows whose last items stand: their URL now and before, how many, what rides along."""
    own = "".join(f", o.{quoted_name(name)} AS c{n}" for n, name in enumerate(info.columns))
    execute(
        tables,
        f"CREATE OR REPLACE TABLE carried AS SELECT o.url AS url_now, s.url AS url_before, "
        f"s.items AS count_now, o.status <> 'unchanged' AS stale_now{own} "
        f"FROM outcomes AS o JOIN keys USING (url) JOIN state AS s USING (key) "
        f"WHERE coalesce(o.items, 0) = 0 AND s.items > 0 AND (o.status = 'unchanged' "
        f"OR s.stale < {info.settings.all.publish.stale_runs} AND {is_failing('o')})",
    )


def _write_outcomes(tables: DuckDBPyConnection, own: Path, target: Path) -> None:
    """The outcomes count the items that were carried for them."""
    execute(
        tables,
        f"COPY (SELECT o.* EXCLUDE (file_row_number) REPLACE (coalesce(count_now, items) AS items) "
        f"FROM read_parquet({quoted(own)}, file_row_number = true) AS o "
        f"LEFT JOIN carried ON o.url = url_now ORDER BY file_row_number) "
        f"TO {quoted(target)} ({PARQUET})",
    )
    shown_anew(
        tables,
        "outcomes",
        f"SELECT file_row_number AS row, * EXCLUDE (file_row_number) "
        f"FROM read_parquet({quoted(target)}, file_row_number = true)",
    )


def _whole_items(tables: DuckDBPyConnection, own: Path, former: Path, info: RunInfo) -> str:
    """The items of this run and the carried ones, under today's columns."""
    mine, there = columns_of_file(tables, own), columns_of_file(tables, former)
    columns = _columns(mine, there, info) if _has_generic(tables, former) else mine
    present = (
        quoted_name(name) if name in mine else f"NULL::{kind} AS {quoted_name(name)}"
        for name, kind in columns.items()
    )
    carried = (
        f"{_carried_value(name, kind, there, info)} AS {quoted_name(name)}"
        for name, kind in columns.items()
    )
    return (
        f"SELECT {', '.join(present)} FROM {rows_of_file(own)} UNION ALL "
        f"SELECT {', '.join(carried)} FROM {rows_of_file(former)} AS f "
        f"JOIN carried AS c ON f.url = c.url_before"
    )


def _has_generic(tables: DuckDBPyConnection, former: Path) -> bool:
    """Whether items of pages without a rule are carried."""
    query = f"{rows_of_file(former)} AS f JOIN carried AS c ON f.url = c.url_before"
    return scalar(tables, f"SELECT count(*) FROM {query} WHERE f.site IS NULL") > 0


def _columns(mine: Columns, there: Columns, info: RunInfo) -> Columns:
    """Today's columns and those of pages without a rule; the list's own come last."""
    seeds = {name: kind for name, kind in mine.items() if name in info.columns}
    generic = {name: kind for name, kind in there.items() if name in GENERIC_FIELDS}
    return {name: kind for name, kind in mine.items() if name not in seeds} | generic | seeds


def _carried_value(name: str, kind: str, there: Columns, info: RunInfo) -> str:
    """The SQL of a carried item's column."""
    if name in info.columns:
        return f"c.c{list(info.columns).index(name)}"
    if name in _TODAYS:
        return _TODAYS[name]
    known = next((known for known in there if known.lower() == name.lower()), None)
    if known is None:
        return f"NULL::{kind}"
    value = f"f.{quoted_name(known)}"
    return value if there[known] == kind else f"TRY_CAST({value} AS {kind})"


_TODAYS = {"url": "c.url_now", "stale": "c.stale_now"}
