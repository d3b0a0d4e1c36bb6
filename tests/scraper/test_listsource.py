from pathlib import Path

import pytest

from scraper.listsource import ListSource, is_row, list_source

ROWS = [
    "https://a.org/",
    "https://a.org/page",
    "https://a.org/page.html",
    "https://a.org/export?type=.csv",
    "https://a.org/#list.txt",
    "https://list.txt",
    "https://a.org/csv",
    "https://a.org/x.csv/",
    "https://a.org/x.toml",
    "https://a.org/x.zip",
    "ftp://a.org/x.csv",
    {"url": "https://a.org/feed.xml"},
    {"URL": "https://a.org/x.csv", "list": "b"},
    {"uri": "x"},
    {"List": "x.csv"},
    {},
]
LISTS = [
    "x.csv",
    "a.org/page",
    "list",
    "https://a.org/x.txt",
    "https://a.org/x.csv",
    "https://a.org/x.tsv",
    "https://a.org/x.jsonl",
    "https://a.org/x.ndjson",
    "https://a.org/x.parquet",
    "https://a.org/sitemap.xml",
    "https://a.org/x.txt.gz",
    "https://a.org/x.csv.zst",
    "https://a.org/x.gz",
    "https://a.org/x.zst",
    "HTTPS://A.ORG/X.CSV.GZ",
    "https://a.org/x.csv?page=1",
    " https://a.org/x.csv#top ",
    {"list": "https://a.org/export"},
    {"list": "x", "url": " "},
]


@pytest.mark.parametrize("seed", ROWS, ids=str)
def test_what_is_a_row(seed):
    assert is_row(seed)


@pytest.mark.parametrize("seed", LISTS, ids=str)
def test_what_is_a_list(seed):
    assert not is_row(seed)


FOUND = {
    "path": ("x.csv", ListSource(source="lists/x.csv")),
    "absolute_path": ("/x.csv", ListSource(source="/x.csv")),
    "url": (" https://a.org/x.csv ", ListSource(source="https://a.org/x.csv")),
    "table": ({"list": "x"}, ListSource(source="lists/x")),
    "options": (
        {
            "list": "https://a.org/export?type=csv",
            "format": "csv",
            "url_column": "link",
            "encoding": "cp1252",
        },
        ListSource(
            source="https://a.org/export?type=csv",
            form="csv",
            url_column="link",
            encoding="cp1252",
        ),
    ),
}


@pytest.mark.parametrize(("seed", "expected"), FOUND.values(), ids=FOUND.keys())
def test_a_list_with_its_options(seed, expected):
    assert list_source(seed, Path("lists")) == expected


WRONG = {
    "key": ({"list": "x", "fromat": "csv"}, "unknown key 'fromat'; did you mean 'format'?"),
    "far_key": (
        {"list": "x", "shelf": "a"},
        "unknown key 'shelf'; valid: encoding, format, list, url_column",
    ),
    "format": ({"list": "x", "format": "cvs"}, "unknown format 'cvs'; did you mean 'csv'?"),
    "number": ({"list": 3}, "list must be a text"),
    "empty": ({"list": "x", "url_column": " "}, "url_column must be a text"),
    "encoding": ({"list": "x", "encoding": "cp12525"}, "unknown encoding 'cp12525'"),
    "no_text": ({"list": "x", "encoding": "hex"}, "unknown encoding 'hex'"),
}


@pytest.mark.parametrize(("seed", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_with_its_key(seed, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011  # the text follows
        list_source(seed, Path())
    assert str(error.value).startswith(message)
