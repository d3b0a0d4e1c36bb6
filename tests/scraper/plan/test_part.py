from dataclasses import replace

import pytest

from scraper.errors import StoreError
from scraper.models import Seed
from scraper.plan.part import read_seeds_part
from scraper.plan.prepare import prepare
from scraper.store import Store
from tests.scraper.plan.lists import AT, RUN_ID, plan_rows, spec_of

SEED = Seed(
    row=1,
    url="  http://A.example/x#y ",
    fetch_url="http://a.example/x",
    host="a.example",
    domain="a.example",
)


@pytest.mark.parametrize(
    ("row", "seed"),
    [
        (SEED.url, replace(SEED, url="http://A.example/x#y")),
        (
            {"url": SEED.url, "n": 1, "t": None},
            replace(SEED, url="http://A.example/x#y", columns={"n": 1, "t": None}),
        ),
    ],
    ids=["without_columns", "with_columns"],
)
def test_a_seed_is_read_as_it_was_planned(tmp_path, row, seed):
    assert plan_rows(tmp_path, [row]).seeds() == [seed]


def test_hosts_are_those_of_the_normal_form(tmp_path):
    urls = [
        "http://A.Example.:80/",
        "https://user:pw@b.example:8443/",
        "http://bücher.example/ä",
        "http://[::1]:8000/",
        "http://0x7f.1/",
    ]
    found = [(seed.fetch_url, seed.host, seed.domain) for seed in plan_rows(tmp_path, urls).seeds()]
    assert found == [
        ("http://a.example./", "a.example", "a.example"),
        ("https://user:pw@b.example:8443/", "b.example", "b.example"),
        ("http://xn--bcher-kva.example/%C3%A4", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("http://[::1]:8000/", "[::1]", "[::1]"),
        ("http://127.0.0.1/", "127.0.0.1", "127.0.0.1"),
    ]


def test_an_object_store_has_the_same_batches():
    store = Store("memory://")
    info = prepare(spec_of(["http://a.example/x"]), store, RUN_ID, at=AT)
    assert [seed.url for seed in read_seeds_part(store, info.run, "1-0001-00001")] == [
        "http://a.example/x"
    ]


def test_rows_that_are_gone_are_the_stores_fault(tmp_path):
    store = Store(str(tmp_path / "store"))
    with pytest.raises(StoreError, match=r"1-0001-00001/seeds.parquet: the rows of a batch are"):
        read_seeds_part(store, "shop/r1", "1-0001-00001")
