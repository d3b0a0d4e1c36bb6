"""A real web server on loopback in a thread of its own, for what runs without an event loop."""

import gzip
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple


class Asked(NamedTuple):
    """One request: its Host header's name, its path, when it came."""

    host: str
    path: str
    at_s: float


@dataclass
class Origin:
    """Answers by path, the last one of several for all later requests; else 404.

    An answer is a body, or a status with headers and a body. `on_asked` is called with the path,
    in the thread of the request, before it is answered.
    """

    answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)
    closes: bool = False
    port: int = 0
    on_asked: Callable[[str], None] = lambda _path: None

    def add(self, path: str, body: bytes = b"", *, http_status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(path, []).append((http_status, named, body))

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.log]


def packed(body: bytes) -> dict[str, object]:
    """A body in Content-Encoding gzip, for `Origin.add`."""
    return {"body": gzip.compress(body), "content_encoding": "gzip"}


@contextmanager
def serve_origin() -> Iterator[Origin]:
    origin = Origin()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host = self.headers["Host"].partition(":")[0]
            origin.log.append(Asked(host, self.path, time.time()))
            origin.on_asked(self.path)
            known = origin.answers.get(self.path, [(404, {}, b"")])
            http_status, headers, body = known.pop(0) if len(known) > 1 else known[0]
            self.send_response(http_status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            # Kept alive, as far as the client knows.
            self.close_connection = origin.closes

        def log_message(self, *_words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        # A client that was killed doesn't take its answer.
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # of this one only
        origin.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield origin
        finally:
            server.shutdown()
            thread.join()
