"""Every page in tests/data/sites gives what stands beside it, under the rules of its crawl file.

`<site>/<date>_<slug>.html` goes with `.json`: `{"url": ..., "items": [...]}`, and the rules of
`seeds/<site>.toml`. A new pair is a new test.
"""

import json
from pathlib import Path

import pytest

from scraper.crawlfile import read_crawl_file
from scraper.extract import parse_page
from scraper.rules import rule_for

ROOT = Path(__file__).parents[3]
SITES = ROOT / "tests" / "data" / "sites"
PAGES = sorted(SITES.glob("*/*.html"))


def page_id(page: Path) -> str:
    return f"{page.parent.name}/{page.stem}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_golden_page_gives_its_items(page):
    expected = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    sites = read_crawl_file(ROOT / "seeds" / f"{page.parent.name}.toml").sites
    rule = rule_for(expected["url"], sites)

    assert rule is not None, f"no rule covers {expected['url']}"
    assert parse_page(page.read_bytes(), url=expected["url"], rule=rule) == expected["items"]


def test_there_are_golden_pages():
    assert PAGES


def test_no_expectation_lacks_its_page():
    lonely = [path for path in SITES.glob("*/*.json") if not path.with_suffix(".html").exists()]
    assert lonely == []


def test_all_seeds_of_the_practice_site_have_its_rule():
    crawl = read_crawl_file(ROOT / "seeds" / "books.toscrape.com.toml")
    assert len(set(crawl.seeds)) == 20
    assert {getattr(rule_for(str(seed), crawl.sites), "name", None) for seed in crawl.seeds} == {
        "books"
    }
    assert crawl.settings == {}
