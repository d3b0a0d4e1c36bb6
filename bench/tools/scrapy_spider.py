"""The work done by Scrapy, set up as its documentation advises for broad crawls.

    python scrapy_spider.py LIST OUT CONNECTIONS PER_HOST [HANDLER]

Advised there, and set: more concurrent requests, log level INFO, no cookies, no retries, no
redirects, a shorter download timeout, a larger thread pool; the scheduler's queue for many
domains and the asyncio reactor are defaults now. Off besides: the telnet console. On: robots.txt
(which we obey too), the filter of duplicates (we drop them too). The dataset is written by the
feed export, as JSON lines. HANDLER `aiohttp` takes Scrapy's experimental download handler.

Source: https://docs.scrapy.org/en/latest/topics/broad-crawls.html
"""

import logging
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import scrapy
from parsel_fields import record
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response

__all__: list[str] = []

_AIOHTTP = {"http": "scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler"}


class Pages(scrapy.Spider):
    """Asks for each URL of a list and takes its record."""

    name = "pages"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """The requests, one by one."""
        for url in Path(self.settings["LIST"]).read_text().split():
            yield scrapy.Request(url)

    def parse(self, response: Response) -> Iterator[dict[str, object]]:
        """The record of a page."""
        yield record(response.selector, response.url, asked=response.request.url)


def main(urls: str, out: str, connections: int, per_host: int, handler: str = "") -> None:
    """Crawl a list into a file."""
    settings = {
        "LIST": urls,
        "FEEDS": {out: {"format": "jsonlines"}},
        "CONCURRENT_REQUESTS": connections,
        "CONCURRENT_REQUESTS_PER_DOMAIN": per_host,
        "REACTOR_THREADPOOL_MAXSIZE": 20,
        "LOG_LEVEL": "INFO",
        "COOKIES_ENABLED": False,
        "RETRY_ENABLED": False,
        "REDIRECT_ENABLED": False,
        "DOWNLOAD_TIMEOUT": 15,
        "ROBOTSTXT_OBEY": True,
        "HTTPCACHE_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "DOWNLOAD_HANDLERS": _AIOHTTP if handler == "aiohttp" else {},
    }
    process = AsyncCrawlerProcess(settings)
    process.crawl(Pages)
    process.start()
    logging.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:6])
