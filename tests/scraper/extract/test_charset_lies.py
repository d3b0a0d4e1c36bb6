"""Pages whose declarations are lies, late or doubled, and how that is told."""

# ruff: noqa: RUF001  # texts in their own scripts

import pytest

from scraper.extract.charset import decode_html

RUSSIAN = "Привет, мир! Какие дела сегодня? Магазин работает ежедневно, доставка по стране."
JAPANESE = "日本語のテキストです。よろしくお願いします。送料は無料です。"
SIMPLIFIED = "这是一个中文网页，欢迎光临我们的商店。价格和库存每天更新。"
TRADITIONAL = "這是一個中文網頁，歡迎光臨我們的商店。價格和庫存每天更新。"
KOREAN = "한국어 페이지입니다. 저희 가게에 오신 것을 환영합니다. 가격은 매일 바뀝니다."
POLISH = "Zażółć gęślą jaźń. Książki i żarówki są tanie."
TURKISH = "Mağazamıza hoş geldiniz. Şişeler, çiçekler ve ışıklar için güzel fiyatlar."
GERMAN = "Schöne Grüße aus München: größere Stücke für Käufer, 15 €."

# Python's codec, the name by which it is known, a text.
LEGACY = {
    "windows-1251": ("cp1251", "windows-1251", RUSSIAN),
    "koi8-r": ("koi8-r", "koi8-r", RUSSIAN),
    "ibm866": ("cp866", "ibm866", RUSSIAN),
    "shift_jis": ("shift_jis", "shift_jis", JAPANESE),
    "euc-jp": ("euc_jp", "euc-jp", JAPANESE),
    "gbk": ("gbk", "gbk", SIMPLIFIED),
    "big5": ("big5", "big5", TRADITIONAL),
    "euc-kr": ("euc_kr", "euc-kr", KOREAN),
    "iso-8859-2": ("iso-8859-2", "iso-8859-2", POLISH),
    "iso-8859-9": ("iso-8859-9", "windows-1254", TURKISH),
    "iso-8859-15": ("iso-8859-15", "iso-8859-15", GERMAN),
}
# What the detector tells apart without any help: not one western charset from another.
DETECTED = {name: row for name, row in LEGACY.items() if not name.startswith("iso")}


def page(text, meta=""):
    return f"<html><head>{meta}<title>{text[:20]}</title></head><body><p>{text}</p></body></html>"


def meta(label):
    return f"<meta charset={label}>"


@pytest.mark.parametrize(("codec", "name", "text"), LEGACY.values(), ids=LEGACY)
@pytest.mark.parametrize("header", [None, "text/html; charset=utf-8"], ids=["alone", "lie before"])
def test_a_meta_is_believed_also_after_a_header_that_lies(codec, name, text, header):
    html = page(text, meta(codec.replace("_", "-") if "euc" in codec else codec))
    found = decode_html(html.encode(codec), header)
    assert (found.text, found.charset, found.source) == (html, name, "meta")


@pytest.mark.parametrize(("codec", "name", "text"), DETECTED.values(), ids=DETECTED)
def test_legacy_bytes_that_are_declared_as_utf_8_are_detected(codec, name, text):
    html = page(text)
    for body, header in [
        (html.encode(codec), "text/html; charset=UTF-8"),
        (page(text, meta("utf-8")).encode(codec), None),
    ]:
        found = decode_html(body, header)
        assert text in found.text
        assert found.charset in {name, "gb18030"}
        assert found.why.endswith(" says utf-8, which the bytes contradict")


@pytest.mark.parametrize(("codec", "name", "text"), DETECTED.values(), ids=DETECTED)
def test_a_server_s_default_gives_way_to_a_meta_that_the_bytes_bear_out(codec, name, text):
    label = codec.replace("_", "-") if "euc" in codec else codec
    html = page(text, meta(label))
    found = decode_html(html.encode(codec), "text/html; charset=ISO-8859-1")
    assert (found.text, found.charset, found.source) == (html, name, "meta")
    assert found.why.endswith("; header says iso-8859-1 (read as windows-1252), which the bytes "
                              "contradict")  # fmt: skip


