"""Our own fetch and parse, and nothing else: what `scraper run` adds is its difference to this.

    python bare.py LIST OUT CONNECTIONS PER_HOST

Our client (httpx over aiohttp), our extraction, JSON lines: workers over one iterator, no
robots.txt, no throttle, no archive, no accounting, no Flyte. PER_HOST is not used.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from scraper.extract.page import extract
from scraper.fetch.client import Client, open_client
from scraper.fetch.page import decoded_page
from scraper.models import Attempt, Exchange, Reason
from scraper.settings_table import Http, Network

__all__: list[str] = []

_MAX_BYTES = 10_485_760


async def crawl(urls: Iterator[str], out: BinaryIO, connections: int) -> None:
    """Fetch and parse all URLs into a file."""
    http = Http(connections=connections)
    async with (
        open_client(http, Network(allow=("127.0.0.0/8",))) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(connections):
            group.create_task(_worker(client, urls, out))


async def _worker(client: Client, urls: Iterator[str], file: BinaryIO) -> None:
    for url in urls:
        exchange = await client.get(url, deadline_s=60, max_bytes=_MAX_BYTES)
        file.write(_line(url, exchange))


def _line(url: str, exchange: Exchange) -> bytes:
    attempt = Attempt(row=1, url=url, number=1, reason=Reason.OK, at=exchange.at, final_url=url)
    headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in exchange.response_headers]
    page = decoded_page(
        attempt, headers, exchange.body, http_status=exchange.http_status, max_bytes=_MAX_BYTES
    )
    return orjson.dumps({"url": url} | extract(page, None).items[0]) + b"\n"


if __name__ == "__main__":
    with Path(sys.argv[1]).open() as lines, Path(sys.argv[2]).open("wb") as file:
        asyncio.run(crawl(map(str.strip, lines), file, int(sys.argv[3])))
