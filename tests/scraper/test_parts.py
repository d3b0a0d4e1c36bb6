import gzip
import random
from datetime import UTC, datetime

import pytest

from scraper.models import Reason
from scraper.parts import PartWriter, packed, read_part
from scraper.store import Store

KEY = "run/items.jsonl.gz"


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def put(store, lines):
    with PartWriter() as part:
        for line in lines:
            part.write(packed(line))
        part.put(store, KEY)
        return part.lines


LINES = {
    "nothing": ({}, {}),
    "values": ({"a": 1, "b": None, "c": [1.5, True]}, {"a": 1, "b": None, "c": [1.5, True]}),
    "line_ends": ({"a": "1\n2\r\n3\u2028\u0085"}, {"a": "1\n2\r\n3\u2028\u0085"}),
    "not_ascii": ({"größe": "\U0001f600\0"}, {"größe": "\U0001f600\0"}),
    "time": ({"at": datetime(2026, 1, 2, tzinfo=UTC)}, {"at": "2026-01-02T00:00:00Z"}),
    "reason": ({"reason": Reason.HTTP_429}, {"reason": "http_429"}),
}


@pytest.mark.parametrize(("line", "expected"), LINES.values(), ids=LINES.keys())
def test_lines_are_read_back(store, line, expected):
    assert put(store, [line, line]) == 2
    assert list(read_part(store, KEY)) == [expected, expected]


def test_a_part_is_gzipped_json_lines(store):
    put(store, [{"a": 1}, {"a": 2}])
    assert gzip.decompress(store.get(KEY)) == b'{"a":1}\n{"a":2}\n'


def test_equal_lines_make_equal_bytes(store):
    put(store, [{"a": 1}])
    first = store.get(KEY)
    put(store, [{"a": 1}])
    assert store.get(KEY) == first


def test_a_part_without_lines_is_no_value(store):
    assert put(store, []) == 0
    assert store.list("") == []
    assert list(read_part(store, KEY)) == []


def test_a_part_without_lines_takes_a_former_one_away(store):
    put(store, [{"a": 1}])
    put(store, [])
    assert store.list("") == []


def test_nothing_is_there_before_put(store):
    with PartWriter() as part:
        part.write(packed({"a": 1}))
    assert store.list("") == []


def test_a_part_larger_than_memory_is_put_whole(store):
    # Random letters: gzip makes little of them, so that the spool goes to disk.
    letters = random.Random(1).randbytes(1_500_000).hex()
    lines = [{"n": n, "text": letters[n:] + letters[:n]} for n in range(8)]
    assert put(store, lines) == 8
    assert len(store.get(KEY)) > 8_388_608
    assert list(read_part(store, KEY)) == lines


def test_an_object_store_takes_parts_too():
    store = Store("memory://")
    put(store, [{"a": 1}])
    assert list(read_part(store, KEY)) == [{"a": 1}]
