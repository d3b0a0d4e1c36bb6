import pytest

from scraper.crawl import CrawlSpec, resolve_crawl
from scraper.errors import ConfigError
from scraper.listsource import ListSource
from scraper.rules import FieldRule, SiteRule

FILE = """
seeds = ["a.txt", "https://a.org/", {url = "https://b.org/", n = 1}, "b.csv", "HTTP://c.org"]
settings.throttle.delay_s = 2
settings.batch.size = 10
hosts."a.org".throttle.delay_s = 4
sites = [{name = "shop", hosts = ["a.org"], fields = {t = {css = "h1"}}}]
"""


def resolve(seeds, **more):
    return resolve_crawl(str(seeds), **{"environ": {}} | more)


def shown(spec):
    """All of a spec but its settings, which don't compare."""
    return (spec.crawl, spec.lists, spec.sites, spec.url_column)


NAMES = {
    "plain": ("shop.txt", None, "shop"),
    "folder": ("seeds/shop.csv", None, "shop"),
    "gzip": ("shop.jsonl.gz", None, "shop"),
    "dots": ("shop.a.org.txt", None, "shop.a.org"),
    "given": ("shop.txt", "market", "market"),
    "given_for_stdin": ("-", "market", "market"),
    "spaces": ("my list.txt", None, "my-list"),
    "nothing_left": ("..txt", None, "list"),
    "url": ("https://a.org/lists/shop.csv.gz", None, "a.org-shop"),
    "url_with_a_query": ("https://a.org/export?x=.toml", None, "a.org-export"),
}


@pytest.mark.parametrize(("seeds", "name", "crawl"), NAMES.values(), ids=NAMES.keys())
def test_a_crawl_is_named_after_its_list(seeds, name, crawl):
    assert shown(resolve(seeds, name=name)) == (crawl, (seeds,), (), None)


def test_a_list_from_stdin_needs_a_name():
    with pytest.raises(ConfigError, match="a list from stdin needs a name: --crawl NAME"):
        resolve("-")


def test_a_list_is_not_opened_here():
    assert resolve("nowhere/list.csv", url_column="link").url_column == "link"


def test_a_crawl_file_gives_lists_and_rows_in_its_order(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text(FILE)
    rule = SiteRule(name="shop", hosts=["a.org"], fields={"t": FieldRule(css="h1")})
    lists = (
        str(tmp_path / "a.txt"),
        ("https://a.org/", {"url": "https://b.org/", "n": 1}),
        str(tmp_path / "b.csv"),
        ("HTTP://c.org",),
    )
    assert shown(resolve(path)) == ("shop", lists, (rule,), None)


def test_paths_in_a_crawl_file_are_relative_to_it(tmp_path):
    text = 'seeds = ["lists/a.txt", "/elsewhere/b.txt"]'
    spec = resolve("crawls/shop.toml", crawl_file_text=text)
    assert spec.lists == ("crawls/lists/a.txt", "/elsewhere/b.txt")


def test_lists_in_a_crawl_file_may_be_at_a_url_and_have_options():
    text = """seeds = [
        "https://a.org/", "https://a.org/sitemap.xml", {url = "https://a.org/feed.xml"},
        {list = "x.csv", url_column = "link"}, {list = "https://a.org/x", format = "csv"}]"""
    spec = resolve("crawls/shop.toml", crawl_file_text=text, url_column="href")
    assert (spec.url_column, spec.lists) == (
        "href",
        (
            ("https://a.org/",),
            "https://a.org/sitemap.xml",
            ({"url": "https://a.org/feed.xml"},),
            ListSource(source="crawls/x.csv", url_column="link"),
            ListSource(source="https://a.org/x", form="csv"),
        ),
    )


@pytest.mark.parametrize("url", ["https://a.org/x.toml", "http://a.org/x.TOML?v=1"])
def test_a_crawl_file_is_not_fetched(url):
    with pytest.raises(ConfigError, match="a crawl file is read from a path only: download it"):
        resolve(url)


def test_the_text_of_a_crawl_file_may_come_from_elsewhere():
    spec = resolve("nowhere/shop.TOML", crawl_file_text=FILE)
    assert (spec.crawl, len(spec.lists)) == ("shop", 4)


def test_settings_are_laid_over_each_other():
    spec = resolve(
        "shop.toml",
        crawl_file_text=FILE,
        environ={"SCRAPER_BATCH__SIZE": "20", "SCRAPER_THROTTLE__DELAY_S": "3"},
        flags=["batch.size=30"],
    )
    settings = spec.settings
    assert settings.all.batch.size == 30
    assert settings.for_host("b.org").throttle.delay_s == 3
    assert settings.for_host("www.a.org").throttle.delay_s == 4


def test_a_list_has_settings_too():
    spec = resolve("shop.txt", environ={"SCRAPER_BATCH__SIZE": "20"}, flags=["retry.attempts=1"])
    assert isinstance(spec, CrawlSpec)
    assert (spec.settings.all.batch.size, spec.settings.all.retry.attempts) == (20, 1)


ERRORS = {
    "flag": (
        {"flags": ["batch.sise=1"]},
        "--set: unknown setting batch.sise; did you mean 'size'?",
    ),
    "variable": (
        {"environ": {"SCRAPER_BATCH__SISE": "1"}},
        "environment: unknown setting batch.sise; did you mean 'size'?",
    ),
    "setting_of_the_file": (
        {"crawl_file_text": 'seeds = ["a"]\nsettings.batch.sise = 1'},
        "shop.toml: unknown setting batch.sise; did you mean 'size'?",
    ),
    "host_of_the_file": (
        {"crawl_file_text": 'seeds = ["a"]\nhosts."a.org".batch.size = 1'},
        "shop.toml: unknown settings group 'hosts.\"a.org\".batch'; valid: request, retry, robots, "
        "throttle",
    ),
    "value_of_the_file": (
        {"crawl_file_text": 'seeds = ["a"]\nsettings.batch.size = "many"'},
        "shop.toml: batch.size = 'many': Input should be a valid integer, "
        "unable to parse string as an integer",
    ),
    "key_of_the_file": (
        {"crawl_file_text": 'seeds = ["a"]\nsite = []'},
        "shop.toml: unknown key 'site'; did you mean 'sites'?",
    ),
    "no_such_file": ({}, "shop.toml: can't be read as a crawl file: "),
}


@pytest.mark.parametrize(("more", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_names_its_source(more, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        resolve("shop.toml", **({"crawl_file_text": 'seeds = ["a"]'} | more if more else {}))
    assert str(error.value).startswith(message)
