"""Lists that are made by the test: Parquet, as other tools write it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb


def parquet(query, options=""):
    """The bytes of a Parquet file of these rows."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        with duckdb.connect(":memory:") as tables:
            tables.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet{options})")
        return path.read_bytes()
