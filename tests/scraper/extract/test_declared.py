"""What is said of a charset, by whom, and in which order; not yet whether it is true."""

import pytest

from scraper.extract.declared import Claim, early_claims, late_claim


@pytest.mark.parametrize(
    ("body", "content_type", "claims"),
    [
        (b"", None, []),
        (b"x", "text/html", []),
        (b"x", "text/html; charset=Latin1", [Claim("header", "windows-1252", "Latin1")]),
        (b"<meta charset=koi8-r>", None, [Claim("meta", "koi8-r", "koi8-r")]),
        (
            b"<?xml version='1.0' encoding='utf-16'?>",
            None,
            [Claim("xml", "utf-8", "utf-16")],
        ),
        (
            b"<?xml version='1.0' encoding='gbk'?><meta charset=big5>",
            "text/html; charset=utf-8",
            [Claim("header", "utf-8", "utf-8"), Claim("meta", "big5", "big5")],
        ),
        (b"<meta charset=nobody-knows>", "text/html; charset=neither", []),
    ],
    ids=["nothing", "a bare type", "header", "meta", "XML", "header and meta", "unknown"],
)
def test_early_claims_come_in_order(body, content_type, claims):
    assert list(early_claims(body, content_type)) == claims


@pytest.mark.parametrize(
    ("before", "found"), [(0, True), (1024, True), (8000, True), (8192, False)]
)
def test_a_late_claim_stands_in_the_first_8_kib(before, found):
    claim = Claim("meta", "koi8-r", "koi8-r")
    assert late_claim(b" " * before + b"<meta charset=koi8-r>") == (claim if found else None)


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        (Claim("header", "utf-8", "utf-8"), "header says utf-8"),
        (Claim("header", "utf-8", " UTF-8 "), "header says utf-8"),
        (Claim("meta", "gbk", "GB2312"), "meta says gb2312 (read as gbk)"),
        (Claim("xml", "utf-8", "utf-16"), "XML declaration says utf-16 (read as utf-8)"),
    ],
)
def test_a_claim_in_words(claim, told):
    assert claim.told == told
