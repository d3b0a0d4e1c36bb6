import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scraper.errors import StoreError
from scraper.store import Store

LARGE = bytes(range(256)) * 65_536
"""16 MiB: an object store takes it in several parts."""


@pytest.fixture(params=["folder", "folder_like_a_pattern", "memory"])
def store(request, tmp_path):
    urls = {
        "folder": str(tmp_path / "a/b"),
        "folder_like_a_pattern": str(tmp_path / "a[1]*?"),
        "memory": "memory://",
    }
    return Store(urls[request.param])


@pytest.fixture
def folder(tmp_path):
    return Store(str(tmp_path / "store"))


def test_a_value_is_read_back(store):
    store.put("run/a.json", b"one")
    assert store.get("run/a.json") == b"one"
    assert list(store.stream("run/a.json")) == [b"one"]


def test_a_put_replaces_a_value(store):
    store.put("a", b"a longer one")
    store.put("a", b"short")
    assert store.get("a") == b"short"


def test_an_empty_value_is_a_value(store):
    store.put("a", b"")
    assert (store.get("a"), store.list("")) == (b"", ["a"])


def test_a_missing_value_is_none(store, tmp_path):
    store.put("run/a", b"one")
    assert store.get("run/b") is None
    assert list(store.stream("run/b")) == []
    assert store.local_file("run/b", tmp_path) is None


def test_a_folder_is_no_value(store, tmp_path):
    store.put("run/a", b"one")
    assert (store.get("run"), store.local_file("run", tmp_path)) == (None, None)


def test_a_value_is_made_once(store):
    assert store.create("run/a", b"one")
    assert not store.create("run/a", b"two")
    assert store.get("run/a") == b"one"


def test_of_many_that_make_a_value_one_does(store):
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda n: store.create("lives/0", b"%d" % n), range(40)))
    assert made.count(True) == 1
    assert store.get("lives/0") == b"%d" % made.index(True)


def test_keys_are_listed_by_whole_segments_and_sorted(store):
    for key in ("r/b/2", "r/b/10", "r/a", "r2/a", "a"):
        store.put(key, b"")
    assert store.list("") == ["a", "r/a", "r/b/10", "r/b/2", "r2/a"]
    assert store.list("r") == ["r/a", "r/b/10", "r/b/2"]
    assert store.list("r/b") == store.list("r/b/") == ["r/b/10", "r/b/2"]
    assert store.list("none") == []


def test_values_are_removed_and_missing_ones_are_no_error(store):
    store.put("r/a", b"")
    store.put("r/b", b"")
    store.delete("r/none", "r/a", "none/none")
    assert store.list("") == ["r/b"]


def test_a_piece_is_read(store):
    store.put("a", b"0123456789")
    assert store.get_range("a", 3, 4) == b"3456"
    assert store.get_range("a", 0, 10) == b"0123456789"


@pytest.mark.parametrize(("key", "start"), [("a", 4), ("a", 3), ("missing", 0)])
def test_a_piece_that_is_not_there_whole_is_an_error(store, key, start):
    store.put("a", b"0123")
    with pytest.raises(StoreError, match=f"^store: {key}: "):
        store.get_range(key, start, 2)


def test_large_values_go_in_and_out_in_pieces(store, tmp_path):
    store.put("stream", io.BytesIO(LARGE))
    path = tmp_path / "large"
    path.write_bytes(LARGE)
    store.put_file("file", path)
    for key in ("stream", "file"):
        assert b"".join(store.stream(key)) == LARGE
        local = store.local_file(key, tmp_path)
        assert local is not None
        assert local.read_bytes() == LARGE


def test_local_files_have_names_of_their_own(store, tmp_path):
    for key in ("r/1/seeds.parquet", "r/2/seeds.parquet"):
        store.put(key, key.encode())
    paths = [store.local_file(f"r/{n}/seeds.parquet", tmp_path) for n in (1, 2)]
    assert [path.read_bytes() for path in paths if path] == [
        b"r/1/seeds.parquet",
        b"r/2/seeds.parquet",
    ]


@pytest.mark.parametrize("key", ["a//b", "../a", "a/../b", "./a"])
def test_a_key_that_leads_elsewhere_is_an_error(store, key):
    for act in (store.get, lambda key: store.put(key, b""), lambda key: store.create(key, b"")):
        with pytest.raises(StoreError, match=r"^store: "):
            act(key)


def test_a_store_that_takes_values_is_writable_and_left_empty(store):
    store.check_writable()
    assert store.list("") == []


def test_a_file_that_is_missing_cannot_be_put(store, tmp_path):
    with pytest.raises(StoreError, match=r"^store: a: .*No such file"):
        store.put_file("a", tmp_path / "missing")
    assert store.list("") == []


def test_a_folder_appends(folder):
    assert folder.can_append
    folder.put("r/b/rows", b"")
    folder.append("r/b/pages", b"one", at=0)
    folder.append("r/b/pages", b"two", at=3)
    assert (folder.get("r/b/pages"), folder.list("r")) == (b"onetwo", ["r/b/pages", "r/b/rows"])


