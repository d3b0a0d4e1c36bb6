import duckdb
import pytest

from scraper.tables import execute, open_tables, quoted, quoted_name, scalar

TEXTS = ["", "plain", "it's", "''", 'say "hi"', "a;b--c", "a\nb", "\\", "größe 😀"]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_is_a_literal(text):
    with open_tables() as (tables, _):
        assert tables.execute(f"SELECT {quoted(text)}").fetchone() == (text,)


@pytest.mark.parametrize("text", TEXTS[1:])
def test_any_text_is_a_column(text):
    with open_tables() as (tables, _):
        tables.execute(f"SELECT 1 AS {quoted_name(text)}")
        assert [column[0] for column in tables.description] == [text]


@pytest.mark.parametrize(
    ("query", "number"),
    [("SELECT 7", 7), ("SELECT NULL", 0), ("SELECT sum(x) FROM (SELECT 1 AS x WHERE false)", 0)],
    ids=["number", "null", "empty_sum"],
)
def test_a_scalar_is_a_number(query, number):
    with open_tables() as (tables, _):
        assert scalar(tables, query) == number


def test_the_scratch_folder_goes_with_the_tables():
    with open_tables() as (tables, scratch):
        tables.execute(f"COPY (SELECT 1) TO {quoted(scratch / 'a.parquet')} (FORMAT parquet)")
        assert scratch.is_dir()
    assert not scratch.exists()
    with pytest.raises(duckdb.ConnectionException):
        tables.execute("SELECT 1")


def test_it_goes_when_the_block_fails_too():
    with pytest.raises(RuntimeError), open_tables() as (_, scratch):
        raise RuntimeError
    assert not scratch.exists()


def test_two_databases_share_nothing():
    with open_tables() as (one, _), open_tables() as (two, _):
        one.execute("CREATE TABLE a AS SELECT 1")
        assert scalar(two, "SELECT count(*) FROM duckdb_tables()") == 0


def test_nothing_is_printed_however_long_a_query_takes(capfd):
    with open_tables() as (tables, _):
        found = tables.execute("SELECT current_setting('enable_progress_bar')").fetchone()
        assert found == (False,)
    assert capfd.readouterr().out == ""


def test_memory_is_bounded_and_times_are_utc():
    with open_tables() as (tables, scratch):
        found = tables.execute(
            "SELECT current_setting('memory_limit'), current_setting('TimeZone'), "
            "current_setting('temp_directory'), current_setting('autoinstall_known_extensions')"
        ).fetchone()
        assert found == ("122.0 MiB", "UTC", str(scratch / "spill"), False)


def limit_of(tables):
    return tables.execute("SELECT current_setting('memory_limit')").fetchone()[0]


WIDE = "SELECT list(n) AS wide FROM range(30_000_000) a(n)"
AT_ITS_COMMIT = "SELECT n, list(m) AS wide FROM range(8) a(n), range(2_000_000) b(m) GROUP BY n"


@pytest.mark.parametrize("query", [WIDE, pytest.param(AT_ITS_COMMIT, marks=pytest.mark.long)])
def test_a_query_that_needs_more_memory_gets_more_and_only_that_one(query):
    with open_tables() as (tables, _):
        with pytest.raises(duckdb.Error, match="memory_limit"):
            tables.execute(f"CREATE TABLE a AS {query}")
        execute(tables, f"CREATE TABLE a AS {query}", "CREATE TABLE b AS SELECT 1")
        assert scalar(tables, "SELECT count(*) FROM a") > 0
        assert limit_of(tables) == "122.0 MiB"


def test_more_memory_than_there_may_be_is_told(monkeypatch):
    monkeypatch.setattr("scraper.tables._MOST_MB", 128)
    with open_tables() as (tables, _), pytest.raises(duckdb.OutOfMemoryException):
        execute(tables, f"CREATE TABLE a AS {WIDE}")


def test_any_other_failure_is_told_at_once():
    with open_tables() as (tables, _):
        with pytest.raises(duckdb.CatalogException):
            execute(tables, "SELECT 1", "SELECT * FROM nothing")
        assert limit_of(tables) == "122.0 MiB"


def test_what_is_held_of_a_join_is_its_right_side():
    with open_tables() as (tables, _):
        tables.execute("CREATE TABLE few AS SELECT n FROM range(10) a(n)")
        tables.execute("CREATE TABLE many AS SELECT n FROM range(100_000) a(n)")
        for left, right in (("few", "many"), ("many", "few")):
            query = f"EXPLAIN SELECT * FROM {left} JOIN {right} USING (n)"
            plan = tables.execute(query).fetchall()[0][1]
            assert plan.index(f'"tables".main.{left}') < plan.index(f'"tables".main.{right}')
