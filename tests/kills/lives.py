"""Runs of the demo's crawl whose processes are really killed, and what is left of them.

The proof is the website's own log and the dataset, never a counter of ours: what was asked for,
what stood whole in the archive when a life ended, what was asked for after it.
"""

import gzip
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import orjson

from scraper.archive.warc import read_records
from scraper.demo import serve_demo, write_demo
from scraper.demo.server import DemoServer
from scraper.demo.site import HOSTS, build_routes
from scraper.store import Store
from tests.workflows.cli.command import SCRAPER

PATIENCE_S = 90.0
LOOK_S = 0.001

Page = tuple[str, str]
"""Host and path."""


@dataclass
class Lives:
    """One run in a folder of its own, life after life."""

    folder: Path
    server: DemoServer
    flags: tuple[str, ...] = ()
    run: str = "demo/r"
    killed_at_s: list[float] = field(default_factory=list)
    lost: list[Counter[Page]] = field(default_factory=list)

    def begin(self, *words: str, **more: object) -> subprocess.Popen[str]:
        """Begin the run; it is the leader of a process group of its own."""
        crawl_file = write_demo(self.folder, self.server.port)
        settings = [word for flag in self.flags for word in ("--set", flag)]
        return self.started(
            "run", str(crawl_file), "--run-id", self.run.split("/")[1], *settings, *words, **more
        )

    def resumed(self, *words: str) -> subprocess.Popen[str]:
        """Go on with it."""
        return self.started("resume", self.run, *words)

    def started(self, *words: str, **more: object) -> subprocess.Popen[str]:
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]  # passed on
            [SCRAPER, *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **more,
        )

    def noted(self) -> int:
        """How many lives have left word of themselves in the store."""
        return len(list((self.folder / "crawls" / self.run / "lives").iterdir()))

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill the whole group, at once; remember what was lost."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.killed_at_s.append(time.monotonic())
        self.lost.append(self.asked() - self.archived())

    def kill_when(self, process: subprocess.Popen[str], has_come: Callable[[], bool]) -> None:
        """Kill a life the moment that something has come to pass."""
        self.wait(process, has_come)
        self.kill(process)

    def wait(self, process: subprocess.Popen[str], has_come: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not has_come():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(LOOK_S)

    def lives_for(self, process: subprocess.Popen[str], seconds: float) -> bool:
        """Whether a life is still going on after so many seconds."""
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def ended(self, process: subprocess.Popen[str]) -> dict[str, object]:
        """Wait for a life that ends by itself; its summary."""
        _, stderr = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, stderr
        assert "Traceback" not in stderr
        return self.summary()

    def summary(self) -> dict[str, object]:
        found: dict[str, object] = orjson.loads((self.path / "summary.json").read_bytes())
        return found

    @property
    def path(self) -> Path:
        return self.folder / "crawls" / self.run

    def has(self, pattern: str) -> Callable[[], bool]:
        """Whether a file of the run is there."""
        return lambda: next(self.path.glob(pattern), None) is not None

    def was_asked(self, more: int) -> Callable[[], bool]:
        """Whether the website was asked so many times from now on."""
        goal = len(self.server.requests) + more
        return lambda: len(self.server.requests) >= goal

    def asked(self) -> Counter[Page]:
        """The product pages that were answered well, and how often: nothing leads to them twice."""
        log = (r for r in list(self.server.requests) if r.status == 200)
        return Counter((r.host, r.path) for r in log if r.path.startswith("/p/"))

    def archived(self) -> Counter[Page]:
        """How often the archive has them, whole."""
        found: Counter[Page] = Counter()
        for record in self._records():
            if record.kind == "response":
                url = urlsplit(record.fields["warc-target-uri"])
                found[str(url.hostname), url.path] += url.path.startswith("/p/")
        return +found

    def flushed(self) -> set[Page]:
        """The pages of rows whose last word stands in the archive."""
        metadata = (record.metadata or {} for record in self._records())
        urls = [urlsplit(str(m["url"])) for m in metadata if "row" in m and m["reason"] == "ok"]
        return {(str(url.hostname), url.path) for url in urls if url.path.startswith("/p/")}

    def _records(self) -> Iterator:  # type: ignore[type-arg]  # of WARC records
        if not self.path.is_dir():
            return
        store = Store(str(self.folder / "crawls"))
        for key in store.list(self.run):
            if key.endswith(".warc.gz"):
                yield from read_records(store.stream(key))

    def late_losses(self, flush_s: float) -> list[float]:
        """How long before its kill each lost page was asked for, beyond the flush interval."""
        log = list(self.server.requests)
        last = {(r.host, r.path): [] for r in log}  # type: ignore[var-annotated]  # of times
        for request in log:
            last[request.host, request.path].append(request.at_s)
        found = []
        before: Counter[Page] = Counter()
        for at_s, lost in zip(self.killed_at_s, self.lost, strict=True):
            for page in lost - before:
                asked_at_s = max(s for s in last[page] if s <= at_s)
                found.append(at_s - asked_at_s - flush_s)
            before = lost
        return found


@contextmanager
def demo_at(port: int = 0) -> Iterator[DemoServer]:
    """The demo's website, fresh: its answers that change begin anew."""
    with serve_demo(port=port) as server:
        yield server


VOLATILE = {
    "outcomes.parquet": "attempts, elapsed_s, fetched_at, batch",
    "items.parquet": "fetched_at",
}
_OF_THE_RUN = {"run_id", "pages_per_s", "duration_s", "resumed"}


def dataset(lives: Lives) -> dict[str, object]:
    """All of a finished run that an undisturbed one has alike."""
    tables: dict[str, object] = {
        name: duckdb.sql(
            f"SELECT * EXCLUDE ({columns}) FROM '{lives.path / name}' ORDER BY ALL"
        ).fetchall()
        for name, columns in VOLATILE.items()
    }
    summary = {k: v for k, v in lives.summary().items() if k not in _OF_THE_RUN}
    failed = (lives.path / "failed.jsonl").read_text().splitlines()
    return tables | {"summary": summary, "failed": [_without_run(line) for line in failed]}


def _without_run(line: str) -> dict[str, object]:
    row: dict[str, object] = orjson.loads(line)
    added = row.get("_failed")
    if isinstance(added, dict):
        added.pop("run", None)
        added.pop("attempts", None)
    return row


def unreadable(run: Path) -> list[str]:
    """The files of a run that aren't whole; one that was being written has no name that counts."""
    files = [path for path in run.rglob("*") if path.is_file() and "#" not in path.name]
    return [path.name for path in files if not _is_whole(path)]


def _is_whole(path: Path) -> bool:
    data = path.read_bytes()
    if path.name.endswith(".warc.gz"):
        return sum(record.length for record in read_records([data])) == len(data)
    if path.suffix == ".parquet":
        return (data[:4], data[-4:]) == (b"PAR1", b"PAR1")
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if ".json" in path.name:
        return all(orjson.loads(line) for line in data.splitlines() if path.suffix != ".json")
    return True


def redirect_targets(port: int) -> set[Page]:
    """Where the site's redirects lead: such a page is asked for by two rows."""
    answers = [answer for turns in build_routes(port).values() for answer in turns]
    found = [value for answer in answers for name, value in answer.headers if name == "Location"]
    paths = {urlsplit(url).path for url in found}
    return {(host, path) for host in HOSTS for path in paths}


def product_pages(requests: Iterable[object]) -> set[Page]:
    found = {(r.host, r.path) for r in requests}  # type: ignore[attr-defined]  # as logged
    return {page for page in found if page[1].startswith("/p/")}
