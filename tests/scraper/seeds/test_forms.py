import pytest

from scraper.errors import ConfigError
from scraper.seeds.forms import list_format, refuse_binary

FORMATS = {
    "x.txt": "txt",
    "x.lst": "txt",
    "x.urls": "txt",
    "x.csv": "csv",
    "X.CSV.GZ": "csv",
    "x.tsv.gz": "tsv",
    "x.jsonl": "jsonl",
    "x.ndjson.gz": "jsonl",
    "a.csv/x.txt": "txt",
}


@pytest.mark.parametrize("source", FORMATS)
def test_a_known_suffix_tells_the_format(source):
    assert list_format(source, b'{"url": 1}') == FORMATS[source]


HEADS = {
    b"": "txt",
    b"http://a/": "txt",
    b"http://a/\turl=b\nurl,b": "txt",
    b"url\nhttp://a/": "txt",
    b' \n\xef\xbb{"url"': "txt",
    b'\xef\xbb\xbf \n{"url"': "jsonl",
    b'{"url"': "jsonl",
    b"url,b\nhttp://a/,1": "csv",
    b'b;"URL"\r\n': "csv",
    b"b\turl": "csv",
}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("source", ["-", "x", "x.gz", "x.dat"])
def test_the_first_bytes_tell_the_format_of_what_has_no_suffix(source, head):
    assert list_format(source, head) == HEADS[head]


def test_unnamed_bytes_with_a_url_column_are_a_table():
    assert list_format("-", b"link", url_column="link") == "csv"
    assert list_format("-", b"{", url_column="link") == "jsonl"


@pytest.mark.parametrize(("source", "name"), [("x.json", "x.json"), ("-", "stdin")])
def test_a_json_array_is_no_list(source, name):
    with pytest.raises(ConfigError, match=f"^{name}: a JSON array is no list"):
        list_format(source, b'[{"url"')


TABLES = {
    b"url\tshelf\nhttp://a/\t1": "tsv",
    b'shelf\t"URL"\r\n': "tsv",
    b"# url\tshelf": "txt",
    b"url,shelf": "txt",
    b"url": "txt",
    b"http://a/\turl": "txt",
    b"http://a/\turl=b": "txt",
}


@pytest.mark.parametrize("head", TABLES)
def test_a_plain_list_whose_first_line_names_columns_is_a_table(head):
    assert list_format("x.txt", head) == TABLES[head]


def test_a_plain_list_that_names_the_column_asked_for_is_a_table():
    assert list_format("x.txt", b"link\tb", url_column="Link") == "tsv"
    assert list_format("x.txt", b"url\tb", url_column="link") == "txt"


TYPES = {
    "text/csv": "csv",
    "Text/CSV; charset=utf-8": "csv",
    "text/tab-separated-values": "tsv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "text/plain": "txt",
    "application/octet-stream": "txt",
    "": "txt",
}


@pytest.mark.parametrize("content_type", TYPES)
def test_the_content_type_tells_the_format_of_what_has_no_suffix(content_type):
    assert list_format("http://a/b", b"x", content_type=content_type) == TYPES[content_type]
    assert list_format("http://a/b.csv", b"x", content_type=content_type) == "csv"


SITEMAPS = {
    "plain": b"<urlset>",
    "declared": b"<?xml version='1.0'?>\n<urlset xmlns='a'>",
    "index": b"<?xml version='1.0'?><sitemapindex/>",
    "prefix": b"<sm:urlset xmlns:sm='a'>",
    "bom": b"\xef\xbb\xbf<?xml version='1.0'?><urlset>",
    "blank_lines": b"\n \r\n<?xml version='1.0'?>\n\n<urlset\n>",
    "comments": b"<?xml version='1.0'?><!-- <html> --><?xml-stylesheet href='a'?><urlset>",
    "doctype": b"<!DOCTYPE urlset SYSTEM 'a.dtd' [<!ELEMENT a (b)>]><urlset>",
}


@pytest.mark.parametrize("head", SITEMAPS.values(), ids=SITEMAPS)
@pytest.mark.parametrize("source", ["-", "x", "x.txt", "x.csv", "x.xml", "http://a/x.jsonl"])
def test_a_sitemap_is_one_whatever_its_name(source, head):
    assert list_format(source, head) == "sitemap"


