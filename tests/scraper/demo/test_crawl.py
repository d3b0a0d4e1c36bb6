"""The demo's list and crawl file, and a small crawl of it that knows nothing of the routes."""

import asyncio
import csv
import json
from collections import Counter
from itertools import pairwise
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from protego import Protego
from selectolax.lexbor import LexborHTMLParser

from scraper.crawlfile import CrawlFile, read_crawl_file
from scraper.demo import serve_demo, write_demo
from scraper.demo.crawl import DUPLICATES, EXPECTED, INVALID_URLS, ROWS, list_rows
from scraper.demo.pages import product_html
from scraper.demo.site import HOSTS, PRODUCTS_PER_HOST, shop_products
from scraper.models import Reason
from scraper.rules import rule_for
from scraper.settings import load_settings

PORT = 8765


def read_list(folder):
    with (folder / "demo.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def crawl_file(tmp_path) -> CrawlFile:
    return read_crawl_file(write_demo(tmp_path / "demo", PORT))


def test_the_numbers_add_up():
    assert (ROWS, DUPLICATES) == (1000, 12)
    assert DUPLICATES + sum(EXPECTED.values()) == ROWS


def test_the_expected_outcomes():
    assert EXPECTED == {
        "http_4xx": 20,
        "http_5xx": 1,
        "invalid_url": 3,
        "missing_field": 1,
        "no_content": 1,
        "ok": 953,
        "redirect_loop": 1,
        "robots_disallowed": 6,
        "truncated": 1,
        "unwanted_type": 1,
    }
    assert set(EXPECTED) <= set(Reason)


def test_the_port_changes_urls_only():
    moved = [(url.replace(":9999/", f":{PORT}/"), *rest) for url, *rest in list_rows(9999)]
    assert moved == list_rows(PORT)


def test_the_list_as_written(tmp_path):
    write_demo(tmp_path, PORT)
    rows = read_list(tmp_path)
    assert rows == [{"url": url, "shelf": shelf} for url, shelf, _ in list_rows(PORT)]
    assert [row["url"] for row in rows if row["shelf"] == "typo"] == list(INVALID_URLS)


def test_writing_again_writes_the_same(tmp_path):
    path = write_demo(tmp_path / "a" / "b", PORT)
    first = [path.read_bytes(), path.with_suffix(".csv").read_bytes()]
    assert write_demo(tmp_path / "a" / "b", PORT) == path == tmp_path / "a" / "b" / "demo.toml"
    assert [path.read_bytes(), path.with_suffix(".csv").read_bytes()] == first


def test_a_folder_that_can_not_be_made_is_an_error(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OSError, match="taken"):
        write_demo(tmp_path / "taken", PORT)


def test_troubles_of_a_host_stand_between_good_rows():
    for host in HOSTS:
        ends = [reason for url, _, reason in dict.fromkeys(list_rows(PORT)) if f"/{host}:" in url]
        assert ends.count(Reason.OK) > PRODUCTS_PER_HOST - 1
        bad = [place for place, reason in enumerate(ends) if reason is not Reason.OK]
        assert all(after - before > 5 for before, after in pairwise(bad))


def test_the_crawl_file_is_accepted(crawl_file):
    settings = load_settings(crawl_file.layer("demo.toml")).all
    assert crawl_file.seeds == ["demo.csv"]
    assert settings.network.allow == ("127.0.0.0/8",)
    assert settings.throttle.delay_s == 0.1
    assert settings.throttle.concurrency == 1


@pytest.mark.parametrize("host", HOSTS)
def test_the_rule_covers_every_shop(crawl_file, host):
    assert rule_for(f"http://{host}/", crawl_file.sites) == crawl_file.sites[0]


def by_css(tree, field):
    node = tree.css_first(field.css)
    return node.text() if field.attr is None else node.attributes[field.attr]


def by_json_ld(tree, field):
    value = json.loads(tree.css_first('script[type="application/ld+json"]').text())
    for step in field.json_ld.split("."):
        value = value[step]
    return value


@pytest.mark.parametrize("shop", range(1, 11), ids=HOSTS)
def test_the_rule_fits_every_product(crawl_file, shop):
    rule = crawl_file.sites[0]
    for product in shop_products(shop):
        page = product_html(product, [], origin="http://shop")
        tree = LexborHTMLParser(page.decode(product.encoding.codec))
        found = {
            name: by_css(tree, field) if field.css else by_json_ld(tree, field)
            for name, field in rule.fields.items()
        }
        assert found == {
            "name": product.name,
            "price": product.price,
            "currency": product.language.currency,
            "sku": product.sku,
            "category": product.category,
            "description": product.description,
            "image": product.image,
        }
        assert by_json_ld(tree, rule.fields["sku"]) == product.sku


class SmallCrawl:
    """Asks as the project does, but for its pauses: robots, redirects, three attempts."""

    def __init__(self, client, port):
        self.client, self.port = client, port
        self.robots = {}

    async def get(self, url):
        host = urlsplit(url).hostname
        local = url.replace(host, "127.0.0.1", 1)
        return await self.client.get(local, headers={"Host": f"{host}:{self.port}"})

    async def allowed(self, url):
        host = urlsplit(url).netloc
        if host not in self.robots:
            answer = await self.get(f"http://{host}/robots.txt")
            text = answer.text if answer.status_code == 200 else ""
            self.robots[host] = Protego.parse(text)
        return self.robots[host].can_fetch(url, "demo")

    async def attempt(self, url):
        for _ in range(10):
            if not await self.allowed(url):
                return "robots_disallowed"
            try:
                answer = await self.get(url)
            except httpx.RemoteProtocolError:
                return "truncated"
            if not answer.has_redirect_location:
                return self.classify(answer)
            url = urljoin(url, answer.headers["Location"])
        return "redirect_loop"

    def classify(self, answer):
        if answer.status_code != 200:
            return (
                "not_ready" if answer.status_code == 202 else f"http_{answer.status_code // 100}xx"
            )
        if not answer.headers["Content-Type"].startswith("text/html"):
            return "unwanted_type"
        if not answer.content:
            return "no_content"
        return "ok" if LexborHTMLParser(answer.content).css_first("h1") else "missing_field"

    async def outcome(self, url):
        for _ in range(3):
            reason = await self.attempt(url)
            if reason not in ("truncated", "not_ready", "http_5xx"):
                break
        return reason


@pytest.mark.sockets
@pytest.mark.anyio
async def test_a_real_crawl_ends_as_expected(tmp_path):
    with serve_demo(0) as server:
        write_demo(tmp_path, server.port)
        unique = dict.fromkeys(row["url"] for row in read_list(tmp_path))
        urls = [url for url in unique if url not in INVALID_URLS]
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            crawl = SmallCrawl(client, server.port)

            async def shop(host):
                return [await crawl.outcome(url) for url in urls if f"/{host}:" in url]

            reasons = await asyncio.gather(*(shop(host) for host in HOSTS))
    counted = Counter(reason for shop_reasons in reasons for reason in shop_reasons)
    assert {**counted, "invalid_url": len(INVALID_URLS)} == EXPECTED
    assert len(unique) == ROWS - DUPLICATES
    assert not [request for request in server.requests if request.path.startswith("/private/")]
