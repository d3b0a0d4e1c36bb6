"""The record of a page, taken with parsel: for Scrapy and Crawlee alike.

The fields are those of our generic record: title, description, canonical, Open Graph, JSON-LD,
links and text. XPath is used throughout, which parsel needn't translate.
"""

import json
from urllib.parse import urljoin

from parsel import Selector

__all__ = ["record"]

_TEXT = "//body//text()[not(parent::script or parent::style or parent::noscript)]"


def record(selector: Selector, url: str, *, asked: str) -> dict[str, object]:
    """The fields of a page; `url` is the one that links are joined to."""
    canonical = selector.xpath("//link[@rel='canonical']/@href").get()
    graph = selector.xpath("//meta[starts-with(@property, 'og:')]")
    blocks = selector.xpath("//script[@type='application/ld+json']/text()").getall()
    return {
        "url": asked,
        "title": _collapsed(selector.xpath("//title//text()").getall()),
        "description": selector.xpath("//meta[@name='description']/@content").get(),
        "canonical_url": urljoin(url, canonical) if canonical else None,
        "lang": selector.xpath("/html/@lang").get(),
        "h1": _collapsed(selector.xpath("//h1[1]//text()").getall()),
        "text": _collapsed(selector.xpath(_TEXT).getall()),
        "links": _links(selector.xpath("//a/@href").getall(), url),
        "open_graph": {meta.attrib["property"]: meta.attrib.get("content") for meta in graph},
        "json_ld": [json.loads(block) for block in blocks],
    }


def _collapsed(texts: list[str]) -> str:
    return " ".join(" ".join(texts).split())


def _links(hrefs: list[str], url: str) -> list[str]:
    """Absolute, without fragments, in order, each once."""
    joined = (urljoin(url, href).partition("#")[0] for href in dict.fromkeys(hrefs))
    return [link for link in dict.fromkeys(joined) if link.startswith(("http://", "https://"))]
