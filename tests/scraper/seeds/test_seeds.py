import gzip
import io
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scraper.errors import ConfigError
from scraper.seeds import RawRow, read_inline, read_seeds
from scraper.urls import parse_url
from tests.scraper.seeds.made import parquet

PRACTICE_SITES = Path(__file__).parents[3] / "seeds" / "practice-sites.txt"


def test_inline_rows_are_urls_or_tables():
    rows = ["http://a/", {"URL": " http://b/ ", "shelf": "a", "_failed": {}, "n": [1, 2.5, True]}]
    assert list(read_inline(rows)) == [
        RawRow(line=1, url="http://a/", text="http://a/"),
        RawRow(
            line=2, url="http://b/", text="http://b/", columns={"shelf": "a", "n": [1, 2.5, True]}
        ),
    ]


def test_dates_of_an_inline_row_become_text():
    row = {
        "url": "http://a/",
        "day": date(2026, 1, 2),
        "at": [time(3, 4), {"when": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)}],
    }
    [read] = read_inline([row])
    assert read.columns == {
        "day": "2026-01-02",
        "at": ["03:04:00", {"when": "2026-01-02T03:04:00+00:00"}],
    }


@pytest.mark.parametrize("row", ["", " ", {}, {"url": ""}, {"url": 7}, {"link": "http://a/"}])
def test_an_inline_row_without_a_url_is_refused(row):
    with pytest.raises(ConfigError, match=r"^seeds: row 2 has no url: "):
        list(read_inline(["http://a/", row]))


def test_the_practice_list_is_a_good_list():
    rows = list(read_seeds(str(PRACTICE_SITES)))
    assert len(rows) == 11
    assert all(parse_url(row.url) for row in rows)
    assert all(list(row.columns) == ["kind"] for row in rows)


def as_list(name, data):
    """Read bytes as a list of this name, from a pipe; None if it is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", lambda path, mode: io.BytesIO(data))
        try:
            return list(read_seeds(name))
        except ConfigError:
            return None


LIST_BYTES = st.one_of(
    st.binary(),
    st.text(alphabet="http://a.,;\"'#\t\r\n=é{}[]:1\\ ").map(str.encode),
    st.text(alphabet='ab",;\t\n').map(lambda text: b"url,b\n" + text.encode()),
    st.lists(st.text(alphabet='{}[]":,1eurl\\\n ')).map(lambda parts: "\n".join(parts).encode()),
)


@pytest.mark.parametrize("name", ["x.txt", "x.csv", "x.tsv", "x.jsonl", "x.xml", "x.parquet", "x"])
@settings(deadline=None)
@given(data=LIST_BYTES, squeeze=st.sampled_from([bytes, gzip.compress, zstd.compress]))
@example(data=b'url,b\n"\n"x', squeeze=bytes)
@example(data=b"\x1f\x8b\x08", squeeze=bytes)
@example(data=b"\x28\xb5\x2f\xfd\x08", squeeze=bytes)
@example(data=b"\xff\xfeh\0t\0t\0p\0", squeeze=bytes)
@example(data=b"\xff\xfe\0\0h\0", squeeze=bytes)
def test_any_bytes_are_rows_or_a_list_that_is_refused(name, data, squeeze):
    rows = as_list(name, squeeze(data))
    if rows is not None:
        assert rows
        assert [row.line for row in rows] == sorted({row.line for row in rows})
        for row in rows:
            assert row.url is None or (row.url.strip() == row.url != "")
            assert len(row.text.encode()) <= 2048


MARKUP = (
    "<url> </url> <loc> </loc> http://a/ <![CDATA[ ]]> <!-- --> & <sitemap> </sitemap> &nbsp; "
    "</urlset> <?x ?> <a:b /> ' <lastmod>1</lastmod> <!DOCTYPE [ ] \0 <url><loc>b</loc></url>"
)
SITEMAP_BYTES = st.lists(st.sampled_from([*MARKUP.split(" "), "\n"])).map(
    lambda parts: ("<urlset>" + "".join(parts) + "</urlset>").encode()
)

SQUEEZES = {"plain": bytes, "gzip": gzip.compress, "zstd": zstd.compress}


@pytest.mark.parametrize("squeeze", SQUEEZES.values(), ids=SQUEEZES)
@settings(deadline=None)
@given(data=st.one_of(SITEMAP_BYTES, st.binary().map(lambda data: b"<urlset>" + data)))
@example(data=b"<urlset><url><loc>http://a/</loc></url></urlset>")
def test_any_sitemap_is_rows_or_refused(squeeze, data):
    try:
        rows = list(read_seeds("-", stdin=io.BytesIO(squeeze(data))))
    except ConfigError:
        return
    assert rows
    assert [row.line for row in rows] == sorted(row.line for row in rows)
    # Each row stands for one end of an entry: none is made up.
    assert len(rows) <= data.count(b"</url>") + data.count(b"<url/>")


PARQUET = parquet("SELECT 'http://a/' || i AS url, i AS n FROM range(100) AS t(i)")


@settings(deadline=None, max_examples=50)
@given(
    st.integers(4, len(PARQUET) - 1),
    st.one_of(st.just(b""), st.binary(min_size=1, max_size=20)),
    st.booleans(),
)
def test_any_parquet_is_rows_or_refused(at, noise, is_cut):
    rest = b"" if is_cut else PARQUET[at + len(noise) :]
    try:
        rows = list(read_seeds("-", stdin=io.BytesIO(PARQUET[:at] + noise + rest)))
    except ConfigError:
        return
    assert [row.line for row in rows] == list(range(1, len(rows) + 1))


LINE = st.text(alphabet="abc:/é#= ", min_size=1).map(lambda text: "h" + text.strip())


@settings(deadline=None)
@given(st.lists(LINE, min_size=1), st.sampled_from(["\n", "\r\n", "\r"]))
def test_no_row_of_a_plain_list_is_lost(lines, end):
    assert [row.url for row in as_list("x.txt", end.join(lines).encode())] == lines


CELL = st.text(alphabet='ab,;"\té\n ')


@settings(deadline=None)
@given(st.lists(st.tuples(LINE, CELL), min_size=1))
def test_no_row_of_a_table_is_lost(cells):
    lines = ["url,b"]
    for url, text in cells:
        lines.append(url + ',"' + text.replace('"', '""') + '"')
    rows = as_list("x.csv", "\r\n".join(lines).encode())
    assert [(row.url, row.columns["b"]) for row in rows] == cells


@settings(deadline=None)
@given(st.lists(st.tuples(LINE, st.booleans()), min_size=1))
def test_no_row_of_a_sitemap_is_lost(lines):
    entries = [
        f"<url><loc><![CDATA[{url}]]></loc></url>\n" if in_cdata else f"<url><loc>{url}</loc></url>"
        for url, in_cdata in lines
    ]
    rows = as_list("x.xml", ("<urlset>" + "".join(entries) + "</urlset>").encode())
    assert [row.url for row in rows] == [url for url, _ in lines]
