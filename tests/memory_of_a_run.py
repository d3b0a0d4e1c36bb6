"""Prints the peak memory, in MB, of a run over so many pages of 40 KB: before, after publishing."""

import asyncio
import resource
import sys
import tempfile
from pathlib import Path

import httpx

from scraper.plan.cut import load_wave
from scraper.poll import poll
from scraper.publish.commit import publish
from scraper.session import open_session
from scraper.submit import submit
from tests.scraper.batches import jobs, plan, store_in

BODY = b"<title>A page</title><p>" + b"some words of text " * 2000


async def answer(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=BODY, headers={"Content-Type": "text/html"})


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


async def run(folder: Path, pages: int) -> None:
    store = store_in(folder)
    rows = [f"http://h{n % 7}.org/{n}" for n in range(pages)]
    info = plan(store, rows, "batch.size=100", "archive.flush_bytes=500000")
    async with open_session(info, store, transport=httpx.MockTransport(answer)) as session:
        for job in jobs(info, store):
            await submit(session, job)
            await poll(session, job)
    print(peak_mb())
    wave = load_wave(store, info.run, 1)
    assert wave is not None
    assert publish(info, store, [wave]).outcomes["ok"] == pages


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(run(Path(name), int(sys.argv[1])))
    print(peak_mb())
