import pytest

from scraper.errors import ConfigError
from scraper.seeds.rows import RawRow


def urls_and_columns(rows):
    return [(row.line, row.url, row.columns) for row in rows]


TABLES = {
    "plain": (b"url,b\nhttp://a/,1\n", [(2, "http://a/", {"b": "1"})]),
    "any_case": (b"B, URL \n1, http://a/ \n", [(2, "http://a/", {"B": "1"})]),
    "semicolons": (b"url;b\nhttp://a/?x,y;1,5\n", [(2, "http://a/?x,y", {"b": "1,5"})]),
    "tabs": (b"url\tb\nhttp://a/,x\t1\n", [(2, "http://a/,x", {"b": "1"})]),
    "one_column": (b"url\nhttp://a/,x;y\n", [(2, "http://a/,x;y", {})]),
    "bom": (b"\xef\xbb\xbfurl,b\nhttp://a/,1", [(2, "http://a/", {"b": "1"})]),
    "quoted_bom": (b'\xef\xbb\xbf"url","b"\nhttp://a/,1', [(2, "http://a/", {"b": "1"})]),
    "cr_lf": (b"url,b\r\nhttp://a/,1\r\n", [(2, "http://a/", {"b": "1"})]),
    "cr": (
        b"url,b\rhttp://a/,1\rhttp://b/,\r",
        [(2, "http://a/", {"b": "1"}), (3, "http://b/", {"b": ""})],
    ),
    "quotes": (
        b'"url","b"\n"http://a/?x,y","say ""hi"""\n',
        [(2, "http://a/?x,y", {"b": 'say "hi"'})],
    ),
    "quoted_delimiters_in_header": (
        b'"a,b,c";url\n1;http://a/\n',
        [(2, "http://a/", {"a,b,c": "1"})],
    ),
    "line_ends_in_cells": (
        b'url,b\nhttp://a/,"1\r\n2"\nhttp://b/,3\n',
        [(2, "http://a/", {"b": "1\n2"}), (4, "http://b/", {"b": "3"})],
    ),
    "blank_lines": (b"\n \nurl,b\n\nhttp://a/,1\n  \n", [(5, "http://a/", {"b": "1"})]),
    "no_name": (
        b"url,,b,\nhttp://a/,1,2,3\n",
        [(2, "http://a/", {"column_2": "1", "b": "2", "column_4": "3"})],
    ),
    "short": (b"url,b,c\nhttp://a/\n", [(2, "http://a/", {"b": None, "c": None})]),
    "short_without_url": (b"b,url\n1\n", [(2, None, {"b": "1"})]),
    "empty_url": (b"url,b\n,1\n , \n", [(2, None, {"b": "1"}), (3, None, {"b": " "})]),
    "too_long": (
        b"url,b\nhttp://a/?x,y,1\nhttp://b/,2\n",
        [(2, None, {}), (3, "http://b/", {"b": "2"})],
    ),
    "too_long_but_empty": (b"url,b\nhttp://a/,1,,\n", [(2, "http://a/", {"b": "1"})]),
    "what_we_added": (b"url,_FAILED,b\nhttp://a/,x,1\n", [(2, "http://a/", {"b": "1"})]),
    "not_utf8": (b"url,b\nhttp://a/,\xff\n", [(2, "http://a/", {"b": "ÿ"})]),
    "comments_are_rows": (b"url,b\n#x,1\n", [(2, "#x", {"b": "1"})]),
    "inch": (
        b'url,b\nhttp://a/,5" pipe\nhttp://b/,2\n',
        [(2, "http://a/", {"b": '5" pipe'}), (3, "http://b/", {"b": "2"})],
    ),
    "open_quote": (
        b'url,b\nhttp://a/,"x\nhttp://b/,2\nhttp://c/,3',
        [(2, "http://a/", {"b": '"x'}), (3, "http://b/", {"b": "2"}), (4, "http://c/", {"b": "3"})],
    ),
    "two_open_quotes": (
        b'url,b\nhttp://a/,"x\nhttp://b/,2\nhttp://c/,"y\n',
        [
            (2, "http://a/", {"b": '"x'}),
            (3, "http://b/", {"b": "2"}),
            (4, "http://c/", {"b": '"y'}),
        ],
    ),
    "quote_inside": (b'url,b\nhttp://a/,"x"y\n', [(2, "http://a/", {"b": '"x"y'})]),
}


