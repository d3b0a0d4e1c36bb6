"""One URL, explained: every decision with what decided it."""

import httpx
import pytest

from scraper.crawl import CrawlSpec
from scraper.crawlfile import parse_crawl_file
from scraper.errors import ConfigError
from scraper.explain import explain_url
from scraper.extract.found import Found
from scraper.models import Reason
from tests.scraper.batches import moved, page, quick_settings, response, robots_txt, website

pytestmark = pytest.mark.anyio

URL = "http://a.org/1"
RULES = parse_crawl_file(
    r"""
seeds = ["http://a.org/1"]
[[sites]]
name = "shop"
hosts = ["a.org"]
url = '/\d+$'
[sites.fields]
name = { css = "h1::text", required = true }
price = { css = ".none", json_ld = "offers.price", type = "float" }
number = { css = ".none", fallbacks = [{ url = '/(\d+)$' }], type = "int" }
shelf = { seed = "shelf" }
colour = { css = ".colour" }
""",
    "shop.toml",
).sites
HTML = (
    '<h1>Chair</h1><script type="application/ld+json">{"offers": {"price": "12.50"}}</script>'
    "<p class=size>x</p>"
)


def spec(*flags, sites=()):
    settings = quick_settings("robots.obey=true", *flags)
    return CrawlSpec(crawl="try", lists=(), settings=settings, sites=tuple(sites))


async def explained(answers, *, url=URL, seed=None, flags=(), sites=()):
    site = website(answers)
    found = await explain_url(url, spec(*flags, sites=sites), seed=seed, transport=site.transport)
    return found, site


async def test_each_field_has_its_value_and_what_gave_it():
    found, _ = await explained({URL: response(200, HTML)}, seed={"shelf": "new"}, sites=RULES)
    assert found.outcome.reason is Reason.OK
    assert found.found == (
        {
            "name": Found(value="Chair", source="css 'h1::text'"),
            "price": Found(value=12.5, source="json_ld offers.price"),
            "number": Found(value=1, source=r"fallback 1: url '/(\d+)$'"),
            "shelf": Found(value="new", source="seed column shelf"),
            "colour": Found(value=None, source=None),
        },
    )
    assert found.items[0]["price"] == 12.5


async def test_the_rule_comes_with_the_reason_why_it_was_chosen():
    found, _ = await explained({URL: response(200, HTML)}, sites=RULES)
    assert found.rule is not None
    assert (found.rule.rule, found.rule.why) == (RULES[0], r"host a.org, url '/\d+$'")


async def test_a_page_that_no_rule_covers_gives_the_generic_fields():
    url = "http://a.org/other"
    found, _ = await explained({url: page("Hello")}, url=url, sites=RULES)
    assert found.rule is not None
    assert found.rule.why == r"url '/\d+$' of rule shop does not match"
    (item,) = found.found
    assert (item["title"].value, item["title"].source) == ("Hello", "<title>")


async def test_a_field_that_fails_is_told_beside_those_that_do_not():
    found, _ = await explained({URL: response(200, "<p class=colour>red</p>")}, sites=RULES)
    assert found.outcome.reason is Reason.MISSING_FIELD
    (item,) = found.found
    assert item["colour"].value == "red"
    assert item["name"].error == "rule shop, field name: nothing found"


@pytest.mark.parametrize(
    ("robots", "allowed", "why"),
    [
        (robots_txt("User-agent: *", "", "Disallow: /2", "Allow: /1"), True, "line 4: Allow: /1"),
        (robots_txt("User-agent: *", "Disallow: /"), False, "line 2: Disallow: /"),
        (robots_txt("User-agent: *", "Disallow: /2"), True, "no line matches"),
        (response(404), True, "no rules: robots.txt answers 404"),
        (response(503), False, "robots_unreachable (503)"),
        (httpx.ConnectError("refused"), False, "connect"),
    ],
    ids=["allow", "disallow", "no line", "none", "unreachable", "refused"],
)
async def test_robots_txt_speaks_with_the_line_that_decided(robots, allowed, why):
    found, site = await explained({"http://a.org/robots.txt": robots, URL: page()})
    (verdict,) = found.robots
    assert (verdict.url, verdict.allowed, verdict.why) == (URL, allowed, why)
    assert (URL in site.urls) is allowed


async def test_a_crawl_delay_is_told():
    robots = robots_txt("User-agent: *", "Crawl-delay: 0.01")
    found, _ = await explained({"http://a.org/robots.txt": robots, URL: page()})
    assert found.robots[0].crawl_delay_s == 0.01


async def test_robots_txt_that_is_not_obeyed_is_not_asked_for():
    found, site = await explained({URL: page()}, flags=["robots.obey=false"])
    assert (found.robots[0].allowed, found.robots[0].why) == (
        None, "robots.obey is false: not asked for",
    )  # fmt: skip
    assert site.urls == [URL]


async def test_redirects_are_steps_with_their_times_and_each_host_s_robots_txt():
    answers = {
        URL: moved("http://b.org/2", 301),
        "http://b.org/robots.txt": robots_txt("User-agent: *", "Disallow: /3"),
        "http://b.org/2": page("There"),
    }
    found, _ = await explained(answers)
    assert [(step.url, step.http_status) for step in found.steps] == [
        (URL, 301), ("http://b.org/2", 200),
    ]  # fmt: skip
    assert all(step.elapsed_s > 0 for step in found.steps)
    assert [(verdict.url, verdict.why) for verdict in found.robots] == [
        (URL, "no rules: robots.txt answers 404"), ("http://b.org/2", "no line matches"),
    ]  # fmt: skip


async def test_the_charset_comes_with_who_named_it():
    body = "<title>Стул</title><p>Стул".encode("cp1251")
    answer = httpx.Response(
        200, content=body, headers={"Content-Type": "text/html; charset=cp1251"}
    )
    found, _ = await explained({URL: answer})
    assert found.outcome.charset == "windows-1251"
    assert found.charset is not None
    assert "header" in found.charset


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (response(404), Reason.HTTP_4XX),
        (response(200, ""), Reason.NO_CONTENT),
        (
            httpx.Response(200, content=b"x", headers={"Content-Type": "image/png"}),
            Reason.UNWANTED_TYPE,
        ),
        ([httpx.ConnectTimeout("slow")] * 3, Reason.TIMEOUT),
    ],
    ids=["404", "empty", "picture", "timeout"],
)
async def test_without_items_the_outcome_says_why(answer, reason):
    found, _ = await explained({URL: answer}, sites=RULES)
    assert (found.outcome.reason, found.found, found.items) == (reason, (), ())


async def test_a_host_that_asks_for_too_long_a_wait_is_explained():
    found, _ = await explained({URL: response(429, retry_after="99999")})
    assert found.outcome.reason is Reason.DEFERRED


async def test_a_public_host_needs_a_contact():
    with pytest.raises(ConfigError, match=r"http\.contact"):
        await explained({URL: page()}, flags=["http.contact=none"])


async def test_what_is_no_url_is_told():
    with pytest.raises(ConfigError, match="is no http"):
        await explained({}, url="example.org")
