"""The work done by Crawlee, set up as its documentation advises for speed.

    python crawlee_crawler.py LIST OUT CONNECTIONS PER_HOST

A `ParselCrawler` (an HTTP crawler, not a browser) over its default client, storage in memory, the
concurrency that it would grow to set from the start and kept, although the system is loaded. Off:
the session pool and the retries of blocked pages, which are not needed here. On: robots.txt. The
dataset is written by `export_data`, as JSON. It has no limit a host: PER_HOST is not used.

Source: https://crawlee.dev/python/docs/guides/scaling-crawlers
"""

import asyncio
import sys
from pathlib import Path

from crawlee import ConcurrencySettings, service_locator
from crawlee.configuration import Configuration
from crawlee.crawlers import ParselCrawler, ParselCrawlingContext
from crawlee.storage_clients import MemoryStorageClient
from parsel_fields import record

__all__: list[str] = []


async def main(urls: str, out: str, connections: int) -> None:
    """Crawl a list into a file."""
    service_locator.set_configuration(Configuration(log_level="WARNING"))
    crawler = ParselCrawler(
        storage_client=MemoryStorageClient(),
        respect_robots_txt_file=True,
        use_session_pool=False,
        retry_on_blocked=False,
        concurrency_settings=ConcurrencySettings(
            min_concurrency=connections,
            desired_concurrency=connections,
            max_concurrency=connections,
        ),
    )

    @crawler.router.default_handler
    async def handle(context: ParselCrawlingContext) -> None:
        url = context.request.loaded_url or context.request.url
        await context.push_data(record(context.selector, url, asked=context.request.url))

    await crawler.run(Path(urls).read_text().split())
    await crawler.export_data(out)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
