import gzip
import io
from pathlib import Path

import pytest
from backports import zstd

from scraper.errors import ConfigError
from scraper.seeds import FetchedList, ListOptions, NeedsNetwork, read_seeds, told_suffixes
from scraper.seeds.source import open_list
from tests.scraper.seeds.made import parquet

LISTS = {
    "x.txt": b"http://a/\nhttp://b/\n",
    "x.csv": b"url,k\nhttp://a/,1\nhttp://b/,2\n",
    "x.tsv": b"url\tk\nhttp://a/\t1\nhttp://b/\t2\n",
    "x.jsonl": b'{"url": "http://a/"}\n{"url": "http://b/"}\n',
    "x.parquet": parquet("SELECT unnest(['http://a/', 'http://b/']) AS url"),
    "x.xml": b"<urlset><url><loc>http://a/</loc></url>\n<url><loc>http://b/</loc></url></urlset>",
}
COMPRESS = {"plain": bytes, "gzip": gzip.compress, "zstd": zstd.compress}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_reads_alike_plain_and_compressed_whatever_its_name(tmp_path, name):
    rows = []
    for file, data in [
        (name, LISTS[name]),
        (name + ".gz", gzip.compress(LISTS[name])),
        (name + ".zst", zstd.compress(LISTS[name])),
        ("named-gz-is-zstd-" + name + ".gz", zstd.compress(LISTS[name])),
        ("two-frames-" + name, zstd.compress(LISTS[name][:9]) + zstd.compress(LISTS[name][9:])),
        ("named-gz-" + name + ".gz", LISTS[name]),
        ("named-plain-" + name, gzip.compress(LISTS[name])),
        ("two-members-" + name, gzip.compress(LISTS[name][:9]) + gzip.compress(LISTS[name][9:])),
    ]:
        (tmp_path / file).write_bytes(data)
        rows.append(list(read_seeds(str(tmp_path / file))))
    assert [row.url for row in rows[0]] == ["http://a/", "http://b/"]
    assert rows == [rows[0]] * 8


@pytest.mark.parametrize("compress", COMPRESS.values(), ids=COMPRESS)
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
    "zstd_in_gzip": (
        gzip.compress(zstd.compress(b"x")),
        r"is no list: binary \(zstd twice over\)",
    ),
    "gzip_in_zstd": (
        zstd.compress(gzip.compress(b"x")),
        r"is no list: binary \(gzip twice over\)",
    ),
    "utf16_without_mark": ("http://a/".encode("utf-16le"), "is no list: binary$"),
    "nul": (b"http://a/\n\0", "is no list: binary$"),
    "gzip_in_gzip": (gzip.compress(gzip.compress(b"x")), r"is no list: binary \(gzip twice over\)"),
    "png_in_gzip": (gzip.compress(b"\x89PNG"), r"is no list: binary \(PNG\)"),
    "html": (b"\xef\xbb\xbf\n<!DOCTYPE html>", "is no list: HTML$"),
    "xml": (b"<?xml version='1.0'?><rss>", "no sitemap: its root is <rss>$"),
    "empty": (b"", "the list is empty$"),
    "empty_gzip": (gzip.compress(b""), "the list is empty$"),
    "bom": (b"\xef\xbb\xbf", "the list is empty$"),
    "comments": (b"# a\n\n", "the list is empty$"),
    "cut_gzip": (gzip.compress(b"http://a/\n")[:-9], "can't be read: .*"),
    "cut_gzip_header": (gzip.compress(b"http://a/\n")[:5], "can't be read: .*"),
    "empty_zstd": (zstd.compress(b""), "the list is empty$"),
    "cut_zstd": (zstd.compress(b"http://a/\n")[:-2], "can't be read: .*"),
    "broken_zstd": (b"\x28\xb5\x2f\xfd" + b"x" * 50, "can't be read: .*"),
    "broken_gzip": (b"\x1f\x8b\x07" + b"x" * 50, "can't be read: .*"),
    "wrong_sum": (
        gzip.compress(b"http://a/\n")[:-8] + b"12345678",
        "can't be read: .*",
    ),
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


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_a_list_cut_short_gives_its_rows_then_the_line_it_reached(tmp_path, compress):
    data = compress(b"".join(b"http://a/%d\n" % (n * n) for n in range(200_000)))
    path = tmp_path / "x.txt"
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
        ("https://example.org/list.txt", "https://example.org/list.txt: is at a URL, and nothing"),
        ("S3://bucket/list.txt", "a list is read from http and https, not from s3"),
        ("none.parquet", "none.parquet: can't be opened: No such file or directory"),
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


