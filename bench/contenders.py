"""Who takes part: the command of each tool for a list, and how its dataset is read.

Every command gets a list of URLs, a folder of its own for what it writes, the number of
connections and of those to one host. How a peer is set up stands in its script under `tools/`.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from scraper.settings_table import Batch

__all__ = ["CONTENDERS", "Contender", "Task", "default_tools"]

_TOOLS = Path(__file__).parent / "tools"
_ROOT = Path(__file__).parent.parent
_PEERS = _ROOT / ".venv-bench"
_PEER_PYTHON = _PEERS / "bin/python"
_OURS = Path(sys.executable).parent / "scraper"
_HAS_WORKERS = "workers" in Batch.model_fields

Command = list[str | Path]
Rows = Iterator[dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run of a tool."""

    urls: Path
    folder: Path
    connections: int
    per_host: int

    @property
    def out(self) -> Path:
        """The dataset of a tool that writes one file."""
        return self.folder / "out.jsonl"

    def words(self) -> Command:
        """What a script under `tools/` is given."""
        return [self.urls, self.out, str(self.connections), str(self.per_host)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A tool: its command, how its dataset is read, how many cores it gets.

    One that is very fast fetches several times the pages, so that its start-up can be taken off.
    """

    label: str
    command: Callable[[Task], Command]
    rows: Callable[[Task], Rows]
    cores: int = 1
    times_pages: int = 1


def _ours(task: Task, workers: int = 1) -> Command:
    settings = {
        "network.allow": "127.0.0.0/8",
        "throttle.delay_s": "0",
        "throttle.jitter": "0",
        "throttle.concurrency": str(task.per_host),
        "http.connections": str(task.connections // workers),
    }
    if _HAS_WORKERS:
        settings["batch.workers"] = str(workers)
    words: Command = [_OURS, "run", task.urls, "--store", task.folder / "store", "--run-id", "r"]
    for key, value in settings.items():
        words += ["--set", f"{key}={value}"]
    return [*words, "-q"]


def _our_rows(task: Task) -> Rows:
    path = task.folder / "store" / task.urls.stem / "r/items.parquet"
    found = duckdb.execute("SELECT * FROM read_parquet(?)", [str(path)])
    names = [column[0] for column in found.description or ()]
    for row in found.fetchall():
        yield dict(zip(names, row, strict=True))


def _json_lines(task: Task) -> Rows:
    with task.out.open() as lines:
        yield from map(json.loads, lines)


def _nothing(_task: Task) -> Rows:
    yield from ()


def _crawlee(task: Task) -> Command:
    out = task.folder / "out.json"
    script = _TOOLS / "crawlee_crawler.py"
    return [_PEER_PYTHON, script, task.urls, out, str(task.connections), str(task.per_host)]


def _scrapy(task: Task, *words: str) -> Command:
    return [_PEER_PYTHON, _TOOLS / "scrapy_spider.py", *task.words(), *words]


def _limit(task: Task, *words: str) -> Command:
    packages = next(_PEERS.glob("lib/python*/site-packages"))
    return [sys.executable, _TOOLS / "limit.py", *task.words(), packages, *words]


CONTENDERS = {
    "ours": Contender(label="`scraper run`", command=_ours, rows=_our_rows),
    "ours-2": Contender(
        label="`scraper run`, two workers",
        command=lambda task: _ours(task, workers=2),
        rows=_our_rows,
        cores=2,
        # Ten URLs start no worker: what starting them takes is spread over more pages.
        times_pages=4,
    ),
    "scrapy": Contender(label="Scrapy", command=_scrapy, rows=_json_lines),
    "scrapy-aiohttp": Contender(
        label="Scrapy, aiohttp handler",
        command=lambda task: _scrapy(task, "aiohttp"),
        rows=_json_lines,
    ),
    "crawlee": Contender(
        label="Crawlee",
        command=_crawlee,
        rows=lambda task: iter(json.loads((task.folder / "out.json").read_text())),
    ),
    "limit": Contender(label="limit: pycurl and our parser", command=_limit, rows=_json_lines),
    "bare": Contender(
        label="our fetch and parse alone",
        command=lambda task: [sys.executable, _TOOLS / "bare.py", *task.words()],
        rows=_json_lines,
    ),
    "fetch": Contender(
        label="pycurl alone: the origin's headroom",
        command=lambda task: _limit(task, "--fetch-only"),
        rows=_nothing,
        times_pages=10,
    ),
}
"""By the names that `--tools` takes."""


def default_tools() -> tuple[str, ...]:
    """All of them, the two workers only where there are two cores and such a setting."""
    has_two = _HAS_WORKERS and len(os.sched_getaffinity(0)) > 1
    return tuple(name for name in CONTENDERS if name != "ours-2" or has_two)