@pytest.mark.parametrize("at", [0, 2, 4])
def test_an_end_that_is_elsewhere_is_not_written_to(folder, at):
    folder.append("a", b"one", at=0)
    with pytest.raises(StoreError, match=f"^store: a: it has 3 bytes and should have {at}"):
        folder.append("a", b"two", at=at)
    assert folder.get("a") == b"one"


def test_nothing_is_appended_in_a_folder_that_is_gone(folder):
    with pytest.raises(StoreError, match=r"^store: r/a: .*No such file"):
        folder.append("r/a", b"one", at=0)
    assert folder.list("") == []


@pytest.mark.parametrize("act", ["put", "create", "append", "put_file"])
def test_a_store_that_was_removed_is_not_made_again(folder, tmp_path, act):
    (tmp_path / "store").rmdir()
    with pytest.raises(StoreError, match=r"^store: a: "):
        BLOCKED[act](folder, "a")
    assert not (tmp_path / "store").exists()


def test_a_head_is_size_and_age(store):
    assert store.head("a") is None
    store.put("a", b"one")
    first = store.head("a")
    store.put("a", b"")
    second = store.head("a")
    assert (first.size, second.size) == (3, 0)
    assert first.modified_at <= second.modified_at


def test_the_last_value_of_a_folder_takes_the_folder_with_it(folder, tmp_path):
    folder.put("r/b/a", b"")
    folder.delete("r/b/a")
    assert list((tmp_path / "store").iterdir()) == []


def test_an_object_store_cannot_append():
    store = Store("memory://")
    assert not store.can_append
    with pytest.raises(StoreError, match="an object store can't append"):
        store.append("a", b"", at=0)


def test_the_local_file_of_a_folder_is_its_own(folder, tmp_path):
    folder.put("r/a", b"")
    assert folder.local_file("r/a", tmp_path / "scratch") == tmp_path / "store/r/a"


BLOCKED = {
    "put": lambda store, key: store.put(key, b""),
    "create": lambda store, key: store.create(key, b""),
    "append": lambda store, key: store.append(key, b"", at=0),
    "get": lambda store, key: store.get(key),
    "stream": lambda store, key: list(store.stream(key)),
    "delete": lambda store, key: store.delete(key),
    "put_file": lambda store, key: store.put_file(key, Path(__file__)),
}


@pytest.mark.parametrize("act", BLOCKED.values(), ids=BLOCKED.keys())
def test_a_key_below_a_value_is_an_error_that_names_it(folder, act):
    folder.put("a", b"one")
    with pytest.raises(StoreError, match=r"^store: a/b: "):
        act(folder, "a/b")
    assert folder.get("a") == b"one"


@pytest.mark.parametrize("act", ["put", "append", "delete"])
def test_a_key_that_is_a_folder_is_an_error_that_names_it(folder, act):
    folder.put("a/b", b"one")
    with pytest.raises(StoreError, match=r"^store: a: "):
        BLOCKED[act](folder, "a")
    assert folder.list("") == ["a/b"]


def test_a_store_below_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=f"^store: {tmp_path}/file/store: "):
        Store(str(tmp_path / "file/store"))


def test_a_store_that_is_gone_is_an_error(folder, tmp_path):
    (tmp_path / "store").rmdir()
    (tmp_path / "store").write_bytes(b"")
    with pytest.raises(StoreError, match=r"^store: \.writable: "):
        folder.check_writable()


@pytest.mark.parametrize("url", ["nonsense://a/b", "s3://"])
def test_an_unknown_url_is_an_error(url):
    with pytest.raises(StoreError, match=f"^store: {url}: "):
        Store(url)


def test_a_relative_folder_stays_where_it_was_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store("crawls")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.put("a", b"one")
    store.append("b", b"two", at=0)
    assert sorted(path.name for path in (tmp_path / "crawls").iterdir()) == ["a", "b"]
    assert store.address("a") == "crawls/a"


def test_what_is_being_written_is_not_listed(folder, tmp_path):
    (tmp_path / "store/r").mkdir()
    (tmp_path / "store/r/a#1").write_bytes(b"torn")
    folder.put("r/a", b"one")
    assert folder.list("r") == ["r/a"]


def test_folders_are_those_right_below(store):
    for key in ("shop/r1/run.json", "shop/r1/batches/1/a", "shop/r2/run.json", "shop/latest.json"):
        store.put(key, b"x")
    assert store.folders() == ["shop"]
    assert store.folders("shop") == ["r1", "r2"]
    assert (store.folders("shop/r2"), store.folders("nowhere")) == ([], [])


def test_what_killed_writes_left_is_swept(folder, tmp_path):
    for name in ("a#1", "a#12", "b/c#3", "d#e", "#1"):
        path = tmp_path / "store/r" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    folder.put("r/a", b"one")
    (tmp_path / "store/other#1").write_bytes(b"")
    folder.sweep("r")
    left = sorted(p.name for p in (tmp_path / "store").rglob("*") if p.is_file())
    assert left == ["#1", "a", "d#e", "other#1"]


def test_there_is_nothing_to_sweep_in_an_object_store_or_a_folder_that_is_gone(folder):
    Store("memory://").sweep("r")
    folder.sweep("gone")
