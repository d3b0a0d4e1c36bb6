import string

import pytest
import webencodings
from hypothesis import example, given, settings
from hypothesis import strategies as st
from webencodings.labels import LABELS

from scraper.extract.charset import decode_html

RUSSIAN = "Привет, мир! Какие дела сегодня"


def decoded(text, charset, source):
    return text, charset, source


def decode(body, content_type):
    found = decode_html(body, content_type)
    return found.text, found.charset, found.source


def test_bom_beats_header_and_meta():
    body = b"\xef\xbb\xbf<meta charset=koi8-r>\xc3\xa9"
    assert decode(body, "text/html; charset=windows-1251") == decoded(
        "<meta charset=koi8-r>é", "utf-8", "bom"
    )


@pytest.mark.parametrize(
    ("codec", "mark", "name"),
    [("utf-16-le", b"\xff\xfe", "utf-16le"), ("utf-16-be", b"\xfe\xff", "utf-16be")],
)
def test_utf_16_bom_is_cut_off(codec, mark, name):
    assert decode(mark + "<p>é</p>".encode(codec), None) == decoded("<p>é</p>", name, "bom")


def test_header_beats_meta():
    body = b"<meta charset=utf-8>\xe9"
    assert decode(body, "text/html; charset=latin1") == decoded(
        "<meta charset=utf-8>é", "windows-1252", "header"
    )


def test_meta_is_believed_of_what_may_be_utf_8_by_chance():
    assert decode(b"<meta charset=iso-8859-1>CAF\xc9\xae", None) == decoded(
        "<meta charset=iso-8859-1>CAFÉ®", "windows-1252", "meta"
    )


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/html; charset=KOI8-R", "koi8-r"),
        ('text/html;charset="koi8-r"', "koi8-r"),
        ("text/html; charset='koi8-r'", "koi8-r"),
        ("text/html; Charset = koi8-r ; x=y", "koi8-r"),
        ("text/html; charset=koi8-r, text/html", "koi8-r"),
        ("charset=koi8-r", "koi8-r"),
        ("text/html; charset=iso-8859-1", "windows-1252"),
        ("text/html; charset=us-ascii", "windows-1252"),
        ("text/html; charset=gb2312", "gbk"),
        ("text/html; charset=x-sjis", "shift_jis"),
        ("text/html; charset=utf8", "utf-8"),
    ],
)
def test_header_labels_are_read_as_browsers_read_them(content_type, charset):
    found = decode_html(b"x", content_type)
    assert (found.charset, found.source) == (charset, "header")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/html",
        "text/html; charset=",
        'text/html; charset=""',
        "text/html; charset=utf-9",
        "text/html; charset=none",
        "text/html; charset=iso-2022-kr",
        "text/html; charset=\udcff",
        ";;;=",
    ],
)
def test_header_without_a_known_label_is_passed_over(content_type):
    body = "<meta charset=windows-1251>Я".encode("cp1251")
    assert decode(body, content_type) == decoded(
        "<meta charset=windows-1251>Я", "windows-1251", "meta"
    )


@pytest.mark.parametrize(
    "head",
    [
        "<meta charset=koi8-r>",
        '<META CHARSET="KOI8-R">',
        "<meta charset='koi8-r'/>",
        "<meta\n charset = koi8-r >",
        "<meta/charset=koi8-r>",
        "<meta name=x charset=koi8-r>",
        '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">',
        "<meta content='text/html;charset=koi8-r' http-equiv=content-type>",
        "<meta http-equiv=content-type content=\"text/html; charset='koi8-r'\">",
        "<!-- <meta charset=utf-8> --><meta charset=koi8-r>",
        "<!--><meta charset=koi8-r>",
        "<!---><meta charset=koi8-r>",
        "<p title='<meta charset=utf-8>'><meta charset=koi8-r>",
        "<p title=don't><meta charset=koi8-r>",
        "<meta charset=nonsense><meta charset=koi8-r>",
        "<meta charset=koi8-r charset=utf-8>",
        "<!doctype html></x><?pi?><meta charset=koi8-r>",
        "<a <meta charset=utf-8><meta charset=koi8-r>",
        "<" * 50 + "<meta charset=koi8-r>",
    ],
)
def test_meta_is_found(head):
    found = decode(head.encode() + "д".encode("koi8-r"), None)
    assert found == decoded(head + "д", "koi8-r", "meta")


