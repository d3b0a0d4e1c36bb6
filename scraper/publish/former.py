"""A retry's or a reparse's dataset is the former run's, the rows that were done again replaced.

In: the views of a run's own parts, and the former run's files. Out: queries over both, under the
run's own columns. An item stays if its row wasn't done again. All of it is DuckDB's, out of core.

Raises `StoreError` when the former run's files are gone.
"""

from collections.abc import Mapping
from pathlib import Path

from duckdb import DuckDBPyConnection

from scraper.plan.former import column_names, former_file, names_now, view_former
from scraper.run import RunInfo
from scraper.store import Store
from scraper.tables import quoted, quoted_name, scalar

__all__ = ["add_former", "keeps_generic_items", "with_former_items", "with_former_outcomes"]

_KEPT_ITEMS = "former_items ANTI JOIN (SELECT url FROM outcomes_pieces) USING (url)"


def add_former(tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store) -> None:
    """Make the views of the former run's tables, if this run has one.

    Raises:
        StoreError: they are gone.
    """
    if info.again is None:
        return
    view_former(tables, scratch, info=info, store=store)
    source = f"read_parquet({quoted(former_file(info, store, scratch, 'items.parquet'))})"
    now = names_now(info, store)
    columns = [
        f"{quoted_name(name)} AS {quoted_name(now.get(name, name))}"
        for name in column_names(tables, source)
        if name in now or name.lower() not in {known.lower() for known in now.values()}
    ]
    tables.execute(f"CREATE VIEW former_items AS SELECT {', '.join(columns)} FROM {source}")


def with_former_outcomes(query: str, info: RunInfo) -> str:
    """The outcomes that a query gives, and those of the rows that weren't done again."""
    if info.again is None:
        return query
    kept = "SELECT * FROM former ANTI JOIN outcomes_pieces USING (row)"
    return f"{query} UNION ALL BY NAME {kept}"


def keeps_generic_items(tables: DuckDBPyConnection, info: RunInfo) -> bool:
    """Whether items of pages without a rule are taken over."""
    query = f"SELECT count(*) FROM {_KEPT_ITEMS} WHERE site IS NULL"
    return info.again is not None and scalar(tables, query) > 0


def with_former_items(
    tables: DuckDBPyConnection, query: str, *, info: RunInfo, columns: Mapping[str, str]
) -> str:
    """The items that a query gives, and those of the rows that weren't done again.

    Args:
        tables: where the views are.
        query: gives the items of this run's own parts.
        info: the run.
        columns: the columns of an item with their types, in order; a value that doesn't fit the
            type that its field has now is dropped.
    """
    if info.again is None:
        return query
    there = {name.lower() for name in column_names(tables, "former_items")}
    values = (
        f"TRY_CAST({quoted_name(name) if name.lower() in there else 'NULL'} AS {kind}) "
        f"AS {quoted_name(name)}"
        for name, kind in columns.items()
    )
    return f"{query} UNION ALL BY NAME SELECT {', '.join(values)} FROM {_KEPT_ITEMS}"
