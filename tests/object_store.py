"""A real S3 server in a process of its own: what obstore says to it goes over real sockets.

It lasts for a whole session, and is no child of the tests' process: some count theirs.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.processes import is_running, wait_until

DEADLINE_S = 60.0
BUCKET = "crawls"


@dataclass
class ObjectStore:
    """The server, and what is said to it goes to its port."""

    port: int = 0
    pid: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What finds it, for obstore and for a process that is started."""
        return {
            "AWS_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

    def start(self) -> None:
        self.port = _free_port()
        words = [sys.executable, "-m", "moto.server", "-p", str(self.port), "-H", "127.0.0.1"]
        # The shell that has started it is gone before it answers.
        started = subprocess.run(
            ["sh", "-c", '"$@" >/dev/null 2>&1 & echo $!', "sh", *words],
            stdout=subprocess.PIPE,
            check=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        self.pid = int(started.stdout)
        deadline = time.monotonic() + DEADLINE_S
        while self._asked("GET", "/") != 200:
            assert is_running(self.pid), "the S3 server ended"
            assert time.monotonic() < deadline, "the S3 server doesn't answer"
            time.sleep(0.05)

    def stop(self) -> None:
        if self.pid and is_running(self.pid):
            os.kill(self.pid, signal.SIGKILL)
            wait_until(lambda: not is_running(self.pid))

    def make_bucket(self, name: str) -> None:
        assert self._asked("PUT", f"/{name}") == 200

    def _asked(self, method: str, path: str) -> int | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with suppress(OSError, http.client.HTTPException):
            connection.request(method, path)
            return connection.getresponse().status
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """The server, with its one bucket, for as long as the context lasts."""
    server = ObjectStore()
    try:
        server.start()
        server.make_bucket(BUCKET)
        yield server
    finally:
        server.stop()
