"""A fast origin on loopback: 32 hosts, pages that are put together from pieces made beforehand.

    python bench/origin.py PORT

`/p10/0000001` is a page of 10 KB, `/p50/0000001` one of 50 KB; `/d/p10/0000001` is answered after
50 to 200 ms, ever the same for a path. The hosts are the addresses 127.0.0.1 to 127.0.0.32: every
tool can ask them without DNS. Requests of one connection are answered in turn.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import pinned
from pages import DIGITS, page

__all__ = ["HOSTS", "PORT", "running_origin", "url_of"]

HOSTS = 32
PORT = 8799
_BACKLOG = 1024
_MIN_DELAY_MS, _DELAYS_MS = 50, 151
_ROBOTS = b"User-agent: *\nDisallow: /private/\nDisallow: /*?session=\nAllow: /\n"


def url_of(n: int, *, size_kb: int = 10, late: bool = False) -> str:
    """The URL of a page; the hosts take turns."""
    way = "d/" if late else ""
    return f"http://127.0.0.{n % HOSTS + 1}:{PORT}/{way}p{size_kb}/{n:0{DIGITS}d}"


@contextmanager
def running_origin(cpus: set[int]) -> Iterator[None]:
    """Serve from a process of its own, on these cores."""
    command = [sys.executable, str(Path(__file__)), str(PORT)]
    origin = subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=pinned(cpus))
    assert origin.stdout is not None
    try:
        if origin.stdout.readline() != b"ready\n":
            raise SystemExit(f"the origin didn't start: is port {PORT} in use?")
        yield
    finally:
        origin.terminate()
        origin.wait()
        origin.stdout.close()


class _Connection(asyncio.Protocol):
    """Answers every request of a connection, at once or late."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a conversation."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._pending = b""
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            path = self._pending.split(b" ", 2)[1]
            self._pending = self._pending[end + 4 :]
            if path.startswith(b"/d/"):
                answer, delay_s = _answer(path[2:]), _delay_s(path)
                self._loop.call_later(delay_s, self._transport.write, answer)
            else:
                self._transport.write(_answer(path))


def _delay_s(path: bytes) -> float:
    """Spread evenly; a prime far from the hosts' number, so that none is slower than others."""
    return (_MIN_DELAY_MS + int(path.rsplit(b"/", 1)[1]) * 7919 % _DELAYS_MS) / 1000


def _answer(path: bytes) -> bytes:
    if path == b"/robots.txt":
        return _http(b"200 OK", b"text/plain", _ROBOTS)
    _, kind, number = path.split(b"/", 2) if path.count(b"/") == 2 else (b"", b"", b"")
    if not kind.startswith(b"p") or not kind[1:].isdigit() or not number.isdigit():
        return _http(b"404 Not Found", b"text/plain", b"")
    return _http(b"200 OK", b"text/html; charset=utf-8", page(int(kind[1:]) * 1024, int(number)))


def _http(status: bytes, content_type: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
    return head % (status, content_type, len(body)) + body


async def _serve(port: int) -> None:
    """Serve until the process is ended."""
    addresses = [f"127.0.0.{n}" for n in range(1, HOSTS + 1)]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, addresses, port, backlog=_BACKLOG)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
