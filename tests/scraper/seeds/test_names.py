import pytest

from scraper.errors import ConfigError
from scraper.seeds.names import crawl_name, has_scheme, is_list_url, list_suffixes, named_form

NAMES = {
    "x.txt": "x",
    "seeds/x.toml": "x",
    "seeds/x.jsonl.gz": "x",
    "/a/b/X.CSV.Gz": "X",
    "x.txt.zst": "x",
    "x.parquet": "x",
    "shop.a.org.txt": "shop.a.org",
    "shop.a.org": "shop.a.org",
    "x": "x",
    "x y/ä ö.txt": "list",
    "my list (2).txt": "my-list--2-",
    ".hidden.txt": "hidden",
    "-x.txt": "x",
    ".txt": "list",
    "..": "list",
    "a" * 300 + ".txt": "a" * 100,
}


@pytest.mark.parametrize("source", NAMES)
def test_a_crawl_is_named_after_its_list(source):
    assert crawl_name(source) == NAMES[source]


def test_standard_input_has_no_name():
    with pytest.raises(ConfigError, match="--crawl"):
        crawl_name("-")


URLS = {
    "https://example.org/lists/shop.csv.gz": "example.org-shop",
    "https://example.org/sitemap.xml": "example.org-sitemap",
    "https://example.org/": "example.org",
    "https://example.org": "example.org",
    "HTTP://Example.org:8080/a/b/?x=/y.txt#z": "example.org-b",
    "https://user:secret@example.org/my%20list.txt.zst": "example.org-my-list",
    "http://[::1]:80/x.txt": "1-x",
    "http://[::1/x.txt": "list",
    "https://example.org/" + "a" * 300: "example.org-" + "a" * 88,
}


@pytest.mark.parametrize("source", URLS)
def test_a_list_at_a_url_is_named_by_host_and_stem(source):
    assert crawl_name(source) == URLS[source]


@pytest.mark.parametrize(
    ("source", "suffixes"),
    [
        ("a.b/x.jsonl.GZ", [".jsonl", ".GZ"]),
        ("x.parquet.zst", [".parquet", ".zst"]),
        ("shop.a.org", []),
        ("https://a.org/x.xml.gz?y=z.csv", [".xml", ".gz"]),
        ("https://a.org/", []),
        ("-", []),
    ],
)
def test_only_known_suffixes_count(source, suffixes):
    assert list_suffixes(source) == suffixes


FORMS = {
    "x.txt": "txt",
    "x.lst": "txt",
    "x.urls": "txt",
    "x.csv": "csv",
    "X.CSV.GZ": "csv",
    "x.tsv.zst": "tsv",
    "x.jsonl": "jsonl",
    "x.ndjson.gz": "jsonl",
    "x.Parquet": "parquet",
    "sitemap.xml.gz": "sitemap",
    "a.csv/x.txt": "txt",
    "https://a.org/x.csv?y=x.xml": "csv",
    "https://a.org/?y=x.xml": None,
    "x.json": None,
    "x": None,
    "-": None,
}


@pytest.mark.parametrize("source", FORMS)
def test_a_suffix_tells_the_format(source):
    assert named_form(source) == FORMS[source]


@pytest.mark.parametrize(
    ("source", "has", "is_list"),
    [
        ("https://a.org/x", True, True),
        ("HTTP://a.org/x", True, True),
        ("s3://bucket/x", True, False),
        ("file:///x", True, False),
        ("x.txt", False, False),
        ("a/https://x", False, False),
        ("https:/a", False, False),
        ("-", False, False),
        ("", False, False),
    ],
)
def test_only_http_is_fetched(source, has, is_list):
    assert (has_scheme(source), is_list_url(source)) == (has, is_list)
