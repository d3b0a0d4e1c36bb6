import re

import pytest

from scraper.charsets import (
    charset_in,
    charset_name,
    decode,
    detected,
    is_mostly_whole,
    is_same_charset,
    named_charset,
    xml_charset,
)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("UTF-8", "utf-8"),
        (" utf8 ", "utf-8"),
        ("iso-8859-1", "windows-1252"),
        ("latin1", "windows-1252"),
        ("gb2312", "gbk"),
        ("utf-16", "utf-16le"),
        ("hz-gb-2312", None),
        ("\u212aoi8-r", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_a_label_has_the_name_that_browsers_know(label, name):
    assert charset_name(label) == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"<?xml version='1.0' encoding='ISO-8859-1'?>", "windows-1252"),
        (b' <?xml version="1.0" encoding = "utf-8" ?>', "utf-8"),
        (b"<?xml version='1.0' encoding='utf-16'?>", "utf-8"),
        ("<?xml".encode("utf-16le"), "utf-16le"),
        ("<?xml".encode("utf-16be"), "utf-16be"),
        (b"<?xml version='1.0'?><a encoding='latin1'>", None),
        (b"<urlset encoding='latin1'>", None),
        (b"", None),
    ],
)
def test_an_xml_declaration_names_or_shows_its_charset(head, name):
    assert xml_charset(head) == name


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("text/csv; charset=utf-8", "utf-8"),
        ('text/csv; CHARSET = "koi8-r"; x=y', "koi8-r"),
        ("text/csv", ""),
        ("", ""),
    ],
)
def test_a_header_may_name_a_label(header, label):
    assert charset_in(header) == label


def test_the_euro_sign_of_gbk_is_decoded():
    assert decode(b"\xa2\xe3", "gbk") == "€"


@pytest.mark.parametrize("charset", ["windows-1251", "shift_jis", "gbk"])
def test_the_detector_tells_a_text_of_some_length(charset):
    text = {
        "windows-1251": "Съешь же ещё этих мягких французских булок, да выпей чаю. ",
        "shift_jis": "これは日本語のテキストです。価格は千円です。",
        "gbk": "这是一个中文文本。价格是一千元。欢迎光临我们的商店。",
    }[charset]
    found = detected((text * 5).encode(charset))
    assert found is not None
    assert decode((text * 5).encode(charset), found) == text * 5


@pytest.mark.parametrize(
    ("text", "whole"),
    [("plain", True), ("\ufffd", False), ("é\ufffd\ufffd", False), ("éé\ufffd", True)],
)
def test_a_text_is_mostly_whole_if_few_characters_are_lost(text, whole):
    assert is_mostly_whole(text) is whole


def test_korean_is_not_taken_for_utf8():
    assert detected(("안녕하세요 세계 " * 3).encode("euc-kr")) == "euc-kr"


def test_names_of_one_decoder_are_the_same():
    assert is_same_charset("gbk", "gb18030")
    assert not is_same_charset("gbk", "big5")
    assert not is_same_charset("gbk", None)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("cp1252", "windows-1252"),
        (" UTF-16 ", "utf-16le"),
        ("utf-32be", "utf-32be"),
        ("cp850", "cp850"),
    ],
)
def test_a_person_may_name_any_charset_of_text(label, name):
    assert named_charset(label) == name
    assert decode("a".encode(label.strip()), name).strip("\ufeff") == "a"


@pytest.mark.parametrize(
    ("label", "hint"), [("utf-9", "; did you mean 'utf-8'?"), ("zzz", ""), ("rot13", ""), ("", "")]
)
def test_what_is_no_charset_of_text_is_told_with_the_nearest(label, hint):
    with pytest.raises(ValueError, match=f"unknown encoding {label!r}{re.escape(hint)}$"):
        named_charset(label)