@pytest.mark.parametrize("source", ["-", "x", "x.txt", "x.xml", "http://a/x.csv"])
def test_parquet_is_parquet_whatever_its_name(source):
    assert list_format(source, b"PAR1\x15", content_type="text/csv") == "parquet"


NO_LISTS = {
    "html": (b"<html>", "is no list: HTML"),
    "doctype": (b"\xef\xbb\xbf \n<!DOCTYPE HTML PUBLIC 'a'>", "is no list: HTML"),
    "comment": (b"<!-- x --><HTML lang='a'>", "is no list: HTML"),
    "xhtml": (b"<?xml version='1.0'?><!DOCTYPE html><html>", "is no list: HTML"),
    "body": (b"<body onload='a'>", "is no list: HTML"),
    "feed": (
        b"<?xml version='1.0'?><rss version='2.0'>",
        "is no list: XML, but no sitemap: its root is <rss>",
    ),
    "prefix": (
        b"<?xml version='1.0'?><a:feed>",
        "is no list: XML, but no sitemap: its root is <a:feed>",
    ),
    "like": (b"<?xml?><urlsets>", "is no list: XML, but no sitemap: its root is <urlsets>"),
    "no_root": (
        b"<?xml version='1.0'?> <",
        "is no list: XML, but no sitemap: its beginning has no root element",
    ),
    "open_comment": (
        b"<!-- ",
        "is no list: XML, but no sitemap: its beginning has no root element",
    ),
}


@pytest.mark.parametrize(("head", "message"), NO_LISTS.values(), ids=NO_LISTS)
@pytest.mark.parametrize("source", ["x", "x.txt", "x.csv", "x.xml"])
def test_markup_that_is_no_sitemap_is_refused(source, head, message):
    with pytest.raises(ConfigError) as caught:
        list_format(source, head)
    assert str(caught.value) == f"{source}: {message}"


@pytest.mark.parametrize("head", [b"<http://a/>", b"<a", b"< url"])
def test_a_bracket_by_itself_is_no_markup(head):
    assert list_format("x.txt", head) == "txt"


@pytest.mark.parametrize(
    ("source", "head", "message"),
    [
        ("x.xml", b"http://a/", "x.xml: is no sitemap: it does not begin with `<`"),
        ("x.xml", b"<http://a/>", "its beginning has no root element"),
        ("x.xml.gz", b"<opml>", "its root is <opml>"),
        ("x.parquet", b"url,b", "x.parquet: is no Parquet: its first bytes aren't `PAR1`"),
        ("x.parquet", b"", "is no Parquet"),
    ],
)
def test_a_name_that_the_bytes_contradict_is_refused(source, head, message):
    with pytest.raises(ConfigError) as caught:
        list_format(source, head)
    assert message in str(caught.value)


BINARIES = {
    b"%PDF-1.7": "PDF",
    b"\x89PNG\r\n": "PNG",
    b"GIF89a": "GIF",
    b"\xff\xd8\xff\xe0": "JPEG",
    b"PK\x03\x04": "ZIP or a spreadsheet",
    b"\xd0\xcf\x11\xe0\xa1": "an old spreadsheet or document",
    b"\xfd7zXZ\x00": "xz",
    b"BZh9": "bzip2",
    b"PARE": "encrypted Parquet",
    b"\x1f\x8b\x08": "gzip twice over",
    b"\x28\xb5\x2f\xfd": "zstd twice over",
    b"\x50\x2a\x4d\x18": "zstd twice over",
}


@pytest.mark.parametrize("head", BINARIES)
def test_what_is_binary_is_refused_by_its_name(head):
    with pytest.raises(ConfigError) as caught:
        refuse_binary(head, "a.txt")
    assert str(caught.value) == f"a.txt: is no list: binary ({BINARIES[head]})"


@pytest.mark.parametrize("head", [b"", b"http://a/", b"PAR1", b"\xff\xfeh\0", b"P*M\x18"[1:]])
def test_what_may_be_a_list_is_let_through(head):
    refuse_binary(head, "a.txt")
