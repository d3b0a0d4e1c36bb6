"""One page from a program: the same politeness, the same reasons as in a run."""

import httpx
import pytest

from scraper import ConfigError, FieldRule, Reason, Settings, SiteRule, scrape_page
from tests.scraper.batches import moved, page, quick_settings, response, robots_txt, website

pytestmark = pytest.mark.anyio

RULE = SiteRule(name="shop", hosts=["shop.org"], fields={"name": FieldRule(css="h1")})


def settings(*flags):
    return quick_settings("robots.obey=true", *flags).all


async def scrape(answers, url="http://a.org/1", rule=None, chosen=None):
    site = website(answers)
    scraped = await scrape_page(url, rule, chosen or settings(), transport=site.transport)
    return scraped, site


async def test_a_page_with_its_items_and_its_outcome():
    scraped, site = await scrape({"http://a.org/1": page("Hello")})
    assert (scraped.outcome.reason, scraped.outcome.attempts) == (Reason.OK, 1)
    assert scraped.items[0]["title"] == "Hello"
    assert scraped.page is not None
    assert scraped.page.body == b"<title>Hello</title><p>Hello</p>"
    assert site.urls == ["http://a.org/robots.txt", "http://a.org/1"]


async def test_the_given_rule_is_taken_whatever_the_host():
    scraped, _ = await scrape({"http://a.org/1": response(200, "<h1>Chair</h1>")}, rule=RULE)
    assert (scraped.items[0]["site"], scraped.items[0]["name"]) == ("shop", "Chair")


async def test_a_redirect_to_another_domain_is_followed():
    answers = {"http://a.org/1": moved("http://b.org/2"), "http://b.org/2": page("There")}
    scraped, site = await scrape(answers, rule=None)
    assert scraped.outcome.final_url == "http://b.org/2"
    assert [hop.url for hop in scraped.outcome.redirects] == ["http://a.org/1"]
    assert "http://b.org/robots.txt" in site.urls


async def test_what_is_transient_is_tried_again():
    answers = {"http://a.org/1": [response(503), httpx.ReadTimeout("slow"), page()]}
    scraped, _ = await scrape(answers)
    assert (scraped.outcome.reason, scraped.outcome.attempts) == (Reason.OK, 3)


async def test_robots_txt_is_obeyed():
    answers = {"http://a.org/robots.txt": robots_txt("User-agent: *", "Disallow: /")}
    scraped, site = await scrape(answers)
    assert (scraped.outcome.reason, scraped.page, scraped.items) == (
        Reason.ROBOTS_DISALLOWED, None, [],
    )  # fmt: skip
    assert site.urls == ["http://a.org/robots.txt"]


async def test_a_failed_page_has_a_reason_and_no_items():
    scraped, _ = await scrape({})
    assert (scraped.outcome.reason, scraped.outcome.http_status) == (Reason.HTTP_4XX, 404)
    assert (scraped.page, scraped.items) == (None, [])


@pytest.mark.parametrize("url", ["nonsense", "ftp://a.org/", ""])
async def test_what_is_no_url_is_told(url):
    with pytest.raises(ConfigError, match="is no http"):
        await scrape_page(url)


async def test_no_contact_no_public_host():
    with pytest.raises(ConfigError, match=r"http\.contact"):
        await scrape_page("http://a.org/", settings=Settings())


async def test_the_environment_says_who_asks(monkeypatch):
    monkeypatch.setenv("SCRAPER_HTTP__CONTACT", "me@example.org")
    monkeypatch.setenv("SCRAPER_ROBOTS__OBEY", "false")
    site = website({"http://a.org/1": page()})
    await scrape_page("http://a.org/1", transport=site.transport)
    assert site.log[0].headers["user-agent"].endswith("(+me@example.org)")
