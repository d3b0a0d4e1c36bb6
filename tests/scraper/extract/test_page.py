import hashlib
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scraper.extract
from scraper.extract import Extraction, extract, parse_page
from scraper.extract.errors import FieldError, MissingField
from scraper.extract.page import is_wanted_type
from scraper.models import Page, Reason
from scraper.rules import GENERIC_FIELDS, FieldRule, SiteRule

URL = "https://example.org/a"


def page_of(body, content_type="text/html"):
    headers = () if content_type is None else (("Content-Type", content_type),)
    return Page(
        url="https://example.org/",
        final_url=URL,
        redirects=(),
        http_status=200,
        headers=headers,
        body=body,
        fetched_at=datetime(2026, 11, 23, tzinfo=UTC),
        elapsed_s=0.1,
    )


def rule_of(item=None, **field):
    fields = {"name": FieldRule(css="h1", **field)}
    return SiteRule(name="shop", hosts=["example.org"], kind="lamp", item=item, fields=fields)


def extraction(body, reason, *, items=(), detail="", charset="utf-8"):
    return Extraction(
        reason=reason,
        items=items,
        detail=detail,
        charset=charset,
        content_sha256=hashlib.sha256(body).hexdigest(),
        bytes=len(body),
    )


def test_rule_gives_typed_items_with_site_and_kind_first():
    body = b"<h1>Lamp</h1>"
    found = extract(page_of(body), rule_of())
    expected = {"site": "shop", "kind": "lamp", "name": "Lamp"}
    assert found == extraction(body, Reason.OK, items=(expected,))
    assert list(found.items[0]) == ["site", "kind", "name"]


def test_page_without_a_rule_is_one_generic_item():
    found = extract(page_of(b"<title>T</title><a href=b>"), None)
    (item,) = found.items
    assert list(item) == ["site", "kind", *GENERIC_FIELDS]
    assert (item["site"], item["kind"], item["title"]) == (None, "page", "T")
    assert item["links"] == ["https://example.org/b"]


def test_links_are_relative_to_the_final_url():
    assert extract(page_of(b"<a href='?x'>"), None).items[0]["links"] == [f"{URL}?x"]


@pytest.mark.parametrize("body", [b"", b" \r\n\t ", b"\n"])
@pytest.mark.parametrize("content_type", ["text/html", "image/png", None])
def test_empty_body_is_no_content(body, content_type):
    expected = extraction(body, Reason.NO_CONTENT, detail="the body is empty", charset=None)
    assert extract(page_of(body, content_type), None) == expected


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"\xef\xbb\xbf \n", "utf-8"),
        ("\ufeff\u00a0\n".encode("utf-16-le"), "utf-16le"),
        (b"\0\0\0\0", "utf-8"),
    ],
    ids=["bom", "utf-16", "nuls"],
)
@pytest.mark.parametrize("rule", [None, rule_of(required=True)], ids=["generic", "rule"])
def test_body_that_decodes_to_nothing_is_no_content(body, charset, rule):
    expected = extraction(body, Reason.NO_CONTENT, detail="the body is empty", charset=charset)
    assert extract(page_of(body), rule) == expected


def test_item_that_matches_nothing_is_no_content():
    body = b"<p>none</p>"
    detail = "no element matches the rule's item 'li.lamp'"
    assert extract(page_of(body), rule_of("li.lamp")) == extraction(
        body, Reason.NO_CONTENT, detail=detail
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "image/png",
        "image/svg+xml",
        "Application/PDF; x=y",
        "application/json",
        "application/octet-stream",
        "multipart/form-data",
    ],
)
def test_other_types_are_unwanted(content_type):
    body = b"<h1>x</h1>"
    expected = extraction(body, Reason.UNWANTED_TYPE, detail=content_type, charset=None)
    assert extract(page_of(body, content_type), None) == expected
    assert is_wanted_type(content_type) is False


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "TEXT/HTML;charset=utf-8",
        "text/plain",
        "text/xml",
        "application/xml",
        "application/xhtml+xml",
        "application/rss+xml",
        None,
        "",
        ";",
        "html",
    ],
)
def test_pages_and_unclear_types_are_wanted(content_type):
    assert extract(page_of(b"<h1>x</h1>", content_type), rule_of()).reason is Reason.OK
    assert is_wanted_type(content_type) is True


def test_missing_field_names_the_field():
    body = b"<h2>x</h2>"
    expected = extraction(body, Reason.MISSING_FIELD, detail="rule shop, field name: nothing found")
    assert extract(page_of(body), rule_of(required=True)) == expected


def test_value_of_a_wrong_type_is_parse():
    body = b"<h1>x</h1>"
    detail = "rule shop, field name: 'x' is no int: 0 numbers"
    assert extract(page_of(body), rule_of(type="int")) == extraction(
        body, Reason.PARSE, detail=detail
    )


@pytest.mark.parametrize("error", [RuntimeError("b\udcffug"), RecursionError("b\udcffug")])
def test_whatever_is_raised_is_that_pages_parse(monkeypatch, error):
    def fail(*args):
        raise error

    monkeypatch.setattr("scraper.extract.page.generic_fields", fail)
    body = b"<h1>x</h1>"
    detail = f"{type(error).__name__}: b\ufffdug"
    assert extract(page_of(body), None) == extraction(body, Reason.PARSE, detail=detail)


def test_stopping_is_not_caught(monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("scraper.extract.page.generic_fields", stop)
    with pytest.raises(KeyboardInterrupt):
        extract(page_of(b"x"), None)


def test_charset_comes_from_header_then_document():
    body = "<meta charset=koi8-r><h1>é</h1>".encode()
    found = extract(page_of(body, "text/html; charset=utf-8"), rule_of())
    assert (found.charset, found.items[0]["name"]) == ("utf-8", "é")
    body = "<meta charset=koi8-r><h1>д</h1>".encode("koi8-r")
    assert extract(page_of(body), rule_of()).charset == "koi8-r"


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([None, rule_of(), rule_of("p", many=True)]))
def test_no_body_raises_and_all_items_can_be_written(body, rule):
    found = extract(page_of(b"<p><a href='" + body + b"<h1>" + body), rule)
    assert found.reason in {Reason.OK, Reason.NO_CONTENT}
    orjson.dumps(found.items)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_text_with_surrogates_is_parsed_too(text):
    orjson.dumps(parse_page(f"<h1>\ud800{text}</h1><a href='{text}'>", url=URL))


@pytest.mark.parametrize("html", ["<h1>é</h1>", "\ufeff<h1>é</h1>", "<h1>é</h1>".encode("cp1252")])
def test_parse_page_takes_text_and_bytes(html):
    assert parse_page(html, url=URL, rule=rule_of()) == [
        {"site": "shop", "kind": "lamp", "name": "é"}
    ]


def test_parse_page_needs_no_url_that_is_one():
    (item,) = parse_page("<a href=/x><a href=http://a.org/>", url="")
    assert item["links"] == ["http://a.org/"]


def test_parse_page_tells_what_is_wrong():
    with pytest.raises(MissingField):
        parse_page("<p>", url=URL, rule=rule_of(required=True))
    with pytest.raises(FieldError):
        parse_page("<h1>x</h1>", url=URL, rule=rule_of(type="float"))


def test_exported_names_are_sorted_and_there():
    assert scraper.extract.__all__ == sorted(scraper.extract.__all__)
    assert all(hasattr(scraper.extract, name) for name in scraper.extract.__all__)
