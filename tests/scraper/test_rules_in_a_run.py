"""Rules through a real run: planned from a crawl file, polled, published as Parquet."""

import sys
from dataclasses import replace
from datetime import UTC, date, datetime

import duckdb
import pytest

from scraper.crawl import resolve_crawl
from scraper.errors import ConfigError
from scraper.layout import INVALID_BATCH
from scraper.plan.prepare import prepare
from scraper.publish.dataset import merge
from scraper.run import load_run
from scraper.session import open_session
from scraper.tables import open_tables
from tests.scraper.batches import (
    AT,
    QUICK,
    RUN_ID,
    jobs,
    moved,
    outcomes,
    part_of,
    response,
    run_batch,
    store_in,
    website,
)

pytestmark = pytest.mark.anyio

CRAWL = r"""
seeds = ["list.csv"]

[[sites]]
name = "products"
hosts = ["shop.test"]
url = '/p/\d+$'
kind = "product"
key = "sku"
locale = "de"
timezone = "Europe/Berlin"
[sites.fields]
sku = { url = '/p/(\d+)$', required = true }
price = { css = ".price", type = "money", currency = "EUR", max = 5000 }
day = { css = "time", type = "date" }
at = { css = "time", attr = "datetime", type = "datetime" }
days = { css = "time", type = "date", many = true }
offers = { css = ".price", type = "money", many = true }
tags = { css = ".tags", split = ",", type = "list", clean = ["lower"] }
shelf = { seed = "SHELF" }
host = { seed = "host" }
literal = { seed = "seed_shelf" }

[[sites]]
name = "rest"
hosts = ["shop.test"]
kind = "page"
[sites.fields]
heading = { css = "h1::text" }
price = { const = "0", type = "money" }

[[sites]]
name = "made"
hosts = ["made.shop.test"]
extractor = "extractor_of_this_test:rows"
[sites.fields]
place = { type = "int", required = true }
label = { type = "str" }
shelf = { seed = "shelf" }
day = { type = "date" }
"""
EXTRACTOR = """
def rows(document):
    for place, node in enumerate(document.tree.css("li"), 1):
        if node.text() == "boom":
            raise LookupError(f"item {place} of {document.url}")
        yield {"place": place, "label": node.text(), "day": "2026-04-03"}
"""
LIST = """url,shelf,seed_shelf,host
http://shop.test/p/1,A,lit,h
http://shop.test/p/2,B,,
http://shop.test/about,C,,
http://old.test/,D,,
http://made.shop.test/,E,,
http://made.shop.test/boom,F,,
"""
PRODUCT = (
    "<p class=price>1.234,50 €</p><p class=price>3 £</p><time datetime='2026-04-03T10:30'>"
    "03.04.2026</time><time>4. April 2026</time><p class=tags>Red,Blue</p>"
)
ANSWERS = {
    "http://shop.test/p/1": response(200, PRODUCT),
    "http://shop.test/p/2": response(200, "<p class=price>9.999 EUR</p>"),
    "http://shop.test/about": response(200, "<h1>About <b>us</b></h1>"),
    "http://old.test/": moved("http://shop.test/p/3"),
    "http://shop.test/p/3": response(200, "<p class=price>7,5</p>"),
    "http://made.shop.test/": response(200, "<ul><li>one<li>two</ul>"),
    "http://made.shop.test/boom": response(200, "<ul><li>boom</ul>"),
}


