import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.fetch.cookies import Cookies
from scraper.models import Exchange
from scraper.urls import parse_url
from tests.scraper.batches import AT, Website, page, polite_on, website
from tests.scraper.fetch.attempts import URL

ORIGIN = "http://a.test"


def answer(*cookies: str | bytes) -> Exchange:
    values = [c if isinstance(c, bytes) else c.encode("latin-1") for c in cookies]
    return Exchange(
        url=f"{ORIGIN}/",
        request_headers=(),
        http_status=200,
        http_reason=b"OK",
        response_headers=tuple((b"Set-Cookie", value) for value in values),
        body=b"",
        at=AT,
        elapsed_s=0.1,
    )


def kept(*answers: Exchange, origin: str = ORIGIN) -> str:
    cookies = Cookies()
    for one in answers:
        cookies.learn(ORIGIN, one)
    return cookies.header(origin)


KEPT = {
    "none": ([], ""),
    "one": (["a=1"], "a=1"),
    "two": (["a=1", "b=2; Path=/; HttpOnly"], "a=1; b=2"),
    "a later value": (["a=1", "a=2"], "a=2"),
    "one that ends": (["a=1", "b=2", "a=; Max-Age=0"], "b=2"),
    "one that ended": (["a=1", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], ""),
    "the age wins": (["a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"], "a=1"),
    "a date that is none": (["a=1; Expires=soon"], "a=1"),
    "another's domain": (["a=1; Domain=b.test"], "a=1"),
    "an empty value": (["a="], "a="),
    "no name": (["=1"], ""),
    "no pair": (["secure"], ""),
    "a line break": (["a=1\r\nX: y"], ""),
    "a control character": (["a=1\x00"], ""),
    "not ASCII": (["a=é"], ""),
    "too long": (["a=" + "x" * 5000], ""),
    "an absurd age": (["a=1; Max-Age=" + "9" * 4000], "a=1"),
}


@pytest.mark.parametrize(("cookies", "header"), KEPT.values(), ids=KEPT)
def test_what_is_kept(cookies, header):
    assert kept(*map(answer, cookies)) == header


@pytest.mark.parametrize("origin", ["https://a.test", "http://a.test:81", "http://www.a.test"])
def test_a_cookie_goes_to_no_other_origin(origin):
    assert kept(answer("a=1"), origin=origin) == ""


def test_an_origin_has_so_many():
    header = kept(answer(*(f"c{n}={n}" for n in range(60))))
    assert header.count("=") == 50


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_make_a_header_of_one_line_or_none(values):
    header = kept(answer(*values))
    assert header.isprintable()
    assert header.isascii()


def two_pages() -> Website:
    sets = page()
    sets.headers["Set-Cookie"] = "a=1"
    return website({URL: sets})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("flags", "heard"), [((), None), (("http.cookies=run",), "a=1")], ids=["by default", "as set"]
)
async def test_cookies_are_sent_back_only_if_that_is_set(flags, heard):
    site, url = two_pages(), parse_url(URL)
    assert url is not None
    async with polite_on(site, *flags) as polite:
        for _ in range(2):
            await polite.get(url, deadline_s=5, max_bytes=1000)

    assert [asked.headers.get("cookie") for asked in site.log] == [None, heard]
