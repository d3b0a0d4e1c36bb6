"""Prints the peak memory, in MB, before and after so many bombs at once, and their reasons."""

import asyncio
import gzip
import sys
import zlib
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import brotli
from backports import zstd

from scraper.fetch.alone import open_lone_fetcher, seed_of
from tests.scraper.batches import quick_settings
from tests.scraper.fetch.hostile import OK, whole
from tests.scraper.fetch.scripted import Endless, Script, scripted_server

ZEROS = bytes(50_000_000)
PLAIN = gzip.compress(ZEROS)
BOMBS: list[Script] = [
    [whole(PLAIN, b"Content-Encoding: gzip")],
    [whole(zlib.compress(ZEROS), b"Content-Encoding: deflate")],
    [whole(gzip.compress(PLAIN), b"Content-Encoding: gzip, gzip")],
    [whole(brotli.compress(ZEROS, quality=1), b"Content-Encoding: br")],
    [whole(zstd.compress(ZEROS), b"Content-Encoding: zstd")],
    [OK + b"X: ", Endless((b"a" * 60_000,))],
    [OK + b"\r\n", Endless((b"a" * 60_000,))],
]


def peak_mb() -> int:
    # What `getrusage` says of a child includes its parent's peak.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


async def run(count: int) -> Counter[str]:
    """All of them at once, through one client, as a batch has it."""
    settings = quick_settings(
        "network.allow=127.0.0.0/8",
        "retry.attempts=1",
        "throttle.concurrency=1000",
        "throttle.give_up_after=1000",
    )
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(scripted_server(bomb)) for bomb in BOMBS]
        fetcher = await stack.enter_async_context(open_lone_fetcher(settings))
        print(peak_mb())
        fetches = (fetcher.fetch(seed_of(servers[n % len(BOMBS)].url)) for n in range(count))
        made = await asyncio.gather(*fetches)
    return Counter(last.reason for last, _ in made)


if __name__ == "__main__":
    reasons = asyncio.run(run(int(sys.argv[1])))
    print(peak_mb())
    print({str(reason): count for reason, count in reasons.items()})
