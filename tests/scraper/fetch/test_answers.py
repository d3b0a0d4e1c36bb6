import asyncio

import httpx
import pytest

from scraper.fetch.answers import BodyCut
from scraper.fetch.reasons import reason_of_error
from scraper.fetch.transport import AiohttpTransport
from scraper.models import Reason
from tests.scraper.fetch.scripted import Script, Step, scripted_server
from tests.scraper.fetch.test_transport import HELLO, StubResolver, bare_request

pytestmark = [pytest.mark.anyio, pytest.mark.sockets]

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
TEN = OK + b"Content-Length: 10\r\n\r\n"
FLOOD = [b"a" * 60_000] * 40


async def fetch(url: str, *, read_timeout_s: float = 5) -> bytes:
    """The body as received. The guard against a hanging test is longer than all that it waits."""
    transport = AiohttpTransport(
        StubResolver(AssertionError("no name is looked up here")),
        connections=2,
        connect_timeout_s=5,
        read_timeout_s=read_timeout_s,
    )
    async with asyncio.timeout(4), httpx.AsyncClient(transport=transport) as client:
        response = await client.send(bare_request(url), stream=True)
        try:
            return b"".join([chunk async for chunk in response.stream])
        finally:
            await response.aclose()


@pytest.mark.parametrize(
    ("script", "body"),
    [
        ([HELLO], b"hello"),
        ([CHUNKED, b"2\r\nhe\r\n", Step.PAUSE, b"3;ext=1\r\nllo\r\n0\r\nX: y\r\n\r\n"], b"hello"),
        ([OK + b"\r\nhel", Step.PAUSE, b"lo", Step.CLOSE], b"hello"),
        ([b"HTTP/1.0 200 OK\r\n\r\nhello", Step.CLOSE], b"hello"),
        ([b"HTTP/1.1 200\nContent-Length: 5\n\nhello"], b"hello"),
        ([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HELLO], b"hello"),
        ([b"HTTP/1.1 999 No\r\nContent-Length: 5\r\n\r\nhello"], b"hello"),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], b""),
        ([b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"], b""),
        ([HELLO[:-5] + b"hel", Step.PAUSE, b"lo", Step.RESET], b"hello"),
        ([OK + b"X: " + b"a" * 20_000 + b"\r\nContent-Length: 5\r\n\r\nhello"], b"hello"),
        ([OK + b"X: a\r\n" * 200 + b"Content-Length: 5\r\n\r\nhello"], b"hello"),
    ],
    ids=[
        "length",
        "chunked",
        "until_close",
        "http_1_0",
        "bare_line_feeds_and_no_phrase",
        "early_hints",
        "status_999",
        "no_content",
        "not_modified_with_length",
        "reset_after_the_end",
        "long_header",
        "many_headers",
    ],
)
async def test_a_whole_body_is_read(script: Script, body: bytes):
    async with scripted_server(script) as server:
        assert await fetch(server.url) == body


@pytest.mark.parametrize(
    ("script", "kind", "reason"),
    [
        ([Step.RESET], httpx.ReadError, Reason.CONNECTION_LOST),
        ([Step.CLOSE], httpx.ReadError, Reason.CONNECTION_LOST),
        ([OK + b"Content-Le", Step.CLOSE], httpx.ReadError, Reason.CONNECTION_LOST),
        ([OK + b"\r\nhe", Step.PAUSE, Step.RESET], httpx.ReadError, Reason.CONNECTION_LOST),
        ([TEN + b"hello", Step.CLOSE], BodyCut, Reason.TRUNCATED),
        ([TEN + b"hello", Step.PAUSE, Step.RESET], BodyCut, Reason.TRUNCATED),
        ([CHUNKED + b"5\r\nhe", Step.CLOSE], BodyCut, Reason.TRUNCATED),
        ([CHUNKED + b"2\r\nhe\r\n", Step.PAUSE, Step.CLOSE], BodyCut, Reason.TRUNCATED),
        ([b"\x00\x01 what\r\n\r\n"], httpx.RemoteProtocolError, Reason.PROTOCOL),
        ([b"SSH-2.0-OpenSSH_9\r\n\r\n"], httpx.RemoteProtocolError, Reason.PROTOCOL),
        ([OK + b"no colon\r\n\r\n"], httpx.RemoteProtocolError, Reason.PROTOCOL),
        ([OK + b"X: a\0b\r\n\r\n"], httpx.RemoteProtocolError, Reason.PROTOCOL),
        ([OK + b"Content-Length: x\r\n\r\n"], httpx.RemoteProtocolError, Reason.PROTOCOL),
        ([CHUNKED + b"zz\r\nhello"], httpx.RemoteProtocolError, Reason.PROTOCOL),
        (
            [CHUNKED, Step.PAUSE, b"2\r\nhe\r\n", Step.PAUSE, b"zz\r\nhello", Step.HANG],
            httpx.RemoteProtocolError,
            Reason.PROTOCOL,
        ),
        ([OK + b"X: ", *FLOOD, Step.HANG], httpx.RemoteProtocolError, Reason.PROTOCOL),
        ([OK + b"X: a\r\n" * 9_999, Step.HANG], httpx.RemoteProtocolError, Reason.PROTOCOL),
        ([b"HTTP/1.1 200 ", *FLOOD, Step.HANG], httpx.RemoteProtocolError, Reason.PROTOCOL),
    ],
    ids=[
        "reset_before_headers",
        "close_before_headers",
        "close_in_headers",
        "reset_in_a_body_until_close",
        "short_of_content_length",
        "reset_in_a_body_with_length",
        "cut_chunk",
        "cut_between_chunks",
        "garbage_status_line",
        "not_http",
        "header_without_colon",
        "nul_in_header",
        "length_that_is_no_number",
        "bad_chunk_with_the_headers",
        "bad_chunk_later",
        "endless_header",
        "endless_headers",
        "endless_status_line",
    ],
)
async def test_a_broken_answer_has_its_reason(script: Script, kind: type, reason: Reason):
    async with scripted_server(script) as server:
        with pytest.raises(httpx.TransportError) as caught:
            await fetch(server.url)

    assert type(caught.value) is kind
    assert reason_of_error(caught.value) is reason
    assert caught.value.request.url == server.url
    assert caught.value.__cause__ is not None
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "script", [[Step.HANG], [TEN + b"hello", Step.HANG]], ids=["before_headers", "in_the_body"]
)
async def test_a_slow_answer_is_a_read_timeout(script: Script):
    async with scripted_server(script) as server:
        with pytest.raises(httpx.ReadTimeout) as caught:
            await fetch(server.url, read_timeout_s=0.05)

    assert reason_of_error(caught.value) is Reason.TIMEOUT


async def test_a_deadline_of_ours_is_no_timeout_of_a_socket():
    async with scripted_server([TEN + b"hello", Step.HANG]) as server:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.05):
                await fetch(server.url)

    assert reason_of_error(caught.value) is Reason.DEADLINE


async def test_a_body_left_early_ends_its_connection():
    transport = AiohttpTransport(
        StubResolver([]), connections=1, connect_timeout_s=5, read_timeout_s=5
    )
    async with (
        scripted_server([TEN + b"hello"], [HELLO]) as server,
        httpx.AsyncClient(transport=transport) as client,
        asyncio.timeout(4),
    ):
        async with client.stream("GET", server.url) as response:
            async for chunk in response.stream:
                assert chunk == b"hello"
                break
        await server.client_left.wait()
        assert (await client.get(server.url)).content == b"hello"

    assert server.connections == 2
