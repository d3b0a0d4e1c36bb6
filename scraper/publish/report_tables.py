"""The report's tables: a run's outcomes and items as few rows of cut texts.

In: DuckDB with the table `outcomes` and the view `items`. Out: plain rows. Memory stays bounded
whatever the run's size: every query aggregates or ends in a few rows. A column or a table that
is missing is taken as empty. Sizes are bytes, durations seconds.

Raises `duckdb.Error` when a query fails: no memory, no disk.
"""

from duckdb import DuckDBPyConnection

from scraper.plan.columns import OUTCOME_COLUMNS
from scraper.tables import quoted_name, scalar

__all__ = [
    "LINK_CHARACTERS",
    "Row",
    "changes",
    "columns_of",
    "coverage",
    "example_urls",
    "hosts",
    "sample",
    "slowest",
]

LINK_CHARACTERS = 300
"""A longer URL is not linked."""

_EXAMPLES = 3
_HOSTS = 20
_SLOWEST = 10
_ITEMS = 5
_ITEM_FIELDS = 20
_CHANGES = 50

Row = dict[str, object]


def columns_of(tables: DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a table or view and their types; none if there is no such table."""
    found = tables.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE table_name = ? AND NOT internal ORDER BY column_index",
        [table],
    )
    return {str(name): str(kind) for name, kind in found.fetchall()}


def example_urls(tables: DuckDBPyConnection) -> dict[str, list[str]]:
    """The first URLs of the list by the reason that they ended with."""
    found = tables.execute(
        f"SELECT reason, arg_min(left(url, {LINK_CHARACTERS + 1}), coalesce(row, 0), {_EXAMPLES}) "
        f"FROM {_outcomes(tables)} WHERE reason IS NOT NULL AND url IS NOT NULL GROUP BY reason"
    )
    return {str(reason): list(urls) for reason, urls in found.fetchall()}


def hosts(tables: DuckDBPyConnection) -> tuple[list[Row], int]:
    """The hosts with the most rows, and how many rows the others have together."""
    outcomes = _outcomes(tables)
    # The medians of the few, not of all: what a median keeps grows with its rows.
    top = _rows(
        tables,
        f"WITH top AS (SELECT host FROM {outcomes} WHERE host IS NOT NULL "
        f"GROUP BY host ORDER BY count(*) DESC, host LIMIT {_HOSTS}) "
        f"SELECT host, count(*) AS rows, count(*) FILTER (status = 'ok') AS ok, "
        f"count(*) FILTER (status = 'failed') AS failed, "
        f"approx_quantile(elapsed_s, 0.5) AS median_s, "
        f"coalesce(sum(coalesce(bytes, wire_bytes)), 0)::BIGINT AS bytes "
        f"FROM {outcomes} SEMI JOIN top USING (host) GROUP BY host ORDER BY rows DESC, host",
    )
    shown = ", ".join("?" for _ in top) or "NULL"
    others = tables.execute(
        f"SELECT count(*) FROM {outcomes} WHERE host IS NOT NULL AND host NOT IN ({shown})",
        [row["host"] for row in top],
    ).fetchone()
    return top, int(others[0]) if others else 0


def slowest(tables: DuckDBPyConnection) -> list[Row]:
    """The rows whose last attempt took longest."""
    return _rows(
        tables,
        f"SELECT left(url, {LINK_CHARACTERS + 1}) AS url, elapsed_s, reason, http_status "
        f"FROM {_outcomes(tables)} WHERE elapsed_s > 0 AND url IS NOT NULL "
        f"ORDER BY elapsed_s DESC, row LIMIT {_SLOWEST}",
    )


def changes(tables: DuckDBPyConnection, *, characters: int) -> list[Row]:
    """The first rows of what changed; none without a former run.

    Args:
        tables: has `changes`, if there is a former run.
        characters: longer values are cut one character after so many, which tells them apart.
    """
    if not columns_of(tables, "changes"):
        return []
    texts = ", ".join(f"left({name}, {characters + 1}) AS {name}" for name in ("before", "after"))
    return _rows(
        tables,
        f"SELECT left(url, {LINK_CHARACTERS + 1}) AS url, kind, left(field, 80) AS field, "
        f"left(item, 80) AS item, {texts} FROM changes LIMIT {_CHANGES}",
    )


def coverage(
    tables: DuckDBPyConnection, columns: dict[str, str]
) -> tuple[int, list[tuple[str, str, int]]]:
    """How many items there are; of each column its name, its type and how many have a value."""
    total = scalar(tables, "SELECT count(*) FROM items") if columns else 0
    if not total:
        return 0, []
    counts = ", ".join(f"count({quoted_name(name)})" for name in columns)
    found = tables.execute(f"SELECT {counts} FROM items").fetchone() or ()
    rows = zip(columns.items(), found, strict=True)
    return total, [(name, kind, int(count)) for (name, kind), count in rows]


def sample(
    tables: DuckDBPyConnection, columns: dict[str, str], *, characters: int
) -> list[list[tuple[str, str]]]:
    """The first items: of each the first fields that have a value, as text.

    Args:
        tables: has `items`.
        columns: those of `items`.
        characters: longer texts are cut one character after so many, which tells them apart.
    """
    if not columns:
        return []
    texts = ", ".join(
        f"left(CAST({quoted_name(name)} AS VARCHAR), {characters + 1})" for name in columns
    )
    found = tables.execute(f"SELECT {texts} FROM items LIMIT {_ITEMS}").fetchall()
    items = (zip(columns, row, strict=True) for row in found)
    return [
        [(name, text) for name, text in item if text is not None][:_ITEM_FIELDS] for item in items
    ]


def _outcomes(tables: DuckDBPyConnection) -> str:
    """A subquery with all columns of an outcome, whichever the table has."""
    present = {name.lower() for name in columns_of(tables, "outcomes")}
    wanted = {"row": "BIGINT"} | OUTCOME_COLUMNS
    chosen = ", ".join(
        quoted_name(name) if name in present else f"NULL::{kind} AS {quoted_name(name)}"
        for name, kind in wanted.items()
    )
    return f"(SELECT {chosen} FROM outcomes)" if present else f"(SELECT {chosen} WHERE false)"


def _rows(tables: DuckDBPyConnection, query: str) -> list[Row]:
    found = tables.execute(query)
    names = [str(column[0]) for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
