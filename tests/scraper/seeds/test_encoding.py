import codecs
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.errors import ConfigError
from scraper.seeds.encoding import Transcoder, as_text, told_encoding


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"\x80 5", "€ 5"),
        (b"\x81\x8d\x8f\x90\x9d", "\x81\x8d\x8f\x90\x9d"),
        (b"\xc3\xa9\xe9", "Ã©é"),
        (b"", ""),
    ],
    ids=["utf8", "cp1252", "euro", "unused", "mixed", "empty"],
)
def test_a_line_that_is_no_utf8_is_windows_1252(data, text):
    assert as_text(data) == text


def test_a_character_that_was_cut_is_dropped_and_no_reason_for_another_charset():
    assert as_text("äö€".encode()[:-1], is_cut=True) == "äö"
    assert as_text("äö".encode()[:-1]) == "Ã¤Ã"
    assert as_text(b"\xe4\xf6 ab", is_cut=True) == "äö ab"


def tell(head, wanted=None, content_type=None):
    return told_encoding(head, wanted=wanted, content_type=content_type, name="a.txt")


TOLD = {
    "empty": (b"", "utf-8"),
    "ascii": (b"http://a/", "utf-8"),
    "utf8": ("http://ä/".encode(), "utf-8"),
    "cut": ("http://ä".encode()[:-1], "utf-8"),
    "utf8_mark": (codecs.BOM_UTF8 + b"\xe4", "utf-8"),
    "utf16_le": (codecs.BOM_UTF16_LE + b"a\0", "utf-16le"),
    "utf16_be": (codecs.BOM_UTF16_BE + b"\0a", "utf-16be"),
    "utf32_le": (codecs.BOM_UTF32_LE + b"a\0\0\0", "utf-32le"),
    "utf32_be": (codecs.BOM_UTF32_BE + b"\0\0\0a", "utf-32be"),
    "declared": (b"<?xml version='1.0' encoding='latin1'?>", "windows-1252"),
    "western": (b"http://a/caf\xe9\nhttp://a/stra\xdfe\n", "windows-1252"),
    "one_slip": ("http://ä/\nhttp://ö/\n".encode() + b"http://\xe9/\n", "utf-8"),
    "russian": ("Магазин книг, цена сто рублей\n".encode("windows-1251") * 9, "windows-1251"),
}


@pytest.mark.parametrize(("head", "charset"), TOLD.values(), ids=TOLD)
def test_the_first_bytes_tell_the_charset(head, charset):
    assert tell(head) == charset


def test_the_header_counts_where_the_bytes_are_no_utf8():
    header = "text/csv; charset=koi8-r"
    assert tell(b"\xe9\n", content_type=header) == "koi8-r"
    assert tell("é\n".encode(), content_type=header) == "utf-8"
    assert tell(b"stra\xdfe caf\xe9\n", content_type="text/csv; charset=utf-8") == "windows-1252"


@pytest.mark.parametrize(
    ("wanted", "head", "charset"),
    [
        ("latin1", "ä".encode(), "windows-1252"),
        ("UTF-8", b"\xe4", "utf-8"),
        (" koi8-r ", codecs.BOM_UTF8, "koi8-r"),
        ("utf-16", b"a\0", "utf-16le"),
        ("utf-16", codecs.BOM_UTF16_BE, "utf-16be"),
        ("utf-16le", codecs.BOM_UTF16_BE, "utf-16le"),
        ("utf-32", codecs.BOM_UTF32_BE, "utf-32be"),
        ("UTF-32BE", b"", "utf-32be"),
    ],
)
def test_the_encoding_asked_for_overrides_all(wanted, head, charset):
    assert tell(head, wanted=wanted, content_type="text/csv; charset=big5") == charset


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("utf9", "; did you mean 'utf8'?"),
        ("windows-1259", "; did you mean 'windows-125"),
        ("#", ""),
    ],
)
def test_an_unknown_encoding_is_named_with_the_nearest(wanted, hint):
    with pytest.raises(ConfigError) as caught:
        tell(b"", wanted=wanted)
    assert str(caught.value).startswith(f"a.txt: unknown encoding {wanted!r}{hint}")


