import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.metas import page_metas
from scraper.extract.page import extract
from scraper.extract.page_tags import forbidden_by_headers, forbidden_by_metas
from scraper.models import Page, Reason
from tests.scraper.batches import AT

TOKEN = "flyte-scraper"
HEADERS = {
    "noindex": ("noindex", "noindex"),
    "none": ("none", "none"),
    "noai": ("noai, noimageai", "noai"),
    "in any case, among others": ("nofollow, NoIndex ", "noindex"),
    "nothing of it": ("nofollow, noarchive, all", None),
    "nothing": ("", None),
    "for us": (f"{TOKEN}: noindex", "noindex"),
    "for another": ("otherbot: noindex", None),
    "for another, and more of it": ("otherbot: nofollow, noindex", None),
    "for another, then for us": (f"otherbot: noindex, {TOKEN.title()}: none", "none"),
    "a word with a value": ("unavailable_after: 25 Jun 2030 15:00:00 PST, noindex", "noindex"),
    "a part of a word": ("noindexing", None),
}


@pytest.mark.parametrize(("value", "word"), HEADERS.values(), ids=HEADERS)
def test_what_a_header_forbids(value, word):
    told = forbidden_by_headers([("Server", "noindex"), ("X-Robots-TAG", value)], TOKEN)
    assert told == (f"X-Robots-Tag: {word}" if word else None)


def test_any_of_several_headers_forbids():
    headers = [("x-robots-tag", "nofollow"), ("x-robots-tag", "noai")]
    assert forbidden_by_headers(headers, TOKEN) == "X-Robots-Tag: noai"


METAS = {
    "noindex": ('<meta name="robots" content="noindex">', 'meta name="robots": noindex'),
    "in any case": ("<META NAME=ROBOTS CONTENT='Index, NOAI'>", 'meta name="robots": noai'),
    "for us": (f'<meta name="{TOKEN}" content="none">', f'meta name="{TOKEN}": none'),
    "for another": ('<meta name="googlebot" content="noindex">', None),
    "nothing of it": ('<meta name="robots" content="max-snippet:-1, follow">', None),
    "another thing": ('<meta name="description" content="noindex">', None),
}


@pytest.mark.parametrize(("html", "told"), METAS.values(), ids=METAS)
def test_what_an_element_forbids(html, told):
    assert forbidden_by_metas(page_metas(LexborHTMLParser(html)), TOKEN) == told


def page_of(html: str, *headers: tuple[str, str]) -> Page:
    return Page(
        url="http://a.test/",
        final_url="http://a.test/",
        redirects=(),
        http_status=200,
        headers=(("Content-Type", "text/html"), *headers),
        body=html.encode(),
        fetched_at=AT,
        elapsed_s=0.1,
    )


@pytest.mark.parametrize(
    "page",
    [
        page_of("<title>x</title>", ("X-Robots-Tag", "noindex")),
        page_of('<title>x</title><meta name="robots" content="noindex">'),
    ],
    ids=["by a header", "by an element"],
)
def test_a_page_that_forbids_it_is_skipped_only_if_that_is_set(page):
    kept, left = extract(page, None), extract(page, None, obey_tags=True)

    assert (kept.reason, len(kept.items)) == (Reason.OK, 1)
    assert (left.reason, left.items) == (Reason.ROBOTS_DISALLOWED, ())
    assert left.detail.endswith("noindex")


def test_a_page_that_forbids_nothing_is_kept():
    assert extract(page_of("<title>x</title>"), None, obey_tags=True).reason is Reason.OK
