import pytest

from scraper.seeds.rows import RawRow


def row(line, url, text=None, **columns):
    return RawRow(line=line, url=url, text=url if text is None else text, columns=columns)


LISTS = {
    "plain": (b"http://a/\nhttp://b/\n", [row(1, "http://a/"), row(2, "http://b/")]),
    "no_line_end": (b"http://a/", [row(1, "http://a/")]),
    "bom": (b"\xef\xbb\xbfhttp://a/\n", [row(1, "http://a/")]),
    "line_ends": (
        b"http://a/\r\nhttp://b/\rhttp://c/\n",
        [row(1, "http://a/"), row(2, "http://b/"), row(3, "http://c/")],
    ),
    "blank_lines": (b"\n \t\r\nhttp://a/\n\n", [row(3, "http://a/")]),
    "comments": (b"# x\n  #http://b/\nhttp://a/#c\n", [row(3, "http://a/#c")]),
    "trimmed": (b" \t http://a/ b \n", [row(1, "http://a/ b")]),
    "no_url_is_not_judged": (b"what\n", [row(1, "what")]),
    "not_utf8": (b"http://a/\xff\n", [row(1, "http://a/ÿ")]),
    "non_ascii": ("http://ä/\n".encode(), [row(1, "http://ä/")]),
    "metadata": (
        b"http://a/\tshelf=3\tname=x=y\n",
        [row(1, "http://a/", "http://a/\tshelf=3\tname=x=y", shelf="3", name="x=y")],
    ),
    "metadata_is_trimmed": (
        b"http://a/ \t k = v \t\t\n",
        [row(1, "http://a/", "http://a/ \t k = v", k="v")],
    ),
    "part_without_a_key": (
        b"http://a/\tb\t=c\t\td\n",
        [row(1, "http://a/", "http://a/\tb\t=c\t\td", column_2="b", column_3="c", column_5="d")],
    ),
    "first_of_two_keys": (
        b"http://a/\tk=1\tK=2\tk=3\n",
        [row(1, "http://a/", "http://a/\tk=1\tK=2\tk=3", k="1")],
    ),
    "a_column_named_url": (
        b"http://a/\turl=b\n",
        [RawRow(line=1, url="http://a/", text="http://a/\turl=b", columns={"url": "b"})],
    ),
    "what_we_added": (b"http://a/\t_failed=x\n", [row(1, "http://a/", "http://a/\t_failed=x")]),
}


@pytest.mark.parametrize(("data", "rows"), LISTS.values(), ids=LISTS)
def test_a_plain_list_is_one_url_a_line(read, data, rows):
    assert read("x.txt", data) == rows


def test_a_long_line_is_a_row_without_a_url(read):
    data = b"http://a/\nhttp://" + b"b" * 65_536 + b"\nhttp://c/\n"
    assert read("x.txt", data) == [
        row(1, "http://a/"),
        row(2, None, "http://" + "b" * 2041),
        row(3, "http://c/"),
    ]


def test_a_long_comment_is_a_comment(read):
    assert read("x.txt", b"#" + b"b" * 70_000 + b"\nhttp://c/\n") == [row(2, "http://c/")]


def test_a_line_with_a_nul_is_a_row_without_a_url(read):
    data = b"# " + b"x" * 5000 + b"\nhttp://a/\0b\nhttp://c/\n"
    assert read("x.txt", data) == [row(2, None, "http://a/\0b"), row(3, "http://c/")]


@pytest.mark.parametrize("name", ["x.txt", "x.lst", "X.URLS", "x", "x.unknown"])
def test_names_of_plain_lists(read, name):
    assert read(name, b"http://a/,b\n") == [row(1, "http://a/,b")]
