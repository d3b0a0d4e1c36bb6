"""A server on loopback that answers each request with scripted bytes, however odd."""

import asyncio
import itertools
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum


class Step(Enum):
    RESET = "reset the connection"
    CLOSE = "close it"
    HANG = "say nothing more until the server ends"
    PAUSE = "let what was written arrive on its own"


@dataclass(frozen=True)
class Endless:
    """The same steps again and again, until the client leaves."""

    steps: tuple[bytes | Step, ...]

    def __iter__(self) -> Iterator[bytes | Step]:
        return itertools.cycle(self.steps)


Script = Sequence[bytes | Step | Endless]


@dataclass
class ScriptedServer:
    scripts: list[Script]
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    client_left: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The first script for the first request, and so on; the last one for all others."""
        self.connections += 1
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(request)
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                await self.play(script, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.client_left.set()
        finally:
            writer.close()

    async def play(self, script: Script, writer: asyncio.StreamWriter) -> None:
        for step in script:
            await self._take(step, writer)

    async def _take(self, step: bytes | Step | Endless, writer: asyncio.StreamWriter) -> None:
        if isinstance(step, Endless):
            for one in step:
                await self._take(one, writer)
        elif isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        elif step is Step.HANG:
            await self.ended.wait()
        elif step is Step.PAUSE:
            await asyncio.sleep(0.02)
        else:
            if step is Step.RESET:
                linger = struct.pack("ii", 1, 0)
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            raise ConnectionAbortedError


@asynccontextmanager
async def scripted_server(
    *scripts: Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer(list(scripts))
    server = await asyncio.start_server(scripted.serve, host, 0, ssl=tls)
    scripted.port = server.sockets[0].getsockname()[1]
    try:
        yield scripted
    finally:
        scripted.ended.set()
        server.close()
