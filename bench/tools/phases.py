"""A run as `scraper run` does it, or its planning or publishing alone, with its phases timed.

    python phases.py LIST STORE OUT CONNECTIONS PER_HOST [--plan-only | --publish-only]

What is published alone is what `finished.py` left in the store. Out: a JSON object in the file
OUT: seconds of `plan` and `publish`.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from time import perf_counter
from typing import ParamSpec, TypeVar

from finished import RUN

import workflows.crawl
from scraper.crawl import resolve_crawl
from scraper.plan.cut import load_wave
from scraper.run import load_run
from scraper.stopping import StopFlag
from scraper.store import Store
from workflows.cli.local import run_locally
from workflows.request import CrawlRequest

__all__: list[str] = []

Given = ParamSpec("Given")
Found = TypeVar("Found")


def timed(
    name: str, function: Callable[Given, Found], into: dict[str, float]
) -> Callable[Given, Found]:
    """The function, its seconds put into a dict."""

    @wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        start = perf_counter()
        found = function(*args, **kwargs)
        into[name] = perf_counter() - start
        return found

    return run


def main(seeds: str, store: str, *, settings: list[str], only: str) -> dict[str, float]:
    """Run, or do but one phase; give the seconds of the phases."""
    found: dict[str, float] = {}
    prepare = timed("plan", workflows.crawl.prepare_apart, found)
    publish = timed("publish", workflows.crawl.publish_apart, found)
    if only == "--publish-only":
        place = Store(store)
        info, wave = load_run(place, RUN), load_wave(place, RUN, 1)
        assert info is not None
        assert wave is not None
        publish(info, place, [wave], stop=StopFlag())
        return found
    if only == "--plan-only":
        spec = resolve_crawl(seeds, flags=settings, environ={})
        prepare(spec, Store(store), "r", at=datetime.now(UTC))
        return found
    workflows.crawl.prepare_apart = prepare
    workflows.crawl.publish_apart = publish
    request = CrawlRequest(seeds=seeds, store=store, run_id="r", settings=settings)
    assert run_locally(request, quiet=True).summary is not None
    return found


if __name__ == "__main__":
    fast = [
        "network.allow=127.0.0.0/8",
        "throttle.delay_s=0",
        "throttle.jitter=0",
        f"http.connections={sys.argv[4]}",
        f"throttle.concurrency={sys.argv[5]}",
    ]
    times = main(sys.argv[1], sys.argv[2], settings=fast, only="".join(sys.argv[6:]))
    Path(sys.argv[3]).write_text(json.dumps(times))
