"""A cluster as the command line sees it: a configuration, a store, and nothing of this machine."""

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from scraper.store import Store
from tests.remote.runs import flushed_in, pages_of
from tests.remote.serving import Served
from tests.scraper.fetch.origin import Origin
from tests.workflows.cli.command import SCRAPER, scraper

PATIENCE_S = 60.0
CONFIG = """
admin:
  endpoint: dns:///{endpoint}
  insecure: true
task:
  org: o
  project: p
  domain: d
"""
QUICK = (
    "network.allow=127.0.0.0/8",
    "robots.obey=false",
    "throttle.delay_s=0",
    "retry.max_wait_s=0.01",
)


@dataclass
class Cluster:
    """A person's folder, and the cluster that the command line of it speaks to."""

    folder: Path
    served: Served
    origin: Origin
    store: str
    asked: threading.Event = field(default_factory=threading.Event)

    def configured(self) -> Path:
        """Flyte's own configuration of it."""
        self.folder.mkdir()
        path = self.folder / "flyte.yaml"
        path.write_text(CONFIG.format(endpoint=self.served.endpoint))
        return path

    @property
    def opened(self) -> Store:
        return Store(self.store)

    def listed(self, count: int, *, hosts: int = 2, name: str = "shop.txt") -> Path:
        """A list, in the person's folder, of so many pages that the website has."""
        seeds = self.folder / name
        seeds.write_text(pages_of(self.origin, count, hosts=hosts))
        return seeds

    @contextmanager
    def held(self, path: str) -> Iterator[None]:
        """Once a page has been asked for: its answer waits until the block ends."""
        asked, let_go = threading.Event(), threading.Event()

        def hold(found: str) -> None:
            if found == path:
                asked.set()
                let_go.wait(PATIENCE_S)

        self.origin.on_asked = hold
        self.asked = asked
        try:
            yield
        finally:
            let_go.set()

    def wait_for_roots(self) -> None:
        """Wait until all runs that were begun are over."""
        plane = self.served.plane
        jobs = [action.job for action in list(plane.actions.values()) if not action.parent]
        over = asyncio.wait([job for job in jobs if job is not None])
        asyncio.run_coroutine_threadsafe(over, plane.loop).result(PATIENCE_S)

    def flushed(self, run: str) -> int:
        """How many attempts of a run are in its archive."""
        return len(flushed_in(self.opened, run))

    def log(self) -> str:
        """What the first actions of all runs said, for a test that fails."""
        folder = self.served.plane.containers.folder
        return "\n".join(path.read_text() for path in sorted(folder.glob("*/a0*/*/log")))

    def words(self, *words: object) -> list[object]:
        """A command about its store."""
        return [*words, "--store", self.store]

    def run(self, *words: object, stdin: str | None = None):
        """Type a command in the person's folder, and wait for its end."""
        return scraper(*self.words(*words), cwd=self.folder, stdin=stdin, timeout_s=120)

    def begun(self, *words: object, stdin: IO[str] | None = None) -> "subprocess.Popen[str]":
        """Type a command in the person's folder."""
        return subprocess.Popen(
            [SCRAPER, *map(str, self.words(*words))],
            cwd=self.folder,
            env=dict(os.environ),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def quick(**more: object) -> list[str]:
    """The settings of a crawl of a website on this machine."""
    settings = [*QUICK, *(f"{name}={value}" for name, value in more.items())]
    return [word for setting in settings for word in ("--set", setting)]
