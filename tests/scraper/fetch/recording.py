"""A real client whose connections are recorded and refused: nothing is ever reached by it."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp.connector
import httpx
import pytest

from scraper.fetch.addresses import AddressGuard
from scraper.fetch.resolver import GuardedResolver
from scraper.fetch.transport import AiohttpTransport


@dataclass
class Recorder:
    """What was looked up, and where connections would have gone."""

    names: Mapping[str, list[list[str]]]
    looked_up: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)

    def look_up(
        self, host: str, _port: int, _family: int, kind: int, protocol: int, _flags: int
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        """By name: the addresses of each look-up in turn, the last ones for all later."""
        self.looked_up.append(host)
        answers = self.names.get(host.rstrip("."))
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, kind, protocol, "", (ip, 0)) for ip in found]

    async def refuse(self, addr_infos: list[tuple], **_options: object) -> socket.socket:
        self.connected += [info[4][0] for info in addr_infos]
        raise ConnectionRefusedError("nothing is reached in a test")


@dataclass
class Served(httpx.AsyncBaseTransport):
    """Answers from a table what is in it; all else goes to the real transport."""

    real: httpx.AsyncBaseTransport
    answers: Mapping[str, httpx.Response]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        found = self.answers.get(str(request.extensions["whatwg_url"]))
        if found is None:
            return await self.real.handle_async_request(request)
        return httpx.Response(found.status_code, headers=found.headers, content=found.content)

    async def aclose(self) -> None:
        await self.real.aclose()


def recorded(
    monkeypatch: pytest.MonkeyPatch,
    guard: AddressGuard,
    *,
    names: Mapping[str, list[list[str]]],
    answers: Mapping[str, httpx.Response],
) -> tuple[Served, Recorder]:
    """The real transport, with a resolver of ours, and no way to open a connection."""
    recorder = Recorder(names)
    # The one place where aiohttp opens sockets.
    monkeypatch.setattr(aiohttp.connector.aiohappyeyeballs, "start_connection", recorder.refuse)
    resolver = GuardedResolver(guard, look_up=recorder.look_up)
    real = AiohttpTransport(resolver, connections=4, connect_timeout_s=5, read_timeout_s=5)
    return Served(real, answers), recorder
