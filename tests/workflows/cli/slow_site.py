"""A website that doesn't answer some pages for as long as it is told so."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    path: str


@dataclass
class SlowSite:
    port: int = 0
    hangs: bool = True
    requests: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def slow_site() -> Iterator[SlowSite]:
    site = SlowSite()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.requests.append(Asked(self.path))
            while self.path == "/hangs" and site.hangs:
                time.sleep(0.02)
            body = b"<title>A page</title><p>some text"
            self.send_response(200)
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
            site.hangs = False
            server.shutdown()
            thread.join()