@pytest.mark.parametrize(("data", "rows"), TABLES.values(), ids=TABLES)
def test_a_table_gives_its_rows(read, data, rows):
    assert urls_and_columns(read("x.csv", data)) == rows


def test_a_row_keeps_its_text(read):
    assert read("x.csv", b'url,b\nhttp://a/,"1\n2"\n,x\n') == [
        RawRow(line=2, url="http://a/", text='http://a/,"1\n2"', columns={"b": "1\n2"}),
        RawRow(line=4, url=None, text=",x", columns={"b": "x"}),
    ]


@pytest.mark.parametrize(
    "cell",
    [
        b"x" * 10_000_000,
        b'"' + b"x" * 10_000_000 + b'"',
        b"x" * 200_000,
        b'"' + b"x" * 200_000 + b'"',
        b"x\0y",
        b'"x\0y"',
    ],
    ids=["ten_mb", "ten_mb_quoted", "long", "long_quoted", "nul", "nul_quoted"],
)
def test_a_monstrous_cell_costs_one_row(read, cell):
    filler = b"http://f/," + b"y" * 5000
    data = b"\n".join([b"url,b", filler, b"http://a/," + cell, b"http://b/,2", b""])
    rows = read("x.csv", data)
    assert urls_and_columns(rows[1:]) == [(3, None, {}), (4, "http://b/", {"b": "2"})]
    assert rows[1].text == (b"http://a/," + cell)[:2048].decode()


def test_an_open_quote_swallows_no_rows_however_many_follow(read):
    data = b'url,b\nhttp://a/,"x\n' + b"http://b/,2\n" * 20_000
    rows = read("x.csv", data)
    assert [row.url for row in rows] == ["http://a/"] + ["http://b/"] * 20_000
    assert [row.line for row in rows] == list(range(2, 20_003))


def test_a_tsv_is_parted_by_tabs_only(read):
    rows = read("x.tsv", b"url,b\turl\n1;2\thttp://a/\n")
    assert urls_and_columns(rows) == [(2, "http://a/", {"url,b": "1;2"})]


def test_another_column_may_hold_the_url(read):
    rows = read("x.csv", b"url,Link\n1,http://a/\n", url_column="link ")
    assert urls_and_columns(rows) == [(2, "http://a/", {"url": "1"})]


HEADERS = {
    "near": (b"\nURLs,b\n", None, r"line 2: no column 'url', only URLs, b; did you mean 'URLs'\?$"),
    "nearest": (b"page_url,b\n", None, r"only page_url, b; did you mean 'page_url'\?$"),
    "far": (b"a,b\n", None, "line 1: no column 'url', only a, b$"),
    "asked_for": (b"url,link\n", "lnk", r"no column 'lnk', only url, link; did you mean 'link'\?$"),
    "no_header": (b"http://a/,1\n", None, "line 1: no column 'url', only http://a/, 1"),
    "many": (b",".join(b"%d" % n for n in range(99)), None, "18, 19, …$"),
    "twice": (b"url,b,B\n", None, "line 1: 2 columns are named 'b'$"),
    "url_twice": (b"url,URL\n", None, "line 1: 2 columns are named 'url'$"),
    "named_like_a_place": (b"url,,column_2\n", None, "line 1: 2 columns are named 'column_2'$"),
    "monstrous": (b"url," + b"x" * 2_000_000, None, "line 1: can't be read as a header$"),
}


@pytest.mark.parametrize(("data", "column", "message"), HEADERS.values(), ids=HEADERS)
def test_a_table_without_its_url_column_is_refused(read, data, column, message):
    with pytest.raises(ConfigError, match=r"x\.csv: .*" + message):
        read("x.csv", data, url_column=column)
