"""`scraper diff`: runs of a real store, through the command line."""

import json

import pytest
from click.testing import CliRunner

from scraper.diff import compared
from scraper.errors import ConfigError
from tests.scraper.batches import response
from tests.scraper.recurring import Crawl, product
from workflows.cli.main import cli

pytestmark = pytest.mark.anyio

A, B = "http://a.org/a", "http://a.org/b"
COUNTS = {"added": 0, "changed": 1, "gone": 1, "removed": 0, "failing": 0, "recovered": 0}


@pytest.fixture
async def crawl(tmp_path):
    """Three runs: the second changes a price and loses a page, the third changes it back."""
    crawl = Crawl(tmp_path, [A, B])
    await crawl.run({A: product("Chair\x1b[2J", 1), B: product("Table", 2)})
    await crawl.run({A: product("Chair\x1b[2J", 1.5), B: response(404)})
    await crawl.run({A: product("Chair\x1b[2J", 1), B: product("Table", 2)})
    return crawl


def diff(crawl, *words):
    return CliRunner().invoke(cli, ["diff", *words, "--store", str(crawl.folder / "store")])


async def test_a_run_is_compared_with_the_one_before(crawl):
    found = diff(crawl, "shop/r2")
    assert found.exit_code == 0
    assert found.stdout.splitlines() == [
        "shop/r1 → shop/r2: 1 changed, 1 gone",
        f"changed    {A}",
        "           price: 1.0 → 1.5",
        f"gone       {B}",
    ]


async def test_two_runs_are_compared_whatever_was_between(crawl):
    found = diff(crawl, "shop/r1", "shop/r3")
    assert found.stdout == "shop/r1 → shop/r3: nothing changed\n"


async def test_counts_as_json(crawl):
    found = diff(crawl, "shop/r1", "shop/r2", "--json")
    assert json.loads(found.stdout) == {
        "before": "shop/r1", "after": "shop/r2", "changes": COUNTS, "rows": 2,
    }  # fmt: skip


async def test_all_rows_as_json_lines(crawl):
    lines = [
        json.loads(line) for line in diff(crawl, "shop/r2", "--format", "jsonl").stdout.split()
    ]
    runs = {"run_before": "r1", "run_after": "r2"}
    empty = {"field": None, "item": None, "before": None, "after": None}
    assert lines == [
        {"url": A, "kind": "changed", "field": "price", "item": "1", "before": "1.0"}
        | {"after": "1.5"} | runs,
        {"url": B, "kind": "gone"} | empty | runs,
    ]  # fmt: skip


async def test_rows_go_to_a_file_in_the_format_of_its_name(crawl, tmp_path):
    found = diff(crawl, "shop/r2", "-o", str(tmp_path / "d.csv"))
    assert (found.stdout, "2 rows (changes, csv)" in found.stderr) == ("", True)
    assert (tmp_path / "d.csv").read_text().startswith("url,kind,field,item,before,after")


async def test_a_first_run_has_nothing_to_be_compared_with(crawl):
    told = r"shop/r1 has no changes: there was no published run"
    with pytest.raises(ConfigError, match=told), compared(crawl.store, "shop/r1"):
        pass


async def test_export_gives_the_changes_too(crawl):
    words = ["export", "shop/r2", "changes", "--store", str(crawl.folder / "store")]
    assert len(CliRunner().invoke(cli, words).stdout.splitlines()) == 2
