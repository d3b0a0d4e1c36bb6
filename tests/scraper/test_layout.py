import pytest

from scraper.layout import (
    INVALID_BATCH,
    archive_key,
    archive_numbers,
    archive_parts,
    batch_id,
    batch_key,
    crawl_key,
    hosts_key,
    is_archive,
    partition_of,
    run_key,
    wave_key,
    wave_of,
)

KEYS = {
    "crawl": (crawl_key("shop", "latest.json"), "shop/latest.json"),
    "run": (run_key("shop/r1", "run.json"), "shop/r1/run.json"),
    "wave": (wave_key("shop/r1", 2), "shop/r1/waves/2.json"),
    "partition": (hosts_key("shop/r1", "1-0003"), "shop/r1/hosts/1-0003.jsonl.gz"),
    "file": (
        batch_key("shop/r1", "1-0003-00002", "seeds.parquet"),
        "shop/r1/batches/1-0003-00002/seeds.parquet",
    ),
    "part": (archive_key("r/b", 3), "r/b/archive-00003.warc.gz"),
    "parts": (archive_key("r/b", 1, 12), "r/b/archive-00001-00012.warc.gz"),
    "folder": (batch_key("shop/r1", "1-0003-00002"), "shop/r1/batches/1-0003-00002"),
}


@pytest.mark.parametrize(("key", "expected"), KEYS.values(), ids=KEYS.keys())
def test_keys_stand_where_the_readme_says(key, expected):
    assert key == expected


@pytest.mark.parametrize("wave", [1, 2, 11])
def test_a_batch_id_tells_its_wave_and_partition(wave):
    batch = batch_id(wave, 3, 12)
    assert (wave_of(batch), partition_of(batch)) == (wave, f"{wave}-0003")
    assert partition_of(batch) != partition_of(batch_id(wave, 4, 12))
    assert partition_of(batch) == partition_of(batch_id(wave, 3, 13))


def test_ids_of_a_wave_sort_in_the_order_of_work():
    ids = [batch_id(1, part, n) for part in (1, 2, 10, 9999) for n in (1, 9, 10, 99_999)]
    assert sorted(ids) == ids


def test_the_hosts_of_a_wave_are_no_partitions():
    assert hosts_key("r", "2") not in {hosts_key("r", partition_of(batch_id(2, 1, 1)))}


def test_no_planned_batch_is_that_of_the_invalid_rows():
    assert wave_of(INVALID_BATCH) == 0
    assert batch_id(1, 1, 1) > INVALID_BATCH
    assert len(INVALID_BATCH) == len(batch_id(1, 1, 1))


def parts(*numbers):
    return [archive_key("r/b", *((n,) if isinstance(n, int) else n)) for n in numbers]


COUNTED = {
    "none": ((), ()),
    "one": ((1,), ()),
    "in_order": ((1, 2, 10), ()),
    "one_of_all": (((1, 3),), ()),
    "not_yet_deleted": (((1, 3),), (1, 2, 3)),
    "deleted_in_part": (((1, 3),), (3,)),
    "goes_on_after": (((1, 3), 4, 5), (2,)),
    "covered_twice": (((1, 5),), ((1, 3), 2, 4, 5)),
    "not_from_the_first": ((1, (2, 4), 5), (3,)),
    "very_many": ((99_999, 100_000), ()),
}


@pytest.mark.parametrize(("counted", "covered"), COUNTED.values(), ids=COUNTED.keys())
def test_parts_that_another_one_covers_do_not_count(counted, covered):
    keys = ["r/b/seeds.parquet", *reversed(parts(*covered)), *reversed(parts(*counted))]
    found = archive_parts(keys)
    assert (found[0], sorted(found[1])) == (parts(*counted), sorted(parts(*covered)))


def test_both_forms_are_parts_and_tell_their_numbers():
    assert [archive_numbers(key) for key in parts(7, (1, 12))] == [(7, 7), (1, 12)]
    assert all(map(is_archive, parts(7, (1, 12))))
    assert not any(map(is_archive, ("r/b/items.jsonl.gz", "r/archive-00001.warc.gz#1", "r/x.warc")))
