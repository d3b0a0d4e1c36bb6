"""The demo website over real sockets: a port in, a running server out, stopped at the end.

One server on 127.0.0.1 is all the shops; the Host header tells them apart. It runs in a thread
with an event loop of its own and survives clients that break off, dawdle or talk nonsense.
Times are `time.monotonic` seconds. `OSError` when no port can be had.

Source: RFC 9112 (HTTP/1.1 messages, keep-alive).
"""

import asyncio
import errno
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http import HTTPStatus
from threading import Thread
from typing import NamedTuple

from scraper.demo.site import DEFAULT_PORT, NOT_FOUND, Answer, build_routes

__all__ = ["DemoServer", "LoggedRequest", "serve_demo"]

logger = logging.getLogger(__name__)

PATIENCE_S = 60.0
START_STOP_S = 10.0
MAX_HEAD_BYTES = 65_536

_BAD_REQUEST = Answer(status=400, body=b"That is no HTTP.")
_WRONG_METHOD = Answer(status=405, headers=(("Allow", "GET, HEAD"),))
# TimeoutError is an OSError, IncompleteReadError an EOFError.
_BROKEN_CLIENT = (OSError, EOFError, asyncio.LimitOverrunError)


class LoggedRequest(NamedTuple):
    """One request as it arrived, and the status that answered it."""

    at_s: float
    host: str
    path: str
    status: int


class _Head(NamedTuple):
    method: str
    host: str
    path: str
    keeps_alive: bool


class DemoServer:
    """The site while it is served: its port, and what it was asked since its start."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[LoggedRequest] = []
        self._routes = build_routes(port)
        self._asks: Counter[tuple[str, str]] = Counter()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, until it ends. Raises: nothing."""
        try:
            while await self._exchange(reader, writer):
                pass
            writer.close()
            async with asyncio.timeout(PATIENCE_S):
                await writer.wait_closed()
        except _BROKEN_CLIENT as error:
            logger.debug("connection ended error=%r", error)
        finally:
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(PATIENCE_S):
            raw = await reader.readuntil(b"\r\n\r\n")
        head = _parse_head(raw)
        answer = self._answer(head)
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        keeps_alive = head is not None and head.keeps_alive and not _ends(answer)
        sent = len(answer.body) // 2 if answer.is_cut else len(answer.body)
        body = b"" if head is not None and head.method == "HEAD" else answer.body[:sent]
        # One write: a second one would wait for the client's delayed ACK of the first.
        writer.write(_message_head(answer, keeps_alive=keeps_alive) + body)
        async with asyncio.timeout(PATIENCE_S):
            await writer.drain()
        return keeps_alive

    def _answer(self, head: _Head | None) -> Answer:
        if head is None:
            return _BAD_REQUEST
        key = (head.host, head.path)
        answer = _WRONG_METHOD
        if head.method in ("GET", "HEAD"):
            answers = self._routes.get(key, (NOT_FOUND,))
            answer = answers[min(self._asks[key], len(answers) - 1)]
            self._asks[key] += 1
        self.requests.append(LoggedRequest(time.monotonic(), *key, answer.status))
        return answer


@contextmanager
def serve_demo(port: int = DEFAULT_PORT) -> Iterator[DemoServer]:
    """Serve the demo site on 127.0.0.1 while the block runs.

    When the port is taken, a free one is used; `DemoServer.port` says which.

    Raises:
        OSError: no port can be had.
    """
    with _listen(port) as listener:
        server = DemoServer(listener.getsockname()[1])
        ready: Future[Callable[[], object]] = Future()
        thread = Thread(
            target=lambda: asyncio.run(_serve(server, listener, ready=ready)),
            name="demo",
            daemon=True,
        )
        thread.start()
        stop = ready.result(timeout=START_STOP_S)
        try:
            yield server
        finally:
            stop()
            thread.join(timeout=START_STOP_S)


async def _serve(
    server: DemoServer, listener: socket.socket, *, ready: Future[Callable[[], object]]
) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    listening = await asyncio.start_server(server.converse, sock=listener, limit=MAX_HEAD_BYTES)
    ready.set_result(lambda: loop.call_soon_threadsafe(stopped.set))
    await stopped.wait()
    # Not `wait_closed`: it waits for idle clients. The end of `asyncio.run` cancels their tasks.
    listening.close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=1024)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    return socket.create_server(("127.0.0.1", 0), backlog=1024)


def _parse_head(raw: bytes) -> _Head | None:
    """Read a request's head; nothing for what is no request."""
    first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    fields = dict(_parse_field(line) for line in lines)
    host = fields.get("host", "").partition(":")[0].lower()
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not host:
        return None
    connection = fields.get("connection", "").lower()
    keeps_alive = connection != "close" if words[2] == "HTTP/1.1" else connection == "keep-alive"
    return _Head(words[0], host, words[1].partition("?")[0], keeps_alive)


def _parse_field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip()


def _ends(answer: Answer) -> bool:
    # A refused request may have a body, which nobody here reads.
    return answer.is_cut or answer.status in (400, 405)


def _message_head(answer: Answer, *, keeps_alive: bool) -> bytes:
    """The head of an answer as it goes over the wire."""
    headers = (
        *answer.headers,
        ("Content-Length", str(len(answer.body))),
        ("Connection", "keep-alive" if keeps_alive else "close"),
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"
    return f"{status}\r\nServer: demo\r\n{lines}\r\n".encode("latin-1")