def test_a_header_that_is_no_default_beats_a_meta():
    html = page(RUSSIAN, meta("koi8-r"))
    found = decode_html(html.encode("cp1251"), "text/html; charset=windows-1251")
    assert (found.text, found.why) == (html, "header says windows-1251")


OLDER = ["iso-8859-1", "windows-1251", "koi8-r", "iso-8859-2", "iso-8859-15", "us-ascii"]
MULTIBYTE = ["gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "iso-2022-jp", "tis-620"]


@pytest.mark.parametrize("label", [*OLDER, *MULTIBYTE])
@pytest.mark.parametrize("text", [RUSSIAN, JAPANESE, KOREAN, POLISH, GERMAN], ids=lambda t: t[:8])
def test_utf_8_that_is_declared_as_something_older_is_utf_8(label, text):
    found = decode_html(page(text).encode(), f"text/html; charset={label}")
    assert (found.text, found.charset, found.source) == (page(text), "utf-8", "utf-8")
    assert found.why.startswith(f"valid UTF-8; header says {label}")
    assert found.why.endswith(", which the bytes contradict")


@pytest.mark.parametrize("text", ["é", "’", "日", "😀", "€"])
@pytest.mark.parametrize("label", OLDER)
def test_one_character_of_utf_8_is_proof_where_it_can_be_nothing_else(text, label):
    found = decode_html(f"<p>{text}</p>".encode(), f"text/html; charset={label}")
    assert (found.text, found.charset) == (f"<p>{text}</p>", "utf-8")


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        ("NESCAFÉ®, CAFÉ®, ROSÉ®", "cp1252", "iso-8859-1"),
        ("ASCII alone", "ascii", "koi8-r"),
        ("แบบ แบบ", "cp874", "tis-620"),
        ("摹", "gbk", "gb2312"),
        ("Grüße", "cp1252", "windows-1252"),
    ],
    ids=["capitals and a sign", "ascii", "thai", "chinese", "german"],
)
def test_what_may_be_utf_8_by_chance_is_what_it_is_declared(text, codec, label):
    found = decode_html(text.encode(codec), f"text/html; charset={label}")
    assert (found.text, found.source) == (text, "header")


@pytest.mark.parametrize(
    "body",
    [
        RUSSIAN.encode()[:-2] + b"\xd1",
        b"stray \xe9 byte",
        b"a\xe9 b\xe8 c\xfc d\xf6",
        (RUSSIAN * 3).encode() + RUSSIAN.encode("cp1251"),
    ],
    ids=["a cut last character", "a stray byte", "four stray bytes", "a quotation"],
)
def test_a_few_bad_bytes_are_no_lie(body):
    found = decode_html(body, "text/html; charset=utf-8")
    assert (found.charset, found.source, found.why) == ("utf-8", "header", "header says utf-8")
    assert "\ufffd" in found.text


def test_more_bad_bytes_than_good_ones_are_a_lie():
    body = page(GERMAN.replace("€", "EUR")).encode("latin-1")
    found = decode_html(body, "text/html; charset=utf-8")
    assert (found.charset, "größere Stücke" in found.text) == ("windows-1252", True)


@pytest.mark.parametrize("label", ["gbk", "big5", "shift_jis", "euc-jp", "euc-kr", "iso-2022-jp"])
def test_a_multibyte_charset_that_does_not_decode_is_a_lie(label):
    body = page("Café, thé, là! Où? À Orléans, déjà 5 à 7 ; né à Alès. " * 3).encode("latin-1")
    found = decode_html(body, f"text/html; charset={label}")
    assert ("Café, thé, là!" in found.text, found.charset) == (True, "windows-1252")


def test_two_witnesses_for_a_broken_page_are_believed():
    body = page(JAPANESE).encode("euc_jp") + b" \xff \xff \xff \xff \xff"
    found = decode_html(body, "text/html; charset=euc-jp")
    assert (JAPANESE in found.text, found.source) == (True, "header")


