import gzip
import re

import duckdb
import pytest

from scraper.errors import ConfigError, StoreError
from scraper.layout import INVALID_BATCH, batch_key, run_key
from scraper.plan.prepare import prepare
from scraper.plan.waves import next_wave
from scraper.run import load_run
from scraper.store import Store
from tests.scraper.plan.lists import AT, RUN_ID, columns_of, plan, plan_rows, spec_of

A, B, C = "http://a.example/", "http://b.example/", "http://c.example/"
LOOPBACK = "http://127.0.0.1:8000/"


def write(folder, name, data):
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows_of(planned):
    return [(seed.row, seed.url) for seed in planned.seeds()]


DUPLICATES = {
    "equal": ([A, A], 1),
    "fragment": ([A, A + "#x", A + "#y"], 2),
    "normal_form": ([A, "HTTP://A.example:80", "http://a.example/x/.."], 2),
    "space_around": ([A, f"  {A}\t"], 1),
    "query_order": ([A + "?a=1&b=2", A + "?b=2&a=1"], 0),
    "tracking": ([A + "?utm_source=x", A], 0),
    "scheme": ([A, A.replace("http:", "https:")], 0),
    "port": ([A, "http://a.example:8080/"], 0),
    "slash": ([A + "x", A + "x/"], 0),
    "case_of_the_path": ([A + "x", A + "X"], 0),
    "invalid_ones_are_outcomes_each": (["nonsense", "nonsense"], 0),
}
WIDER = {"query_order": 1, "tracking": 1}


@pytest.mark.parametrize("canonical", [False, True], ids=["usual", "canonical"])
@pytest.mark.parametrize("name", DUPLICATES)
def test_duplicates_are_dropped_and_counted(tmp_path, name, canonical):
    urls, duplicates = DUPLICATES[name]
    duplicates = WIDER.get(name, duplicates) if canonical else duplicates
    info = plan_rows(tmp_path, urls, f"plan.canonical={canonical}".lower()).info
    assert (info.rows, info.duplicates) == (len(urls), duplicates)


def test_of_duplicates_the_first_rows_columns_win(tmp_path):
    rows = [{"url": A + "#1", "n": 1}, {"url": B, "n": 2}, {"url": A + "#2", "n": 3, "m": "x"}]
    planned = plan_rows(tmp_path, rows)
    assert rows_of(planned) == [(1, A + "#1"), (2, B)]
    assert columns_of(planned) == [{"n": 1, "m": None}, {"n": 2, "m": None}]


def test_a_canonical_key_is_never_fetched(tmp_path):
    planned = plan_rows(tmp_path, [A + "?b=1&utm_id=2&a=3"], "plan.canonical=true")
    assert planned.seeds()[0].fetch_url == A + "?b=1&utm_id=2&a=3"


def test_duplicates_are_found_over_all_lists_in_their_order(tmp_path):
    first = write(tmp_path, "1.csv", f"url,n\n{A},1\n{B},2\n")
    second = write(tmp_path, "2.txt", f"{B}\tn=3\n{C}\tn=4\n")
    planned = plan(tmp_path, spec_of([{"url": A, "n": "0"}], first, second))
    assert (planned.info.rows, planned.info.duplicates) == (5, 2)
    assert rows_of(planned) == [(1, A), (3, B), (5, C)]
    assert [columns["n"] for columns in columns_of(planned)] == ["0", "2", "4"]


def test_invalid_rows_are_outcomes_and_no_seeds(tmp_path):
    data = f'{{"url": "{A}", "n": 1}}\n{{"url": "ftp://x/", "n": 2}}\n{{"n": 3}}\n{{"url": \n'
    planned = plan(tmp_path, spec_of(write(tmp_path, "shop.jsonl", data)))
    assert planned.invalid() == [
        (2, "ftp://x/", "invalid_url"),
        (3, '{"n": 3}', "invalid_url"),
        (4, '{"url":', "invalid_url"),
    ]
    assert rows_of(planned) == [(1, A)]
    assert (planned.info.rows, planned.info.duplicates) == (4, 0)


def test_invalid_rows_keep_their_columns(tmp_path):
    planned = plan_rows(tmp_path, [{"url": A, "n": 1}, {"url": "nonsense", "n": 2}])
    path = tmp_path / "store" / batch_key(planned.info.run, INVALID_BATCH, "seeds.parquet")
    found = duckdb.sql(f"SELECT row, url, seed.n FROM '{path}'").fetchall()
    assert found == [(2, "nonsense", 2)]


def test_a_list_of_nothing_but_invalid_rows_is_a_plan_without_batches(tmp_path):
    planned = plan_rows(tmp_path, ["nonsense", "mailto:me@a.example", "http://"])
    assert [row for row, _, _ in planned.invalid()] == [1, 2, 3]
    assert (planned.wave().batches, list(planned.wave().partitions())) == ((), [])
    assert next_wave(planned.info, planned.store, planned.wave()) is None
    assert load_run(planned.store, planned.info.run) is not None


def test_without_invalid_rows_there_are_no_outcomes_yet(tmp_path):
    assert plan_rows(tmp_path, [A]).invalid() == []


LONG = "x" * 10_000_000
LONG_LINES = {
    "txt": f"{A}\n{A}{LONG}\n{B}\n",
    "csv": f"url,n\n{A},1\n{A}{LONG},2\n{B},3\n",
    "jsonl": f'{{"url":"{A}"}}\n{{"url":"{A}{LONG}"}}\n{{"url":"{B}"}}\n',
}