CHARSETS = ["utf-16le", "utf-16be", "utf-32le", "utf-32be", "windows-1252", "shift_jis", "gbk"]


def transcoded(data, charset, size):
    transcoder = Transcoder(io.BytesIO(data), charset)
    return b"".join(iter(lambda: transcoder.read(size), b""))


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("size", [1, 3, 7, 64, 1000])
def test_the_text_does_not_depend_on_how_the_bytes_come(charset, size):
    text = "http://a/é\n" * 3 if charset == "windows-1252" else "http://a/日本\n" * 3
    assert transcoded(text.encode(charset), charset, size) == text.encode()


@settings(deadline=None)
@given(st.binary(max_size=40), st.sampled_from(CHARSETS), st.integers(1, 50))
def test_any_bytes_become_utf8(data, charset, size):
    whole = transcoded(data, charset, 1000)
    assert transcoded(data, charset, size) == whole
    assert whole.decode() or not data


@pytest.mark.parametrize("charset", CHARSETS)
@settings(deadline=None)
@given(data=st.binary(min_size=200, max_size=300))
def test_a_block_is_no_longer_than_was_asked_for(charset, data):
    transcoder = Transcoder(io.BytesIO(data), charset)
    assert all(len(piece) <= 64 for piece in iter(lambda: transcoder.read(64), b""))


ROWS = "url\tname\nhttp://a/\tcafé\nhttp://b/\tžluť\n"


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"])
def test_the_text_of_a_spreadsheet_reads_as_a_table(read, charset):
    mark = "\ufeff" if charset.endswith("-be") else ""
    rows = read("x.txt", (mark + ROWS).encode(charset))
    assert [(row.line, row.url, row.columns) for row in rows] == [
        (2, "http://a/", {"name": "café"}),
        (3, "http://b/", {"name": "žluť"}),
    ]


LISTS = {
    "x.txt": "http://a/{}\nhttp://b/\tk={}\n",
    "x.csv": "url,k\nhttp://a/{},\nhttp://b/,{}\n",
    "x.jsonl": '{{"url": "http://a/{}"}}\n{{"url": "http://b/", "k": "{}"}}\n',
    "x.xml": "<urlset><url><loc>http://a/{}</loc></url>\n<url><loc>http://b/</loc>"
    "<lastmod>{}</lastmod></url></urlset>",
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    ("data_of", "options"),
    [
        (lambda text: text.encode("utf-16"), {}),
        (lambda text: text.encode("latin-1"), {}),
        (lambda text: text.encode("cp1252"), {"encoding": "windows-1252"}),
        (lambda text: text.encode("utf-16-be"), {"encoding": "utf-16be"}),
    ],
    ids=["mark", "detected", "asked_for", "asked_for_utf16"],
)
def test_each_format_reads_alike_in_any_charset(read, name, data_of, options):
    text = LISTS[name].format("é", "grüße")
    [first, second] = read(name, data_of(text), **options)
    assert first.url == "http://a/é"
    assert list(second.columns.values()) == ["grüße"]


@pytest.mark.parametrize("name", ["x.txt", "x.csv", "x.jsonl"])
def test_a_slip_far_behind_costs_no_other_line(read, name):
    head, _, line = LISTS[name].format("é", "ß").rstrip().rpartition("\n")
    filler = {"x.txt": "http://f/é", "x.csv": "http://f/é,", "x.jsonl": '"http://f/é"'}[name]
    data = f"{head}\n".encode() + f"{filler}\n".encode() * 9000
    data += line.encode("latin-1") + f"\n{filler}\n".encode()
    rows = read(name, data)
    assert [row.url for row in rows][-3:] == ["http://f/é", "http://b/", "http://f/é"]
    assert "ß" in rows[-2].text
    assert "\ufffd" not in "".join(row.text for row in rows)
