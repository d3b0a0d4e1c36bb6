import duckdb
import orjson
import pytest

from scraper.errors import StoreError
from scraper.plan.past import LastRun, load_past
from scraper.store import Store
from scraper.tables import open_tables

OUTCOMES = """
SELECT * FROM (VALUES
    ('a.example', 0.5, 1, 1000), ('a.example', 1.5, 1, 3000), ('b.example', 4.0, 2, NULL),
    ('c.example', NULL, 0, NULL), ('d.example', 9.0, 0, NULL), (NULL, NULL, 0, NULL)
) AS t(host, elapsed_s, attempts, bytes)
"""


def publish(folder, query=OUTCOMES, latest=None):
    """What is left of a published run, as far as it tells of the next one."""
    run = folder / "shop" / "r1"
    run.mkdir(parents=True)
    duckdb.sql(f"COPY ({query}) TO '{run / 'outcomes.parquet'}' (FORMAT parquet)")
    text = orjson.dumps(latest if latest is not None else {"run_id": "r1"})
    (folder / "shop" / "latest.json").write_bytes(text)
    return Store(str(folder))


def past(store, crawl="shop"):
    with open_tables() as (tables, scratch):
        last = load_past(tables, scratch, store=store, crawl=crawl)
        hosts = tables.execute("SELECT * FROM past ORDER BY host").fetchall()
    return last, hosts


def test_the_last_run_tells_how_fast_hosts_were_and_how_large_their_pages(tmp_path):
    assert past(publish(tmp_path)) == (
        LastRun(run="shop/r1", rows=6, mean_bytes=2000.0),
        [("a.example", 1.0), ("b.example", 4.0)],
    )


def test_a_run_without_pages_tells_no_bytes(tmp_path):
    query = f"SELECT * REPLACE (NULL::INT AS bytes) FROM ({OUTCOMES})"
    assert past(publish(tmp_path, query))[0] == LastRun(run="shop/r1", rows=6, mean_bytes=None)


def test_without_a_published_run_nothing_is_known(tmp_path):
    publish(tmp_path)
    assert past(None) == (None, [])
    assert past(Store(str(tmp_path)), crawl="other") == (None, [])


def test_a_run_that_was_removed_is_none(tmp_path):
    assert past(publish(tmp_path, latest={"run_id": "gone"})) == (None, [])


def test_nothing_is_written(tmp_path):
    store = publish(tmp_path)
    before = store.list("")
    past(store)
    assert store.list("") == before


@pytest.mark.parametrize("latest", [{}, [], {"run": "x"}], ids=str)
def test_a_broken_latest_is_told(tmp_path, latest):
    with pytest.raises(StoreError, match=r"shop/latest\.json: can't be read"):
        past(publish(tmp_path, latest=latest))


@pytest.mark.parametrize("query", ["SELECT 1 AS host", "SELECT 'x' AS elapsed_s, 1 AS host"])
def test_a_run_of_another_version_is_told(tmp_path, query):
    with pytest.raises(StoreError, match=r"outcomes\.parquet: can't be read: "):
        past(publish(tmp_path, query))