def test_the_form_asked_for_overrides_name_and_type(read):
    data = b"url,b\nhttp://a/,1"
    assert [row.columns for row in read("x.txt", data, form="csv")] == [{"b": "1"}]
    assert [row.url for row in read("x.csv", data, form="txt")] == ["url,b", "http://a/,1"]


@pytest.mark.parametrize(
    ("form", "name", "told"),
    [("csv", "x.parquet", "parquet"), ("txt", "x.xml", "sitemap"), ("parquet", "x.csv", "csv")],
)
def test_a_form_that_the_bytes_contradict_is_refused(read, form, name, told):
    with pytest.raises(ConfigError, match=rf"was to be read as {form}, but is {told}$"):
        read("x", LISTS[name], form=form)


@pytest.mark.parametrize("compress", COMPRESS.values(), ids=COMPRESS)
@pytest.mark.parametrize("name", LISTS)
def test_a_list_without_a_name_is_told_the_suffixes_it_should_have(tmp_path, name, compress):
    path = tmp_path / "x"
    path.write_bytes(compress(LISTS[name]))
    told = told_suffixes(path)
    # A table in tabs is read alike as `.csv`.
    expected = name[1:].replace(".tsv", ".csv")
    ending = {bytes: "", gzip.compress: ".gz", zstd.compress: ".zst"}[compress]
    assert told == expected + ending


URL = "https://example.org/list"


def fetcher(path, *, url=URL, content_type=None):
    """A fetch function of one file, and what it was asked for."""
    asked = []

    def fetch(source):
        asked.append(source)
        return FetchedList(path=path, url=url, content_type=content_type)

    return fetch, asked


@pytest.mark.parametrize("compress", COMPRESS.values(), ids=COMPRESS)
@pytest.mark.parametrize("name", LISTS)
def test_a_list_at_a_url_is_fetched_once_and_read_like_a_file(tmp_path, name, compress):
    path = tmp_path / "body"
    path.write_bytes(compress(LISTS[name]))
    fetch, asked = fetcher(path)
    rows = list(read_seeds(f"https://example.org/{name}?y=x.html", fetch=fetch))
    assert [row.url for row in rows] == ["http://a/", "http://b/"]
    assert asked == [f"https://example.org/{name}?y=x.html"]
    assert path.exists()


@pytest.mark.parametrize(
    ("url", "content_type"),
    [(URL, "text/csv"), ("https://cdn.example.org/x.csv?a", None), (URL + ".csv", "text/plain")],
    ids=["type", "final_url", "suffix_first"],
)
def test_a_link_without_a_suffix_leads_to_a_table(tmp_path, url, content_type):
    path = tmp_path / "body"
    path.write_bytes(b"link,url\n1,http://a/\n")
    fetch, _ = fetcher(path, url=url, content_type=content_type)
    assert [row.columns for row in read_seeds(URL, fetch=fetch)] == [{"link": "1"}]


def test_a_web_page_in_place_of_a_list_is_refused(tmp_path):
    path = tmp_path / "body"
    path.write_bytes(b"<!doctype html>Not found")
    fetch, _ = fetcher(path, content_type="text/html")
    with pytest.raises(ConfigError, match=r"^https://example\.org/x\.csv: is no list: HTML$"):
        next(read_seeds("https://example.org/x.csv", fetch=fetch))


@pytest.mark.parametrize("compress", COMPRESS.values(), ids=COMPRESS)
@pytest.mark.parametrize("name", ["x.txt", "x.csv", "x.jsonl", "x.xml", "x.parquet"])
def test_a_fetched_list_may_not_swell_beyond_its_cap(tmp_path, name, compress):
    path = tmp_path / "body"
    size = len(LISTS[name])
    path.write_bytes(compress(LISTS[name]))
    fetch, _ = fetcher(path)
    for max_bytes in (size, None):
        options = ListOptions(max_bytes=max_bytes)
        assert len(list(read_seeds(f"{URL}/{name}", options, fetch=fetch))) == 2
    with pytest.raises(ConfigError, match=f"is longer than {size - 1} bytes, decompressed$"):
        list(read_seeds(f"{URL}/{name}", ListOptions(max_bytes=size - 1), fetch=fetch))


def test_a_local_list_has_no_cap(read):
    assert len(read("x.txt", LISTS["x.txt"], max_bytes=3)) == 2


def test_what_the_fetch_raises_goes_through():
    def fetch(source):
        raise ConfigError(f"{source}: 404")

    with pytest.raises(ConfigError, match=r"^https://example\.org/list: 404$"):
        next(read_seeds(URL, fetch=fetch))


def test_a_list_at_a_url_needs_the_network():
    with pytest.raises(NeedsNetwork):
        next(read_seeds(URL))
