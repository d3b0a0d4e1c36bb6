"""`scraper check` as a person uses it: real processes."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.workflows.cli.command import scraper

check = partial(scraper, "check")

pytestmark = pytest.mark.sockets

ROOT = Path(__file__).parents[3]


@pytest.fixture
def kept(tmp_path):
    """The golden pages and the crawl files that they name, as they lie in the project."""
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    shutil.copytree(ROOT / "tests/data/sites", tmp_path / "tests/data/sites")
    return tmp_path


def test_a_crawl_file_that_is_right(kept):
    done = check("seeds/books.toscrape.com.toml", cwd=kept)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "seeds/books.toscrape.com.toml: right",
        "  rows of the crawl file: 21 rows, 0 invalid",
        "  site rules: books, catalogue",
    ]


def test_a_list_and_json(kept):
    done = check("seeds/practice-sites.txt", "--json", cwd=kept)
    assert json.loads(done.stdout) == {
        "crawl": "seeds/practice-sites.txt",
        "lists": [{"source": "seeds/practice-sites.txt", "rows": 11, "invalid": 0}],
        "rules": [],
    }
    assert done.returncode == 0


def test_a_wrong_rule_is_one_error_and_exit_2(kept):
    (kept / "a.toml").write_text(
        'seeds = ["http://a.org/"]\n[[sites]]\nname = "a"\nhosts = ["a.org"]\n'
        'fields.n = { css = "h1", typ = "int" }\n'
    )
    done = check("a.toml", cwd=kept)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == "error: a.toml: unknown key 'sites.1.fields.n.typ'; did you mean 'type'?\n"
    )


def test_fixtures_that_hold(kept):
    done = check("tests/data/sites", cwd=kept)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "7 fixtures: 7 held, 0 differ"


def test_a_site_that_changed_is_exit_1_with_the_fields_that_differ(kept):
    page = kept / "tests/data/sites/quotes.toscrape.com/2026-11-24_author.html"
    page.write_text(page.read_text().replace("February 29", "February 28"))
    done = check("tests/data/sites/quotes.toscrape.com", cwd=kept)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "tests/data/sites/quotes.toscrape.com/2026-11-24_author.json: DIFFERS",
        "  items.1.born",
        '    expected "1904-02-29"',
        '    found    "1904-02-28"',
        "tests/data/sites/quotes.toscrape.com/2026-11-24_page-2.json: held",
        "2 fixtures: 1 held, 1 differ",
    ]


def test_differences_as_json(kept):
    fixture = kept / "tests/data/sites/quotes.toscrape.com/2026-11-24_author.json"
    fixture.write_text(fixture.read_text().replace("Liège", "Huy"))
    done = check(fixture, "--json", cwd=kept)
    found = json.loads(done.stdout)
    assert (done.returncode, found["held"], found["differ"]) == (1, 0, 1)
    assert found["fixtures"][0]["differences"] == [
        {"place": "items.1.born_in", "expected": "Huy, Belgium", "found": "Liège, Belgium"}
    ]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("gone.toml", "gone.toml: "),
        ("seeds", "seeds: holds no fixtures"),
        ("-", "standard input"),
        ("tests/data/sites/x.json", "x.json: can't be read as a fixture"),
    ],
)
def test_what_cannot_be_checked_is_exit_2(kept, path, told):
    done = check(path, cwd=kept)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