@pytest.mark.parametrize("kind", LONG_LINES)
def test_a_line_of_10_mb_costs_one_outcome(tmp_path, kind):
    planned = plan(tmp_path, spec_of(write(tmp_path, f"shop.{kind}", LONG_LINES[kind])))
    assert rows_of(planned) == [(1, A), (3, B)]
    [(row, text, reason)] = planned.invalid()
    assert (row, reason) == (2, "invalid_url")
    assert 100 < len(str(text)) <= 2048


def test_the_text_of_an_invalid_row_is_cut_at_2_kb(tmp_path):
    [(_, text, _)] = plan_rows(tmp_path, ["ü" * 5000]).invalid()
    assert text == "ü" * 1024


def test_a_url_that_is_long_is_kept_whole(tmp_path):
    assert plan_rows(tmp_path, [A + "x" * 50_000]).seeds()[0].url == A + "x" * 50_000


CONTACTS = {
    "public": ([A], [], "a.example"),
    "public_address": (["http://93.184.216.34/"], [], "93.184.216.34"),
    "one_of_many": ([LOOPBACK, "http://192.0.2.1/", A], ["network.allow=127.0.0.0/8"], "a.example"),
    "loopback_let_through": ([LOOPBACK, "http://localhost/"], ["network.allow=127.0.0.0/8"], None),
    "loopback_that_will_be_blocked": ([LOOPBACK], [], None),
    "host_let_through": (["http://www.a.example/"], ["network.allow=a.example"], None),
    "an_invalid_row": (["nonsense", LOOPBACK], [], None),
    "contact": ([A], ["http.contact=me@a.example"], None),
}


@pytest.mark.parametrize(("urls", "flags", "told"), CONTACTS.values(), ids=CONTACTS.keys())
def test_without_a_contact_no_public_host_is_asked(tmp_path, urls, flags, told):
    spec = spec_of(urls, flags=["http.contact=none", *flags])
    if told is None:
        assert plan(tmp_path, spec).info.rows == len(urls)
        return
    with pytest.raises(ConfigError, match=rf"^http\.contact is not set, and {re.escape(told)} is"):
        plan(tmp_path, spec)
    assert Store(str(tmp_path / "store")).list("") == []


WRONG = {
    "empty": ("shop.txt", "", "the list is empty"),
    "comments_only": ("shop.txt", "# nothing\n\n", "the list is empty"),
    "no_url_column": ("shop.csv", "link\nx\n", "line 1: no column 'url', only link"),
    "picture": ("shop.txt", b"\x89PNG\r\n\x1a\n", "is no list: binary (PNG)"),
    "page": ("shop.txt", "<!doctype html><p>x", "is no list: HTML"),
    "torn_gzip": ("shop.txt.gz", gzip.compress(A.encode() * 99)[:-9], "can't be read"),
    "missing": (None, None, "can't be opened: No such file or directory"),
}


@pytest.mark.parametrize(("name", "data", "message"), WRONG.values(), ids=WRONG.keys())
def test_nothing_is_written_when_a_list_is_wrong(tmp_path, name, data, message):
    right = write(tmp_path, "right.txt", f"{A}\nnonsense\n")
    wrong = write(tmp_path, name, data) if name else tmp_path / "missing.txt"
    with pytest.raises(ConfigError, match=re.escape(message)) as error:
        plan(tmp_path, spec_of(right, wrong))
    assert str(error.value).startswith(f"{wrong}: ")
    assert Store(str(tmp_path / "store")).list("") == []


def test_the_url_column_may_bear_another_name(tmp_path):
    path = write(tmp_path, "shop.csv", f"Link,url\n{A},x\n")
    planned = plan(tmp_path, spec_of(path, url_column="link"))
    assert columns_of(planned) == [{"seed_url": "x"}]


def test_the_digest_is_that_of_the_rows(tmp_path):
    lists = ([A, B], [A, B], [B, A], [A, {"url": B, "n": 1}])
    digests = [plan_rows(tmp_path / str(n), rows).info.list_sha256 for n, rows in enumerate(lists)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_run_json_is_written_last(tmp_path, monkeypatch):
    written = []
    put = Store.put
    monkeypatch.setattr(Store, "put", lambda s, key, data: (written.append(key), put(s, key, data)))
    planned = plan_rows(tmp_path, [A, "nonsense"])
    wave, run = run_key(planned.info.run, "waves/1.json"), run_key(planned.info.run, "run.json")
    assert written[-2:] == [wave, run]
    loaded = load_run(planned.store, planned.info.run)
    assert loaded is not None
    assert (loaded.rows, loaded.batch_size, loaded.columns) == (2, 1000, {})


def test_a_store_that_fails_half_way_leaves_no_planned_run(tmp_path):
    store = Store(str(tmp_path / "store"))
    store.put(f"shop/{RUN_ID}/waves", b"a value where a folder should be")
    with pytest.raises(StoreError, match=r"^store: shop/.*/waves/1\.json: "):
        prepare(spec_of([A]), store, RUN_ID, at=AT)
    assert load_run(store, f"shop/{RUN_ID}") is None


def test_a_plan_that_was_broken_off_is_made_anew(tmp_path):
    planned = plan_rows(tmp_path / "whole", [A, B, "nonsense"], "batch.size=1")
    torn = Store(str(tmp_path / "torn/store"))
    torn.put(batch_key(planned.info.run, "1-0001-00001", "seeds.parquet"), b"torn")
    again = plan_rows(tmp_path / "torn", [A, B, "nonsense"], "batch.size=1")
    assert again.values() == planned.values()
