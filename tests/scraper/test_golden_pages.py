"""Every page in tests/data/sites gives what stands beside it, under the rules of its crawl file.

A pair is what `scraper try URL --save-fixture DIR` keeps: `NAME.html` as fetched, `NAME.json` with
`url`, `crawl_file`, `rule` and `items`. A new pair is a new test.
"""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scraper.crawlfile import read_crawl_file
from scraper.fixtures import read_fixtures, replay
from scraper.rules import rule_for

ROOT = Path(__file__).parents[2]
SITES = ROOT / "tests" / "data" / "sites"
FIXTURES = list(read_fixtures(SITES))
CRAWLS = sorted((ROOT / "seeds").glob("*.toml"))


@pytest.mark.parametrize(
    ("path", "fixture"), FIXTURES, ids=[str(path.relative_to(SITES)) for path, _ in FIXTURES]
)
def test_golden_page_gives_its_items(path, fixture):
    assert fixture.items
    assert replay(path, fixture) == []


def test_no_page_lacks_its_expectation():
    lonely = [page for page in SITES.glob("*/*.html") if not page.with_suffix(".json").exists()]
    assert lonely == []


@pytest.mark.parametrize("path", CRAWLS, ids=lambda path: path.stem)
def test_each_rule_of_a_practice_site_has_a_golden_page(path):
    crawl = read_crawl_file(path)
    names = {fixture.rule for place, fixture in FIXTURES if place.parent.name == path.stem}
    assert names == {rule.name for rule in crawl.sites}


@pytest.mark.parametrize("path", CRAWLS, ids=lambda path: path.stem)
def test_each_seed_of_a_practice_site_has_its_rule(path):
    crawl = read_crawl_file(path)
    urls = [seed if isinstance(seed, str) else seed["url"] for seed in crawl.seeds]
    assert len(urls) == len(set(urls))
    assert [url for url in urls if rule_for(url, crawl.sites) is None] == []
    assert all(urlsplit(url).hostname.endswith(path.stem) for url in urls)
    assert crawl.settings == {}


def test_there_are_at_least_three_practice_sites():
    assert len(CRAWLS) >= 3
