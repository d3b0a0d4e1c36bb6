"""What a page costs, and what share of it is Flyte's local mode.

The same run of 2,000 pages of 10 KB over loopback, politeness off, in rounds that take turns:
once through the orchestrator in Flyte's local mode, once as plain function calls.

    python bench/local_mode.py [PAGES] [ROUNDS]
"""

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from measure import pinned, split_cores
from origin import running_origin, url_of

FAST = [
    "network.allow=127.0.0.0/8",
    "throttle.delay_s=0",
    "throttle.concurrency=4",
    "http.connections=64",
]


def through_flyte(seeds: str, store: str) -> None:
    """The run as `scraper run` does it."""
    from workflows.cli.local import run_locally
    from workflows.request import CrawlRequest

    request = CrawlRequest(seeds=seeds, store=store, run_id="r", settings=FAST)
    assert run_locally(request, quiet=True).summary is not None


def plain(seeds: str, store_url: str) -> None:
    """The same steps, called one after another."""
    from scraper.crawl import resolve_crawl
    from scraper.models import BatchJob
    from scraper.plan.cut import load_wave
    from scraper.plan.prepare import prepare
    from scraper.poll import poll
    from scraper.publish.commit import publish
    from scraper.session import open_session
    from scraper.store import Store
    from scraper.submit import submit

    store = Store(store_url)
    spec = resolve_crawl(seeds, flags=FAST, environ={})
    info = prepare(spec, store, "r", at=datetime.now(UTC))
    wave = load_wave(store, info.run, 1)
    assert wave is not None

    async def partition(session, ids: list[str]) -> None:  # type: ignore[no-untyped-def]
        for batch in ids:
            job = BatchJob(
                store=store_url, run=info.run, batch=batch, alone=wave.is_alone, code_version="1"
            )
            await submit(session, job)
            await poll(session, job)

    async def work() -> None:
        async with open_session(info, store) as session:
            await asyncio.gather(*(partition(session, ids) for ids in wave.partitions()))

    asyncio.run(work())
    publish(info, store, [wave])


def one(way: str, pages: int) -> None:
    """One round in a process of its own: prints seconds and CPU seconds, imports apart."""
    import workflows.cli.local  # noqa: F401  # paid before the clock starts

    with tempfile.TemporaryDirectory() as name:
        seeds = Path(name) / "list.txt"
        seeds.write_text("\n".join(map(url_of, range(pages))))
        start, cpu = time.perf_counter(), cpu_s()
        (through_flyte if way == "flyte" else plain)(str(seeds), f"{name}/store")
        print(time.perf_counter() - start, cpu_s() - cpu)
    sys.stdout.flush()
    os._exit(0)


def cpu_s() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(pages: int, rounds: int) -> None:
    """Take turns, print medians and the ratio."""
    tool_cores, other_cores = split_cores()
    found: dict[str, list[tuple[float, float]]] = {"flyte": [], "plain": []}
    with running_origin(other_cores):
        for turn in range(rounds * 2):
            way = ("flyte", "plain")[turn % 2]
            command = [sys.executable, __file__, "--one", way, str(pages)]
            done = subprocess.run(
                command, stdout=subprocess.PIPE, check=True, preexec_fn=pinned(tool_cores)
            )
            wall_s, used_s = map(float, done.stdout.split())
            found[way].append((wall_s, used_s))
    cpu_ms = {}
    for way, runs in found.items():
        rates = sorted(pages / wall_s for wall_s, _ in runs)
        cpu_ms[way] = statistics.median(used_s for _, used_s in runs) / pages * 1000
        print(
            f"{way:<6} {statistics.median(rates):7.0f} pages/s "
            f"({rates[0]:.0f} to {rates[-1]:.0f}), {cpu_ms[way]:.3f} ms CPU a page"
        )
    print(f"Flyte's local mode: {cpu_ms['flyte'] / cpu_ms['plain'] - 1:+.1%} CPU")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], int(sys.argv[3]))
    else:
        main(*(int(word) for word in (*sys.argv[1:], "2000", "5")[:2]))
