import asyncio
import gzip
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import respx

from scraper.errors import ConfigError
from scraper.fetch.client import Client, address_guard, open_client, require_contact, user_agent
from scraper.fetch.decoding import TooLarge, Truncated, Undecodable
from scraper.models import Exchange
from scraper.product import VERSION
from scraper.settings_table import Http, Network
from tests.scraper.fetch.scripted import Step, scripted_server

pytestmark = pytest.mark.anyio

URL = "http://a.test/page"
LOOPBACK = Network(allow=("127.0.0.0/8",))
HTTP = Http(contact="ops@example.org")


class Pieces(httpx.AsyncByteStream):
    """A body in pieces that notes how far it was read and whether it was closed."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.given, self.closed = pieces, 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.given += 1
            yield piece

    async def aclose(self) -> None:
        self.closed = True


@asynccontextmanager
async def client_on(*answers: httpx.Response, http: Http = HTTP) -> AsyncIterator[Client]:
    left = list(answers)
    transport = httpx.MockTransport(lambda request: left.pop(0))
    async with open_client(http, Network(), transport=transport) as client:
        yield client


async def get(answer: httpx.Response, *, max_bytes: int = 1000, whole: bool = True) -> Exchange:
    async with client_on(answer) as client:
        return await client.get(URL, deadline_s=5, max_bytes=max_bytes, whole=whole)


@pytest.mark.parametrize(
    ("http", "said"),
    [
        (Http(), f"flyte-scraper/{VERSION}"),
        (Http(contact="a@b.org"), f"flyte-scraper/{VERSION} (+a@b.org)"),
        (Http(contact="https://b.org/bot"), f"flyte-scraper/{VERSION} (+https://b.org/bot)"),
        (Http(contact="a@b.org", user_agent="mine/2"), "mine/2"),
    ],
    ids=["no contact", "mail", "URL", "own"],
)
async def test_user_agent(http, said):
    assert user_agent(http) == said


@pytest.mark.parametrize(
    ("contact", "host", "verdict"),
    [
        (None, "93.184.216.34", "blocked"),
        ("a@b.org", "93.184.216.34", "ok"),
        ("a@b.org", "10.0.0.1", "blocked"),
        (None, "127.0.0.1", "ok"),
        (None, "denied.test", "out_of_scope"),
    ],
)
async def test_without_a_contact_only_what_is_let_through_may_be_asked(contact, host, verdict):
    network = Network(allow=("127.0.0.0/8",), deny=("denied.test",))

    assert address_guard(Http(contact=contact), network).host_verdict(host) == verdict


@pytest.mark.parametrize(
    ("contact", "host", "refused"),
    [
        (None, "example.org", True),
        ("a@b.org", "example.org", False),
        (None, "intranet.example.org", False),
        (None, "127.0.0.1", False),
        (None, "10.0.0.1", False),
        (None, "8.8.8.8", True),
    ],
)
async def test_a_public_host_needs_a_contact(contact, host, refused):
    http, network = Http(contact=contact), Network(allow=("127.0.0.0/8", "intranet.example.org"))
    guard = address_guard(http, network)

    if refused:
        with pytest.raises(ConfigError, match=r"http\.contact is not set, and .* is a public host"):
            require_contact(http, guard, host)
    else:
        require_contact(http, guard, host)


async def test_a_mock_that_would_be_bypassed_is_refused():
    with respx.mock(using="httpcore", assert_all_called=False) as mock:
        mock.get(URL)
        with pytest.raises(ConfigError, match=r'bypassed.*respx\.mock\(using="httpx"\)'):
            async with open_client(HTTP, Network()):
                pass


async def test_a_mock_that_is_over_is_none():
    with respx.mock(using="httpcore"):
        pass
    async with open_client(HTTP, Network()):
        pass


async def test_a_mock_of_httpx_works():
    with respx.mock(using="httpx") as mock:
        mock.get(URL).respond(200, text="mocked")
        async with open_client(HTTP, Network()) as client:
            exchange = await client.get(URL, deadline_s=5, max_bytes=100)

    assert (exchange.http_status, exchange.body, exchange.ip) == (200, b"mocked", None)


@pytest.mark.sockets
async def test_the_request_on_the_wire():
    answer = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello"
    async with scripted_server([answer]) as server, open_client(HTTP, LOOPBACK) as client:
        exchange = await client.get(f"{server.url}a?b", deadline_s=5, max_bytes=100)

    host = f"127.0.0.1:{server.port}".encode()
    headers = (
        (b"Host", host),
        (b"User-Agent", f"flyte-scraper/{VERSION} (+ops@example.org)".encode()),
        (b"Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        (b"Accept-Encoding", b"gzip, deflate"),
    )
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    assert server.requests == [b"GET /a?b HTTP/1.1\r\n" + lines + b"\r\n"]
    assert exchange == Exchange(
        url=f"{server.url}a?b",
        request_headers=headers,
        http_status=200,
        http_reason=b"OK",
        response_headers=((b"X-A", b"1"), (b"x-a", b"2"), (b"Content-Length", b"5")),
        body=b"hello",
        at=exchange.at,
        elapsed_s=exchange.elapsed_s,
        ip="127.0.0.1",
    )


@pytest.mark.sockets
async def test_no_cookie_is_ever_kept_or_sent():
    answer = (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/; Max-Age=999\r\n"
        b"Set-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"
    )
    async with scripted_server([answer]) as server, open_client(HTTP, LOOPBACK) as client:
        for _ in range(3):
            await client.get(server.url, deadline_s=5, max_bytes=100)
        assert list(client._client.cookies.jar) == []

    assert len(server.requests) == 3
    assert not any(b"cookie" in request.lower() for request in server.requests)


@pytest.mark.parametrize("http_status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    ["/next", "mailto:a@b", "javascript:alert(1)", "http://[bad", "http://012.0.0.1/", "//", "é"],
)
async def test_a_redirect_is_handed_over_as_it_is(http_status, location):
    raw = location.encode()
    exchange = await get(httpx.Response(http_status, headers=[(b"LOCATION", raw), (b"A", b"b")]))

    assert (exchange.http_status, exchange.response_headers) == (
        http_status,
        ((b"LOCATION", raw), (b"A", b"b")),
    )


async def test_the_environments_proxy_is_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert (await get(httpx.Response(200, content=b"direct"))).body == b"direct"


async def test_a_body_of_the_cap_is_taken_whole():
    body = b"x" * 1000

    assert (await get(httpx.Response(200, content=body))).body == body


async def test_a_declared_length_over_the_cap_is_not_read():
    body = Pieces(b"x" * 600, b"x" * 600)

    with pytest.raises(TooLarge, match="Content-Length 1200"):
        await get(httpx.Response(200, headers={"Content-Length": "1200"}, stream=body))
    assert (body.given, body.closed) == (0, True)


async def test_an_undeclared_body_is_left_when_it_passes_the_cap():
    body = Pieces(*[b"x" * 300] * 50)

    with pytest.raises(TooLarge):
        await get(httpx.Response(200, stream=body))
    assert (body.given, body.closed) == (4, True)


async def test_a_body_that_decodes_to_more_than_the_cap_is_left():
    bomb = gzip.compress(b"\0" * 10_000_000)
    pieces = [bomb[n : n + 64] for n in range(0, len(bomb), 64)]
    body = Pieces(*pieces)

    with pytest.raises(TooLarge):
        await get(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=body))
    assert body.given < 5
    assert body.closed


@pytest.mark.parametrize("length", ["", "-1", "1e9", "٣", "5, 5", "0" * 5000 + "1"])
async def test_an_absurd_length_does_no_harm(length):
    answer = httpx.Response(200, headers=[(b"Content-Length", length.encode())], content=b"x")

    assert (await get(answer)).body == b"x"


async def test_an_absurdly_large_length_is_over_the_cap():
    answer = httpx.Response(200, headers={"Content-Length": "9" * 5000}, content=b"x")

    with pytest.raises(TooLarge):
        await get(answer)


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Length": "1200"}], ids=["undeclared", "declared"]
)
async def test_a_body_that_need_not_be_whole_is_cut(headers):
    body = Pieces(*[b"x" * 300] * 4)

    exchange = await get(httpx.Response(200, headers=headers, stream=body), whole=False)

    assert exchange.body == b"x" * 1000
    assert body.closed


async def test_a_compressed_body_that_need_not_be_whole_is_cut_too():
    packed = gzip.compress(b"\0" * 1_000_000)

    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=packed)
    exchange = await get(answer, whole=False)

    assert exchange.body == packed[:1000]


async def test_the_body_is_kept_as_received():
    packed = gzip.compress(b"hello")

    exchange = await get(
        httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Pieces(packed))
    )

    assert exchange.body == packed


@pytest.mark.parametrize(
    ("body", "coding", "error"),
    [
        (gzip.compress(b"hello" * 99)[:-3], "gzip", Truncated),
        (b"not gzip at all", "gzip", Undecodable),
        (b"hello", "br", Undecodable),
        (b"hello", "gzip, zstd", Undecodable),
    ],
    ids=["cut", "no gzip", "br", "zstd"],
)
async def test_a_body_that_cant_be_decoded_is_an_error(body, coding, error):
    stream = Pieces(body)
    with pytest.raises(error):
        await get(httpx.Response(200, headers={"Content-Encoding": coding}, stream=stream))
    assert stream.closed


@pytest.mark.sockets
@pytest.mark.parametrize(
    "script",
    [
        [Step.HANG],
        [b"HTTP/1.1 200 OK\r\n", Step.HANG],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", Step.HANG],
    ],
    ids=["no answer", "in the headers", "in the body"],
)
async def test_the_deadline_ends_a_request_wherever_it_is(script):
    hello = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"]
    async with scripted_server(script, hello) as server, open_client(HTTP, LOOPBACK) as client:
        with pytest.raises(TimeoutError):
            await client.get(server.url, deadline_s=0.05, max_bytes=100)
        exchange = await client.get(server.url, deadline_s=5, max_bytes=100)

    assert (exchange.body, server.connections) == (b"hello", 2)


@pytest.mark.sockets
async def test_an_oversized_answer_ends_its_connection():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    script = [head, *[b"3e8\r\n" + b"x" * 1000 + b"\r\n"] * 3]
    async with scripted_server(script) as server, open_client(HTTP, LOOPBACK) as client:
        with pytest.raises(TooLarge):
            await client.get(server.url, deadline_s=5, max_bytes=1500)
        async with asyncio.timeout(5):
            await server.client_left.wait()


async def test_times_are_of_the_exchange():
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.02)
        return httpx.Response(200)

    async with open_client(HTTP, Network(), transport=httpx.MockTransport(slow)) as client:
        first = await client.get(URL, deadline_s=5, max_bytes=10)
        second = await client.get(URL, deadline_s=5, max_bytes=10)

    assert 0.019 <= first.elapsed_s < 5
    assert (second.at - first.at).total_seconds() >= 0.019
    assert first.at.utcoffset() is not None


async def download(sink: io.BytesIO, *answers: httpx.Response, max_bytes: int = 1000) -> Exchange:
    async with client_on(*answers) as client:
        for _ in answers:
            exchange = await client.get(URL, deadline_s=5, max_bytes=max_bytes, sink=sink)
    return exchange


async def test_a_sink_takes_the_decoded_body_and_the_exchange_has_none():
    sink, body = io.BytesIO(), gzip.compress(b"hello")
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Pieces(body))
    exchange = await download(sink, answer)
    assert (sink.getvalue(), exchange.body) == (b"hello", b"")
    assert exchange.header("content-encoding") == "gzip"


async def test_a_sink_is_emptied_before_each_answer():
    sink = io.BytesIO(b"left over from elsewhere")
    await download(sink, httpx.Response(200, content=b"a longer one"), httpx.Response(503))
    assert sink.getvalue() == b""


async def test_what_is_under_way_goes_to_the_sink_at_once():
    """Nothing is held: each piece is in the file before the next one is read."""
    sink, seen = io.BytesIO(), []

    class Watched(Pieces):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in super().__aiter__():
                seen.append(sink.getvalue())
                yield piece

    await download(sink, httpx.Response(200, stream=Watched(b"a", b"b", b"c")))
    assert seen == [b"", b"a", b"ab"]


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "2000"}], ids=["streamed", "declared"])
async def test_a_sink_has_a_cap(headers):
    sink, body = io.BytesIO(), Pieces(*[b"x" * 100] * 20)
    with pytest.raises(TooLarge):
        await download(sink, httpx.Response(200, headers=headers, stream=body))
    assert len(sink.getvalue()) <= 1000
    assert body.closed