@pytest.mark.parametrize(
    "head",
    [
        "<!-- <meta charset=koi8-r> -->",
        "<!-- <meta charset=koi8-r>",
        "<metadata charset=koi8-r>",
        "<p title='<meta charset=koi8-r>'>",
        "<meta content='text/html; charset=koi8-r'>",
        "<meta http-equiv=refresh content='0; charset=koi8-r'>",
        "<meta name=charset content=koi8-r>",
        "<meta charset='koi8-r",
        "<meta charset>",
        "meta charset=koi8-r",
        " " * 1024 + "<meta charset=koi8-r>",
        "<meta charset=x-nobody-knows>",
    ],
)
def test_what_is_no_meta_is_not_believed(head):
    assert decode(head.encode() + "é".encode(), None) == decoded(head + "é", "utf-8", "utf-8")


@pytest.mark.parametrize("label", ["utf-16", "utf-16le", "utf-16be", "UTF-16"])
def test_meta_that_says_utf_16_in_ascii_means_utf_8(label):
    head = f"<meta charset={label}>"
    assert decode(head.encode() + "é".encode(), None) == decoded(head + "é", "utf-8", "meta")


def test_meta_that_says_x_user_defined_means_windows_1252():
    found = decode(b"<meta charset=x-user-defined>\xe9", None)
    assert found == decoded("<meta charset=x-user-defined>é", "windows-1252", "meta")


@pytest.mark.parametrize(
    ("declaration", "charset"),
    [
        ('<?xml version="1.0" encoding="ISO-8859-2"?>', "iso-8859-2"),
        ("\n<?xml version='1.0' encoding = 'iso-8859-2' ?>", "iso-8859-2"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-8"),
    ],
)
def test_xml_declaration_is_read(declaration, charset):
    body = declaration.encode() + "ő".encode(charset)
    assert decode(body, "text/xml") == decoded(declaration + "ő", charset, "xml")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_xml_declaration_in_utf_16_needs_no_bom(codec):
    text = '<?xml version="1.0"?><a>é</a>'
    found = decode(text.encode(codec), None)
    assert found == decoded(text, codec.replace("16-", "16"), "xml")


def test_meta_beats_xml_declaration():
    found = decode_html(b'<?xml version="1.0" encoding="koi8-r"?><meta charset=utf-8>', None)
    assert (found.charset, found.source) == ("utf-8", "meta")


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (RUSSIAN.encode("cp1251"), "windows-1251"),
        ("日本語のテキストです。よろしくお願いします。".encode("shift_jis"), "shift_jis"),
        (RUSSIAN.encode()[:-1], "utf-8"),
    ],
    ids=["russian", "japanese", "utf-8 that breaks off"],
)
def test_undeclared_text_is_detected(body, charset):
    found = decode_html(body, None)
    assert (found.charset, found.source) == (charset, "detected")


def test_detector_that_guesses_utf_8_of_a_few_bytes_is_not_believed():
    assert decode(b"<h1>\xe9</h1>", None) == decoded("<h1>é</h1>", "windows-1252", "fallback")


def test_junk_is_decoded():
    assert decode_html(b"\x81\xff\xfe\x00\x01" * 9, None).source in {"detected", "fallback"}


def test_detector_that_knows_nothing_leaves_windows_1252(monkeypatch):
    monkeypatch.setattr("scraper.charsets.detect_encoding", lambda body: None)
    assert decode(b"caf\xe9", None) == decoded("café", "windows-1252", "fallback")


@pytest.mark.parametrize("body", [b"", b"\0", b"a\0b"])
def test_empty_body_and_nuls_are_text(body):
    assert decode(body, None) == decoded(body.decode(), "utf-8", "utf-8")


def test_undecodable_bytes_are_replaced():
    found = decode(b"a\xffb\xed\xa0\x80", "text/html; charset=utf-8")
    assert found == decoded("a\ufffdb" + "\ufffd" * 3, "utf-8", "header")


def test_gbk_is_decoded_as_gb18030():
    body = b"\x80 \xa2\xe3 \x81\x30\x81\x30"
    found = decode_html(body, "text/html; charset=gb2312")
    assert (found.charset, found.text) == ("gbk", body.decode("gb18030", "replace"))


@pytest.mark.parametrize("label", sorted(LABELS))
def test_every_label_decodes_every_byte_without_surrogates(label):
    body = bytes(range(256)) * 2 + b"\xd8\x00\xdc\x00\x81\x30\x81\x30\xd8"
    text = decode_html(body, f"text/html; charset={label}").text
    assert text.encode("utf-8").decode("utf-8") == text


@settings(deadline=None)
@given(st.binary(max_size=300), st.none() | st.text(string.printable, max_size=40))
@example(b"<meta charset='", None)
@example(b"<?xml encoding='", None)
def test_no_body_and_no_header_raises(body, content_type):
    found = decode_html(body, content_type)
    assert webencodings.lookup(found.charset).name == found.charset
    found.text.encode("utf-8")