@pytest.fixture
def crawl(tmp_path, monkeypatch):
    """A working folder with a crawl file, its list and its extractor."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "shop.toml").write_text(CRAWL)
    (tmp_path / "list.csv").write_text(LIST)
    (tmp_path / "extractor_of_this_test.py").write_text(EXTRACTOR)
    return resolve_crawl("shop.toml", flags=QUICK, environ={})


async def test_rules_make_typed_items_of_a_whole_run(tmp_path, crawl):
    store = store_in(tmp_path)
    prepare(crawl, store, RUN_ID, at=AT)
    info = load_run(store, f"shop/{RUN_ID}")
    assert info.sites == crawl.sites
    (job,) = jobs(info, store)
    await run_batch(website(ANSWERS), info, store, job)

    found = outcomes(store, job)
    assert {url: (line["reason"], line["detail"]) for url, line in found.items()} == {
        "http://shop.test/p/1": ("ok", ""),
        "http://shop.test/p/2": (
            "parse", "rule products, field price: '9.999 EUR' is above max 5000",
        ),
        "http://shop.test/about": ("ok", ""),
        "http://old.test/": ("ok", ""),
        "http://made.shop.test/": ("ok", ""),
        "http://made.shop.test/boom": (
            "parse",
            "rule made, extractor extractor_of_this_test:rows: "
            "LookupError: item 1 of http://made.shop.test/boom",
        ),
    }  # fmt: skip
    first = part_of(store, job, "items")[0]
    assert (first["day"], first["at"], first["days"]) == (
        "2026-04-03", "2026-04-03T08:30:00Z", ["2026-04-03", "2026-04-04"],
    )  # fmt: skip

    with open_tables() as (tables, scratch):
        files = merge(tables, scratch, info=info, store=store, batches=[INVALID_BATCH, job.batch])
        items = duckdb.sql(f"SELECT * FROM '{files['items.parquet']}' ORDER BY url, place")
        types = dict(zip(items.columns, map(str, items.types), strict=True))
        rows = [dict(zip(items.columns, row, strict=True)) for row in items.fetchall()]
    check_types(types)
    check_rows(rows)


def check_types(types):
    money = "STRUCT(amount DOUBLE, currency VARCHAR)"
    assert {name: types[name] for name in ("sku", "price", "day", "at", "days", "offers")} == {
        "sku": "VARCHAR",
        "price": money,
        "day": "DATE",
        "at": "TIMESTAMP WITH TIME ZONE",
        "days": "DATE[]",
        "offers": f"{money}[]",
    }
    # The list's own columns, beside the fields that bear their names.
    assert list(types)[-3:] == ["seed_shelf", "seed_seed_shelf", "seed_host"]


def check_rows(rows):
    euro = {"amount": 1234.5, "currency": "EUR"}
    by_site = {}
    for row in rows:
        by_site.setdefault(row["site"], []).append(row)
    old, first = by_site["products"]
    assert {name: first[name] for name in ("sku", "price", "day", "at", "days")} == {
        "sku": "1",
        "price": euro,
        "day": date(2026, 4, 3),
        "at": datetime(2026, 4, 3, 8, 30, tzinfo=UTC),
        "days": [date(2026, 4, 3), date(2026, 4, 4)],
    }
    assert first["offers"] == [euro, {"amount": 3.0, "currency": "GBP"}]
    assert first["tags"] == ["red", "blue"]
    assert (first["shelf"], first["literal"], first["host"]) == ("A", "lit", "h")
    # The rule is chosen by the final URL, the seed stays that of the row.
    assert (old["url"], old["sku"], old["shelf"]) == ("http://old.test/", "3", "D")
    assert old["price"] == {"amount": 7.5, "currency": "EUR"}
    assert [(row["heading"], row["kind"]) for row in by_site["rest"]] == [("About", "page")]
    assert [(row["place"], row["label"], row["shelf"], row["day"]) for row in by_site["made"]] == [
        (1, "one", "E", date(2026, 4, 3)),
        (2, "two", "E", date(2026, 4, 3)),
    ]


async def test_a_machine_without_the_extractor_does_not_begin(tmp_path, crawl):
    store = store_in(tmp_path)
    site = crawl.sites[2].model_copy(update={"extractor": "gone_from_here:rows"})
    info = prepare(crawl, store, RUN_ID, at=AT)
    info = replace(info, sites=(site,))
    with pytest.raises(ConfigError, match=r"run\.json: sites\.1\.extractor: there is no module"):
        async with open_session(info, store):
            pass
