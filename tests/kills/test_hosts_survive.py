"""What a host said, and how often it failed, outlives the process that heard it."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import duckdb
import pytest

from scraper.archive.warc import read_records
from tests.workflows.cli.command import SCRAPER

pytestmark = pytest.mark.sockets

RETRY_AFTER_S = 4
DELAY_S = 0.1
SETTINGS = (
    "network.allow=127.0.0.0/8",
    "robots.obey=false",
    "throttle.jitter=0",
    f"throttle.delay_s={DELAY_S}",
    "throttle.give_up_after=5",
    "retry.max_wait_s=5",
    "archive.flush_s=0.05",
)


@dataclass(frozen=True)
class Asked:
    at_s: float
    host: str
    path: str


@dataclass
class Site:
    """`dead.localhost` always fails, `busy.localhost` wants a pause once, the others answer."""

    port: int = 0
    log: list[Asked] = field(default_factory=list)

    def of(self, name: str) -> list[Asked]:
        return [asked for asked in self.log if asked.host == f"{name}.localhost"]

    def url(self, name: str, path: object) -> str:
        return f"http://{name}.localhost:{self.port}/{path}"


@contextmanager
def served() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            host = self.headers["Host"].partition(":")[0]
            site.log.append(Asked(time.time(), host, self.path))
            is_first = len(site.of("busy")) == 1
            body = b"<title>A page</title><p>some text"
            self.send_response({"dead.localhost": 500}.get(host, 200))
            if host == "busy.localhost" and is_first:
                self._headers_buffer.clear()
                self.send_response(503)
                self.send_header("Retry-After", str(RETRY_AFTER_S))
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        server.handle_error = lambda *_: None
        site.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


def life(tmp_path, *words):
    return subprocess.Popen([SCRAPER, *words, "-q"], cwd=tmp_path, stderr=subprocess.PIPE)


def wait(process, has_come):
    deadline = time.monotonic() + 60
    while not has_come():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


def whole_attempts(tmp_path):
    """How many attempts are in the archive, whole."""
    parts = tmp_path.glob("crawls/shop/r/batches/*/*.warc.gz")
    records = [record for part in parts for record in read_records([part.read_bytes()])]
    return sum("row" in (record.metadata or {}) for record in records)


def killed_when_flushed(tmp_path, process, count):
    """Kill a life when so many attempts are in the archive."""
    wait(process, lambda: whole_attempts(tmp_path) >= count)
    process.kill()
    process.communicate()


def test_failures_in_a_row_and_pauses_are_counted_over_lives(tmp_path):
    with served() as site:
        rows = [site.url("dead", n) for n in range(12)]
        rows += [site.url("busy", n) for n in range(2)]
        (tmp_path / "shop.txt").write_text("\n".join(rows))
        settings = [word for setting in SETTINGS for word in ("--set", setting)]
        process = life(tmp_path, "run", "shop.txt", "--run-id", "r", *settings)
        killed_when_flushed(tmp_path, process, 3)
        for count in (4, 5):
            process = life(tmp_path, "resume", "shop")
            killed_when_flushed(tmp_path, process, count)
        process = life(tmp_path, "resume", "shop")
        _, stderr = process.communicate(timeout=60)
        assert (process.returncode, stderr) == (0, b"")
        outcomes = tmp_path / "crawls/shop/r/outcomes.parquet"
        found = duckdb.sql(f"SELECT host, reason, count(*) FROM '{outcomes}' GROUP BY ALL")
        assert {(host, reason) for host, reason, _ in found.fetchall()} == {
            ("dead.localhost", "http_5xx"),
            ("dead.localhost", "host_given_up"),
            ("busy.localhost", "ok"),
        }
        # Given up after five failures in a row, those that a kill took with it apart: a life each.
        assert 5 <= len(site.of("dead")) <= 5 + 3
        first, *others = site.of("busy")
        assert [asked.at_s - first.at_s >= RETRY_AFTER_S - 0.1 for asked in others] == [
            True for _ in others
        ]
        assert {asked.path for asked in others} == {"/0", "/1"}
        for name in ("dead", "busy"):
            gaps = [later.at_s - asked.at_s for asked, later in pairwise(site.of(name))]
            assert min(gaps) >= DELAY_S * 0.5
