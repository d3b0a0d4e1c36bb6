"""What it costs to lose nothing: pages a second with the real flush and with none.

The same run of 4,000 pages of 10 KB over loopback, politeness off, as plain function calls, in
rounds that take turns: once with the default flush (2 seconds or 4 MiB, the first ones sooner),
once with an archive that is written but once, when a batch's phase ends.

    python bench/durability.py [PAGES] [ROUNDS]
"""

import asyncio
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from local_mode import cpu_s, plain
from measure import pinned, split_cores
from origin import running_origin, url_of

from scraper.archive import Archive

WAYS = ("real", "null")


async def _never(_archive: Archive) -> None:
    await asyncio.sleep(math.inf)


async def _not_yet(_archive: Archive) -> None:
    return


def one(way: str, pages: int) -> None:
    """One round in a process of its own: prints seconds and CPU seconds."""
    if way == "null":
        Archive._flush_on = _never  # type: ignore[method-assign]  # what is measured against
        Archive.flush_if_full = _not_yet  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as name:
        seeds = Path(name) / "list.txt"
        seeds.write_text("\n".join(map(url_of, range(pages))))
        start, cpu = time.perf_counter(), cpu_s()
        plain(str(seeds), f"{name}/store")
        print(time.perf_counter() - start, cpu_s() - cpu)
    sys.stdout.flush()
    os._exit(0)


def main(pages: int, rounds: int) -> None:
    """Take turns, print medians and the ratio of each pair of rounds."""
    tool_cores, other_cores = split_cores()
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    with running_origin(other_cores):
        for turn in range(rounds * 2):
            # Whoever comes first in a pair comes second in the next.
            way = WAYS[(turn + turn // 2) % 2]
            command = [sys.executable, __file__, "--one", way, str(pages)]
            done = subprocess.run(
                command, stdout=subprocess.PIPE, check=True, preexec_fn=pinned(tool_cores)
            )
            wall_s, used_s = map(float, done.stdout.split())
            found[way].append((wall_s, used_s))
    for way, runs in found.items():
        rates = sorted(pages / wall_s for wall_s, _ in runs)
        print(
            f"{way} flush {statistics.median(rates):7.0f} pages/s "
            f"({rates[0]:.0f} to {rates[-1]:.0f}), "
            f"{statistics.median(used_s for _, used_s in runs) / pages * 1000:.3f} ms CPU a page"
        )
    pairs = list(zip(found["real"], found["null"], strict=True))
    by_time = statistics.median(null[0] / real[0] for real, null in pairs)
    by_cpu = statistics.median(null[1] / real[1] for real, null in pairs)
    print(f"real to null: {by_time:.3f} in pages a second, {by_cpu:.3f} by CPU")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], int(sys.argv[3]))
    else:
        main(*(int(word) for word in (*sys.argv[1:], "4000", "5")[:2]))
