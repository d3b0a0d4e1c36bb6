"""A crawl file or a list, checked to its last row without a network."""

import gzip

import pytest

from scraper.check import CrawlCheck, ListCheck, check_crawl
from scraper.errors import ConfigError

RULE = """
[[sites]]
name = "shop"
hosts = ["shop.org"]
fields.name = { css = "h1" }
"""


def test_every_list_is_read_to_its_end(tmp_path):
    (tmp_path / "a.txt").write_text("https://a.org/1\nnot a url\n# no row\nhttps://a.org/1\n")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"url,n\nhttps://b.org/,1\n,2\n"))
    file = tmp_path / "crawl.toml"
    file.write_text(
        'seeds = ["a.txt", "b.csv.gz", "https://c.org/", "https://c.org/sitemap.xml"]' + RULE
    )
    assert check_crawl(str(file), environ={}) == CrawlCheck(
        crawl=str(file),
        lists=(
            ListCheck(source=str(tmp_path / "a.txt"), rows=3, invalid=1),
            ListCheck(source=str(tmp_path / "b.csv.gz"), rows=2, invalid=1),
            ListCheck(source="rows of the crawl file", rows=1, invalid=0),
            ListCheck(source="https://c.org/sitemap.xml", rows=None, invalid=None),
        ),
        rules=("shop",),
    )


def test_a_list_can_be_checked_by_itself(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"url": "https://a.org/"}\n{broken\n')
    assert check_crawl(str(file), environ={}).lists == (
        ListCheck(source=str(file), rows=2, invalid=1),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('seeds = ["gone.txt"]', "gone.txt: can't be opened"),
        ('seeds = ["https://a.org/"]\n[settings.throtle]\ndelay_s = 1', "'throtle'"),
        ('seeds = ["https://a.org/"]\n[hosts."a.org".http]\nproxy = "x"', 'hosts."a.org".http'),
        ('seeds = ["https://a.org/"]' + RULE.replace("h1", "h1["), "sites.1.fields.name.css"),
        ('seeds = ["cut.csv.gz"]', "cut.csv.gz: can't be read"),
    ],
    ids=["list", "settings", "hosts", "rule", "cut list"],
)
def test_the_first_wrong_thing_is_told(tmp_path, text, told):
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"url\nhttps://b.org/\n" * 9)[:-9])
    (tmp_path / "crawl.toml").write_text(text)
    with pytest.raises(ConfigError) as error:
        check_crawl(str(tmp_path / "crawl.toml"), environ={})
    assert told in str(error.value)


def test_the_environment_is_checked_too(tmp_path):
    (tmp_path / "a.txt").write_text("https://a.org/1\n")
    with pytest.raises(ConfigError, match=r"throttle\.delay_s"):
        check_crawl(str(tmp_path / "a.txt"), environ={"SCRAPER_THROTTLE__DELAY_S": "soon"})


def test_standard_input_is_no_file():
    with pytest.raises(ConfigError, match="standard input"):
        check_crawl("-", environ={})
