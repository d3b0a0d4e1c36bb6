import gzip
import io
import os

import orjson
import pytest

from scraper.errors import ConfigError
from tests.scraper.plan.lists import plan, plan_rows, spec_of

A, B, C = "http://a.example/", "http://b.example/", "http://c.example/"


def write(folder, name, data):
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows_of(planned):
    return [(seed.row, seed.url) for seed in planned.seeds()]


def snapshots(planned):
    return {
        key.rpartition("/")[2]: planned.store.get(key)
        for key in planned.store.list(planned.info.run)
        if "/list" in key
    }


@pytest.mark.parametrize(
    ("name", "kept"),
    [("shop.txt", "list.txt"), ("my.shop.CSV.GZ", "list.CSV.GZ"), ("shop", "list.csv")],
    ids=["plain", "gzip", "without_suffix"],
)
def test_the_list_is_kept_as_it_was(tmp_path, name, kept):
    data = f"url,n\n{A},1\n".encode()
    data = gzip.compress(data) if name.endswith("GZ") else data
    planned = plan(tmp_path, spec_of(write(tmp_path, name, data)))
    assert snapshots(planned) == {kept: data}


def test_a_list_from_stdin_is_read_once_and_kept(tmp_path):
    data = gzip.compress(f"{A}\n{A}\n{B}\n".encode())
    planned = plan(tmp_path, spec_of("-"), stdin=io.BytesIO(data))
    assert (rows_of(planned), snapshots(planned)) == ([(1, A), (3, B)], {"list.txt.gz": data})


def test_rows_of_the_crawl_file_are_kept_as_a_list(tmp_path):
    planned = plan_rows(tmp_path / "a", [A, {"url": B, "n": [1], "N": 2}])
    [(name, data)] = snapshots(planned).items()
    assert (name, [orjson.loads(line) for line in data.splitlines()]) == (
        "list.jsonl",
        [A, {"url": B, "n": [1], "N": 2}],
    )
    again = plan(tmp_path / "b", spec_of(write(tmp_path, name, data)))
    assert again.parts() == planned.parts()
    assert again.info.list_sha256 == planned.info.list_sha256


def test_several_lists_are_kept_by_their_place(tmp_path):
    first, second = write(tmp_path, "b.txt", A), write(tmp_path, "a.csv.gz", f"url\n{B}\n")
    planned = plan(tmp_path, spec_of(first, [C], second))
    assert snapshots(planned) == {
        "list-1.txt": A.encode(),
        "list-2.jsonl": f'"{C}"\n'.encode(),
        "list-3.csv.gz": f"url\n{B}\n".encode(),
    }


def test_a_named_pipe_is_refused_rather_than_read_twice(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="is a pipe: give it to stdin"):
        plan(tmp_path, spec_of(tmp_path / "pipe"))