@pytest.mark.parametrize("label", ["utf-16", "utf-16le", "utf-16be"])
def test_utf_16_without_a_nul_is_a_lie(label):
    found = decode_html(page(GERMAN).encode(), f"text/html; charset={label}")
    assert (found.text, found.charset) == (page(GERMAN), "utf-8")


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, JAPANESE], ids=["german", "russian", "japanese"])
@pytest.mark.parametrize("header", [None, "text/html; charset=utf-8", "text/html; charset=utf-16"])
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_seen_by_its_nuls(codec, header, text):
    found = decode_html(page(text).encode(codec), header)
    name = codec.replace("16-", "16")
    assert (found.text, found.charset, found.source) == (page(text), name, "utf-16")
    assert found.why == f"every second byte is NUL, as in {name}"


@pytest.mark.parametrize("body", [b"\0" * 64, b"a\0\0\0" * 9, b"a" * 99 + b"\0", b"\0a\0"])
def test_other_nuls_are_no_utf_16(body):
    assert decode_html(body, None).source == "utf-8"


@pytest.mark.parametrize(("codec", "name", "text"), LEGACY.values(), ids=LEGACY)
def test_a_late_meta_is_believed_before_the_detector(codec, name, text):
    label = codec.replace("_", "-") if "euc" in codec else codec
    html = "<!-- " + "x" * 5000 + " -->" + page(text, meta(label))
    found = decode_html(html.encode(codec), None)
    assert (found.text, found.charset, found.source) == (html, name, "meta")


def test_a_late_meta_of_valid_utf_8_and_one_beyond_8_kib_are_not_asked():
    html = " " * 2000 + page(RUSSIAN, meta("koi8-r"))
    assert decode_html(html.encode(), None).source == "utf-8"
    html = " " * 9000 + page(RUSSIAN, meta("koi8-r"))
    assert decode_html(html.encode("cp1251"), None).charset == "windows-1251"


def test_a_late_meta_may_lie_too():
    html = " " * 2000 + page(RUSSIAN, meta("utf-8"))
    found = decode_html(html.encode("cp1251"), "text/html; charset=gb2312")
    assert (found.text, found.charset) == (html, "windows-1251")


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        ("① ② ㈱ ～", "cp932", "shift_jis"),
        ("① ② ㈱", "euc_jis_2004", "euc-jp"),
        ("똠방각하 펲시콜라", "cp949", "euc-kr"),
        ("香港嘅茶餐廳啲嘢", "big5hkscs", "big5"),
    ],
    ids=["shift_jis", "euc-jp", "euc-kr", "big5"],
)
def test_characters_that_browsers_know_and_the_standards_lack(text, codec, label):
    assert decode_html(text.encode(codec), f"text/html; charset={label}").text == text


WHY = {
    "a mark": (b"\xef\xbb\xbfx", None, "byte order mark of utf-8"),
    "a header": (b"x", "text/html; charset=windows-1251", "header says windows-1251"),
    "an alias": (b"x", "text/html; charset=Latin1", "header says latin1 (read as windows-1252)"),
    "a meta": (b"<meta charset=utf-8>", None, "meta says utf-8"),
    "a wrong meta": (b"<meta charset=utf-16>", None, "meta says utf-16 (read as utf-8)"),
    "XML": (b"<?xml version='1.0' encoding='utf-8'?>", None, "XML declaration says utf-8"),
    "nothing": (b"x", None, "valid UTF-8"),
    "a lie": (
        "süß".encode(),
        "text/html; charset=koi8-r",
        "valid UTF-8; header says koi8-r, which the bytes contradict",
    ),
    "two lies": (
        "<meta charset=koi8-r>süß wie Öl: ä".encode(),
        "text/html; charset=gbk",
        "valid UTF-8; header says gbk and meta says koi8-r, which the bytes contradict",
    ),
    "the detector": (RUSSIAN.encode("koi8-r"), None, "the bytes look like koi8-r"),
    "nearly": (RUSSIAN.encode()[:-1] + b"\xd1", None, "nearly valid UTF-8"),
    "no idea": (b"<h1>\xe9</h1>", None, "nothing says or shows what it is: windows-1252"),
}


@pytest.mark.parametrize(("body", "content_type", "why"), WHY.values(), ids=WHY)
def test_why_is_told_in_a_line(body, content_type, why):
    assert decode_html(body, content_type).why == why
