import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.layout import partition_of
from scraper.plan.cut import MAX_BATCHES, Wave, effective_size, load_wave, place
from scraper.plan.part import read_seeds_part
from scraper.store import Store
from scraper.tables import open_tables
from scraper.urls import domain_of, parse_url
from tests.scraper.plan.lists import plan_rows

# Several hosts of one domain, one with a private suffix, addresses, one that is invalid.
HOSTS = [
    *(f"{n}.a.example" for n in range(4)),
    *(f"b{n}.example" for n in range(6)),
    "x.github.io",
    "y.github.io",
    "127.0.0.1",
    "127.0.0.2",
    "no host",
]
ROWS = st.lists(st.tuples(st.sampled_from(HOSTS), st.integers(0, 12)), min_size=1, max_size=60)


def url_of(host, page):
    return f"http://{host}/{page}#{page % 2}"


def rows_of(counts):
    """So many pages of each host, one host after another."""
    return [url_of(host, page) for host, count in counts.items() for page in range(count)]


def first_rows(urls):
    """What is to be fetched, without the plan's help: row by form without fragment."""
    rows = {}
    for row, url in enumerate(urls, 1):
        parsed = parse_url(url)
        if parsed is not None:
            rows.setdefault(parsed.key, row)
    return rows


@settings(max_examples=20, deadline=None)
@given(pages=ROWS, size=st.integers(1, 9), in_flight=st.integers(1, 5))
def test_every_plan_keeps_the_laws(pages, size, in_flight):
    urls = [url_of(host, page) for host, page in pages]
    with tempfile.TemporaryDirectory() as folder:
        planned = plan_rows(
            Path(folder), urls, f"batch.size={size}", f"batch.max_in_flight={in_flight}"
        )
        parts, wave = planned.parts(), planned.wave()
    seeds = [seed for part in parts.values() for seed in part]

    # Each row that is valid and no duplicate, exactly once.
    expected = first_rows(urls)
    assert sorted(seed.row for seed in seeds) == sorted(expected.values())
    assert all(expected[seed.fetch_url] == seed.row for seed in seeds)
    assert all(seed.url == urls[seed.row - 1] for seed in seeds)
    invalid = sum(host == "no host" for host, _ in pages)
    assert len(urls) == planned.info.duplicates + invalid + len(seeds)

    # No batch is empty or too large; only the last of a partition is not full.
    for ids in wave.partitions():
        sizes = [len(parts[batch]) for batch in ids]
        assert set(sizes[:-1]) <= {size}
        assert 0 < sizes[-1] <= size

    # A host, and a domain, is in one partition; there are as many as wanted.
    homes = {(seed.domain, partition_of(b)) for b, part in parts.items() for seed in part}
    assert len(homes) == len({domain for domain, _ in homes})
    wanted = min(-(-len(seeds) // size), in_flight)
    assert len(wave.batches) == min(wanted, len(homes))
    assert all(seed.domain == domain_of(seed.host) for seed in seeds)

    # Hosts take turns: none is ahead of another that still has rows.
    for ids in wave.partitions():
        total = Counter(seed.host for batch in ids for seed in parts[batch])
        taken = Counter()
        for batch in ids:
            taken.update(seed.host for seed in parts[batch])
            waiting = [taken[host] for host in total if taken[host] < total[host]]
            assert not waiting or max(taken.values()) <= min(waiting) + 1


def test_rows_of_a_host_keep_their_order(tmp_path):
    planned = plan_rows(tmp_path, rows_of({"a.example": 50, "b.example": 20}), "batch.size=7")
    for host in ("a.example", "b.example"):
        rows = [s.row for part in planned.parts().values() for s in part if s.host == host]
        assert rows == sorted(rows)


def test_a_batch_is_in_the_order_of_the_list(tmp_path):
    planned = plan_rows(tmp_path, rows_of({"a.example": 5, "b.example": 5}))
    assert [seed.row for seed in planned.parts()["1-0001-00001"]] == list(range(1, 11))


def test_hosts_take_turns(tmp_path):
    urls = rows_of({"a.example": 6, "b.example": 2, "c.example": 1})
    planned = plan_rows(tmp_path, urls, "batch.size=3", "batch.max_in_flight=1")
    hosts = [" ".join(seed.host[0] for seed in part) for part in planned.parts().values()]
    assert hosts == ["a b c", "a a b", "a a a"]


def test_partitions_have_about_equal_work(tmp_path):
    urls = rows_of({f"h{n}.example": n for n in range(1, 25)})
    planned = plan_rows(tmp_path, urls, "batch.size=20", "batch.max_in_flight=4")
    work = Counter()
    for batch, part in planned.parts().items():
        work[partition_of(batch)] += len(part)
    assert list(work.values()) == [75, 75, 75, 75]


def test_a_domain_stays_together_with_private_suffixes_counted(tmp_path):
    urls = rows_of({"a.shop.example": 3, "b.shop.example": 3, "x.github.io": 3, "y.github.io": 3})
    planned = plan_rows(tmp_path, urls, "batch.size=1", "batch.max_in_flight=9")
    homes = {s.host: partition_of(b) for b, part in planned.parts().items() for s in part}
    assert homes["a.shop.example"] == homes["b.shop.example"]
    assert len(set(homes.values())) == 3


MANY = rows_of({f"h{n % 37}.d{n % 11}.example": 1 + n % 13 for n in range(300)})


def test_a_plan_is_the_same_byte_for_byte(tmp_path):
    flags = ("batch.size=100", "batch.max_in_flight=5")
    plans = [plan_rows(tmp_path / name, MANY, *flags) for name in ("a", "b")]
    assert plans[0].values() == plans[1].values()
    assert len(plans[0].wave().batches) == 5


@pytest.mark.parametrize("threads", [1, 7])
def test_a_plan_does_not_know_the_machines_cores(tmp_path, monkeypatch, threads):
    @contextmanager
    def open_with_threads():
        with open_tables() as (tables, scratch):
            tables.execute(f"SET threads = {threads}")
            yield tables, scratch

    usual = plan_rows(tmp_path / "usual", MANY, "batch.size=100")
    monkeypatch.setattr("scraper.plan.prepare.open_tables", open_with_threads)
    monkeypatch.setattr("os.cpu_count", lambda: threads)
    assert plan_rows(tmp_path / "other", MANY, "batch.size=100").values() == usual.values()


SIZES = {
    "none": (0, 1000, 1000),
    "one": (1, 1000, 1000),
    "as_many_batches_as_may_be": (MAX_BATCHES * 1000, 1000, 1000),
    "one_row_more": (MAX_BATCHES * 1000 + 1, 1000, 1001),
    "ten_million": (10_000_000, 1000, 2084),
    "ten_million_one_by_one": (10_000_000, 1, 2084),
    "larger_than_needed": (10_000_000, 5000, 5000),
}


@pytest.mark.parametrize(("rows", "size", "effective"), SIZES.values(), ids=SIZES.keys())
def test_a_long_list_has_larger_batches(rows, size, effective):
    assert effective_size(rows, size) == effective
    assert -(-rows // effective) <= MAX_BATCHES


@pytest.mark.parametrize("rows", [10**4, 10**6, 10**7, 10**9], ids="{:.0e}".format)
@pytest.mark.parametrize("in_flight", [1, 50, 500])
@pytest.mark.parametrize("waves", [1, 11, 51])
def test_a_run_stays_under_20000_actions_also_when_every_row_goes_on_in_every_wave(
    rows, in_flight, waves
):
    size, batches = effective_size(rows, 1000), 0
    for wave in range(1, waves + 1):
        own = effective_size(rows, size, wave=wave)
        partitions = min(-(-rows // own), in_flight)
        # The last batch of each partition may hold but one row.
        batches += -(-rows // own) + partitions
    assert 3 * batches + 1 < 20_000


def test_a_later_wave_has_larger_batches_if_it_must(tmp_path, monkeypatch):
    monkeypatch.setattr("scraper.plan.cut._LATER_BATCHES", 2)
    planned = plan_rows(tmp_path, rows_of({"a.example": 9, "b.example": 9}), "batch.size=2")
    with open_tables() as (tables, _):
        tables.execute(
            "CREATE TABLE planned AS SELECT row, 'http://x/' AS fetch_url, "
            "'h' || row AS host, 'd' || row AS domain FROM range(1, 10) rows(row)"
        )
        batches = [sum(place(tables, info=planned.info, number=n).batches) for n in (1, 2, 3)]
    assert batches == [5, 2, 1]


def test_the_effective_size_is_that_of_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("scraper.plan.cut.MAX_BATCHES", 4)
    planned = plan_rows(tmp_path, rows_of({"a.example": 41}), "batch.size=2")
    assert planned.info.batch_size == 11
    assert [len(part) for part in planned.parts().values()] == [11, 11, 11, 8]


def test_a_wave_names_its_batches_by_partition():
    wave = Wave(number=2, batches=(2, 1))
    assert list(wave.partitions()) == [["2-0001-00001", "2-0001-00002"], ["2-0002-00001"]]


@pytest.mark.parametrize(
    ("number", "batches", "is_alone"),
    [(1, (3,), True), (1, (1, 1), False), (1, (), False), (2, (3,), False)],
    ids=["one_partition", "two", "none", "later_wave"],
)
def test_only_the_first_wave_may_have_all_hosts_in_one_partition(number, batches, is_alone):
    assert Wave(number=number, batches=batches).is_alone is is_alone


def test_a_wave_that_was_never_planned_is_none(tmp_path):
    assert load_wave(Store(str(tmp_path)), "shop/r1", 1) is None


def test_a_batch_is_read_where_the_path_looks_like_a_pattern(tmp_path):
    for folder, url in (("a1", "http://127.0.0.1/wrong"), ("a[1]", "http://127.0.0.1/right")):
        planned = plan_rows(tmp_path / folder, [url])
    seeds = read_seeds_part(planned.store, planned.info.run, "1-0001-00001")
    assert [seed.url for seed in seeds] == ["http://127.0.0.1/right"]
