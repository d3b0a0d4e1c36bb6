"""Kill a crawl again and again, and count what is asked for twice because of it.

    .venv/bin/python -m bench.kills --kills 50

One crawl of the demo's website with the default flush interval; each life is killed at a random
moment (of a fixed seed) after it has begun to ask. The figures come from the website's own log.
"""

import argparse
import random
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kills.lives import Lives, demo_at

FLAGS = ("throttle.delay_s=0.4", "throttle.jitter=0")
LIFE_S = (0.0, 3.0)


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    began = time.monotonic()
    with TemporaryDirectory() as folder, demo_at() as server:
        lives = Lives(Path(folder), server, flags=FLAGS)
        process = lives.begin("-q")
        while len(lives.lost) < options.kills:
            lives.wait(process, lives.was_asked(1))
            if not lives.lives_for(process, chance.uniform(*LIFE_S)):
                break
            lives.kill(process)
            process = lives.resumed("-q")
        summary = lives.ended(process)
        report(lives, summary, time.monotonic() - began)


def report(lives: Lives, summary: dict[str, object], seconds: float) -> None:
    """Print what was lost by each kill: pages that were answered and stand in no archive."""
    sums = [sum(lost.values()) for lost in lives.lost]
    each = [later - before for before, later in zip([0, *sums], sums, strict=False)]
    again = sum(lives.asked().values()) - len(lives.asked())
    print(f"{len(each)} kills in {seconds:.0f} s, outcomes {summary['outcomes']}")
    print(f"resumed {summary['resumed']}, balanced {summary['balanced']}")
    print(f"pages lost a kill: mean {statistics.mean(each):.1f}, most {max(each)}")
    print(f"pages asked for again in all: {again}, redirects to them included")
    print(f"longest before a kill, beyond 2 s: {max(lives.late_losses(2.0), default=0):.2f} s")


if __name__ == "__main__":
    main()
