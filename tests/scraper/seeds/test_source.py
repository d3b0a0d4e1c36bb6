import gzip
import io
from pathlib import Path

import pytest

from scraper.errors import ConfigError
from scraper.seeds import crawl_name, read_seeds
from scraper.seeds.source import list_format, open_list

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


LISTS = {
    "x.txt": b"http://a/\nhttp://b/\n",
    "x.csv": b"url,k\nhttp://a/,1\nhttp://b/,2\n",
    "x.tsv": b"url\tk\nhttp://a/\t1\nhttp://b/\t2\n",
    "x.jsonl": b'{"url": "http://a/"}\n{"url": "http://b/"}\n',
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_reads_alike_plain_and_compressed_whatever_its_name(tmp_path, name):
    rows = []
    for file, data in [
        (name, LISTS[name]),
        (name + ".gz", gzip.compress(LISTS[name])),
        ("named-gz-" + name + ".gz", LISTS[name]),
        ("named-plain-" + name, gzip.compress(LISTS[name])),
        ("two-members-" + name, gzip.compress(LISTS[name][:9]) + gzip.compress(LISTS[name][9:])),
    ]:
        (tmp_path / file).write_bytes(data)
        rows.append(list(read_seeds(str(tmp_path / file))))
    assert [row.url for row in rows[0]] == ["http://a/", "http://b/"]
    assert rows == [rows[0]] * 5


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", LISTS)
def test_standard_input_is_read_and_left_open(name, compress):
    stdin = io.BytesIO(compress(LISTS[name]))
    assert [row.url for row in read_seeds("-", stdin=stdin)] == ["http://a/", "http://b/"]
    assert not stdin.closed


def test_the_process_s_own_standard_input_is_read_by_default(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"http://a/\n")))
    assert [row.url for row in read_seeds("-")] == ["http://a/"]


def test_a_list_left_in_the_middle_is_closed(tmp_path, monkeypatch):
    (tmp_path / "x.txt").write_bytes(b"http://a/\n" * 9)
    opened = []
    path_open = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode: opened.append(path_open(path, mode)) or opened[-1]
    )
    rows = read_seeds(str(tmp_path / "x.txt"))
    next(rows)
    rows.close()
    assert [file.closed for file in opened] == [True]


NO_LISTS = {
    "png": (b"\x89PNG\r\n\x1a\n", r"is no list: binary \(PNG\)"),
    "pdf": (b"%PDF-1.7\n", r"is no list: binary \(PDF\)"),
    "zip": (b"PK\x03\x04xx", r"is no list: binary \(ZIP or a spreadsheet\)"),
    "zstd": (b"\x28\xb5\x2f\xfdxx", r"is no list: binary \(zstd\)"),
    "utf16": ("http://a/".encode("utf-16"), r"is no list: binary \(UTF-16, it must be UTF-8\)"),
    "nul": (b"http://a/\n\0", "is no list: binary$"),
    "gzip_in_gzip": (gzip.compress(gzip.compress(b"x")), r"is no list: binary \(gzip twice over\)"),
    "png_in_gzip": (gzip.compress(b"\x89PNG"), r"is no list: binary \(PNG\)"),
    "html": (b"\xef\xbb\xbf\n<!DOCTYPE html>", "is no list: HTML or XML$"),
    "xml": (b"<?xml version='1.0'?>", "is no list: HTML or XML$"),
    "empty": (b"", "the list is empty$"),
    "empty_gzip": (gzip.compress(b""), "the list is empty$"),
    "bom": (b"\xef\xbb\xbf", "the list is empty$"),
    "comments": (b"# a\n\n", "the list is empty$"),
    "cut_gzip": (gzip.compress(b"http://a/\n")[:-9], "can't be read: .*"),
    "cut_gzip_header": (gzip.compress(b"http://a/\n")[:5], "can't be read: .*"),
    "broken_gzip": (b"\x1f\x8b\x07" + b"x" * 50, "can't be read: .*"),
    "wrong_sum": (gzip.compress(b"http://a/\n")[:-8] + b"12345678", "can't be read: .*"),
}


@pytest.mark.parametrize(("data", "message"), NO_LISTS.values(), ids=NO_LISTS)
@pytest.mark.parametrize("name", ["x.txt", "x"])
def test_what_is_no_list_is_refused(read, tmp_path, name, data, message):
    with pytest.raises(ConfigError, match=message) as caught:
        read(name, data)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")


def test_an_empty_table_is_an_empty_list(read):
    for name, data in [("x.csv", b""), ("x.csv", b"url,b\n"), ("x.jsonl", b"\n")]:
        with pytest.raises(ConfigError, match="the list is empty"):
            read(name, data)


def test_a_gzip_cut_short_gives_its_rows_then_the_line_it_reached(tmp_path):
    data = gzip.compress(b"".join(b"http://a/%d\n" % (n * n) for n in range(200_000)))
    path = tmp_path / "x.txt.gz"
    path.write_bytes(data[: len(data) * 3 // 4])
    rows = []
    with pytest.raises(ConfigError) as caught:
        rows.extend(read_seeds(str(path)))
    assert len(rows) > 100_000
    assert str(caught.value).startswith(f"{path}: can't be read after line {len(rows)}: ")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.txt", "none.txt: can't be opened: No such file or directory"),
        (".", ".: can't be opened: Is a directory"),
        ("a\0b.txt", "is no path"),
        ("a" * 5000, "can't be opened: File name too long"),
        ("https://example.org/list.txt", "https://example.org/list.txt: a list at a URL"),
        ("S3://bucket/list.txt", "S3://bucket/list.txt: a list at a URL isn't read yet"),
        ("x.parquet", "x.parquet: the format isn't read yet: Parquet"),
        ("sitemap.xml.gz", "sitemap.xml.gz: the format isn't read yet: sitemap"),
        ("x.txt.ZST", "x.txt.ZST: the format isn't read yet: zstd"),
    ],
    ids=lambda text: text[:12].replace("\0", "0"),
)
def test_what_cannot_be_opened_is_told_by_name(source, message):
    with pytest.raises(ConfigError) as caught, open_list(source):
        pass
    assert message in str(caught.value)


def test_a_file_without_rights_is_told_by_name(monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match=r"^x\.txt: can't be opened: Permission denied$"):
        next(read_seeds("x.txt"))
