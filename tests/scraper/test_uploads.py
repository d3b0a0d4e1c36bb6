"""Lists of another machine: put into a run there, read from it here."""

import gzip
import io
import json
import os
from dataclasses import replace

import pytest

from scraper.asked import Asked
from scraper.errors import ConfigError
from scraper.plan.lists import Inputs, Lists
from scraper.store import Store
from scraper.takeup import Taker, begin_run, go_on_with
from scraper.uploads import lists_here, upload_keys, upload_lists, upload_stdin
from tests.scraper.batches import store_in

RUN = "shop/r1"
CONTACT = "http.contact=me@example.org"


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


@pytest.fixture
def elsewhere(tmp_path):
    """A folder of the machine that asks for a run; the one that runs it hasn't got it."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def gone(folder):
    folder.rename(folder.with_name("gone"))


def uploaded(store, asked, *, run=RUN, stdin=b""):
    """What a run elsewhere is asked to do, once its lists are in the store."""
    kept = asked.as_kept("shop")
    return replace(kept, uploads=upload_lists(store, run, kept.spec(), io.BytesIO(stdin)))


def begin(store, asked, **taker):
    taken = begin_run(asked, asked.spec(), store=store, run_id="r1", taker=Taker(**taker))
    taken.lease.release()
    return taken.info


def test_a_list_from_stdin_is_copied_though_it_cannot_be_read_twice(store):
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream:
        stream.write(b"http://a.org/\n" * 1000)
    with os.fdopen(reader, "rb") as stream:
        uploads = upload_stdin(store, RUN, stream)
    (key,) = upload_keys(RUN, uploads)
    assert store.get(key) == b"http://a.org/\n" * 1000


def test_a_list_of_another_machine_is_planned_from_its_copy(store, elsewhere):
    path = elsewhere / "shop.csv.gz"
    path.write_bytes(gzip.compress(b"link,shelf\nhttp://a.org/1,x\nhttp://a.org/2,y\n"))
    asked = uploaded(store, Asked(seeds=str(path), url_column="link", settings=(CONTACT,)))
    gone(elsewhere)
    info = begin(store, asked)
    assert (info.rows, info.columns) == (2, {"shelf": "VARCHAR"})
    assert gzip.decompress(store.get("shop/r1/list.csv.gz")).startswith(b"link,shelf")
    assert not any("uploads" in key for key in store.list(RUN))


def test_all_lists_of_a_crawl_file_are_taken_along_each_once(store, elsewhere):
    (elsewhere / "one.txt").write_text("http://a.org/1\n")
    (elsewhere / "two.data").write_text('{"link": "http://a.org/2"}\n')
    seeds = [
        "http://a.org/0",
        "one.txt",
        {"list": "two.data", "format": "jsonl", "url_column": "link"},
        "one.txt",
    ]
    rows = ", ".join(
        json.dumps(seed)
        if isinstance(seed, str)
        else "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in seed.items()) + "}"
        for seed in seeds
    )
    (elsewhere / "shop.toml").write_text(f"seeds = [{rows}]\n")
    asked = uploaded(store, Asked(seeds=str(elsewhere / "shop.toml"), settings=(CONTACT,)))
    assert len(asked.uploads) == 2
    gone(elsewhere)
    info = begin(store, asked)
    assert (info.rows, info.duplicates) == (4, 1)
    assert store.get("shop/r1/list-3.jsonl") == b'{"link": "http://a.org/2"}\n'


def test_a_list_from_stdin_is_read_where_it_was_given_not_where_the_run_is(store):
    asked = Asked(seeds="-", crawl="shop", settings=(CONTACT,))
    asked = uploaded(store, asked, stdin=b"http://a.org/1\n")
    assert begin(store, asked, stdin=io.BytesIO(b"")).rows == 1


def test_what_is_wrong_with_a_list_is_told_by_the_name_that_it_was_given(store, elsewhere):
    path = elsewhere / "shop.csv"
    path.write_text("name,price\nx,1\n")
    asked = uploaded(store, Asked(seeds=str(path), settings=(CONTACT,)))
    gone(elsewhere)
    with pytest.raises(ConfigError, match=rf"^{path}: "):
        begin(store, asked)
    assert store.list(RUN) == []


def test_a_list_that_is_not_there_is_told_before_anything_is_written(store, elsewhere):
    with pytest.raises(ConfigError, match=r"none\.txt: can't be opened: No such file"):
        uploaded(store, Asked(seeds=str(elsewhere / "none.txt"), settings=(CONTACT,)))
    assert store.list(RUN) == []


def test_another_attempt_of_a_planned_run_needs_the_copies_no_more(store, elsewhere):
    path = elsewhere / "shop.txt"
    path.write_text("http://a.org/1\n")
    asked = uploaded(store, Asked(seeds=str(path), settings=(CONTACT,)))
    gone(elsewhere)
    digest = begin(store, asked).list_sha256
    assert begin(store, asked).list_sha256 == digest


def test_another_list_under_the_same_run_id_is_refused(store, elsewhere):
    path = elsewhere / "shop.txt"
    path.write_text("http://a.org/1\n")
    begin(store, uploaded(store, Asked(seeds=str(path), settings=(CONTACT,))))
    path.write_text("http://a.org/2\n")
    again = uploaded(store, Asked(seeds=str(path), settings=(CONTACT,)))
    gone(elsewhere)
    with pytest.raises(ConfigError, match="other rows in its list"):
        begin(store, again)


def test_a_life_that_died_while_it_planned_leaves_the_copies_for_the_next(
    store, elsewhere, monkeypatch
):
    class Killed(BaseException):
        pass

    def killed(*_args, **_more):
        raise Killed

    path = elsewhere / "shop.txt"
    path.write_text("http://a.org/1\n")
    asked = uploaded(store, Asked(seeds=str(path), settings=(CONTACT,)))
    gone(elsewhere)
    with pytest.raises(Killed):
        begin(store, asked, prepare=killed)
    taken = go_on_with(RUN, store=store, taker=Taker())
    taken.lease.release()
    assert taken.info.rows == 1


def test_the_copy_and_the_list_give_the_same_rows(store, elsewhere, tmp_path):
    path = elsewhere / "shop.txt"
    path.write_text("http://a.org/1\tshelf=x\n# none\nnonsense\n")
    asked = uploaded(store, Asked(seeds=str(path), settings=(CONTACT,)))
    spec = asked.spec()
    here = lists_here(spec, asked.uploads, store=store, run=RUN, scratch=tmp_path)

    def rows(of):
        with Lists(of, tmp_path, Inputs()) as lists:
            return list(lists.rows())

    assert rows(here) == rows(spec)
