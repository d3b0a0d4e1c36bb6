import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
import respx
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

from scraper.fetch.addresses import AddressGuard
from scraper.fetch.reasons import reason_of_error
from scraper.fetch.resolver import GuardedResolver
from scraper.fetch.transport import AiohttpTransport
from scraper.models import Reason
from tests.scraper.fetch.scripted import Step, scripted_server

pytestmark = [pytest.mark.anyio, pytest.mark.sockets]

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class StubResolver(AbstractResolver):
    """Answers or raises what it was given, and notes who was asked for. Never asks DNS."""

    def __init__(self, answer: Exception | list[ResolveResult]) -> None:
        self.answer, self.asked, self.closed = answer, [], False

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        if isinstance(self.answer, Exception):
            raise self.answer
        return [{**row, "port": port} for row in self.answer]

    async def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def open_client(
    resolver: AbstractResolver | None = None,
    *,
    connections: int = 4,
    proxy: str | None = None,
    connect_timeout_s: float = 5,
) -> AsyncIterator[httpx.AsyncClient]:
    transport = AiohttpTransport(
        resolver or StubResolver(AssertionError("no name is looked up here")),
        connections=connections,
        proxy=proxy,
        connect_timeout_s=connect_timeout_s,
        read_timeout_s=5,
    )
    async with httpx.AsyncClient(transport=transport, headers={}) as client:
        yield client


def bare_request(url: str, **headers: str) -> httpx.Request:
    return httpx.Request("GET", url, headers=headers, extensions={"whatwg_url": url})


async def test_the_answer_is_handed_over_as_received():
    answer = (
        b"HTTP/1.1 299 Fin\xe9\r\nX-Two: a\r\nX-Two: b\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: 8\r\n\r\nnot gzip"
    )
    async with scripted_server([answer]) as server, open_client() as client:
        response = await client.send(bare_request(server.url), stream=True)
        body = b"".join([chunk async for chunk in response.stream])

    assert body == b"not gzip"
    assert response.status_code == 299
    assert response.headers.raw == [
        (b"X-Two", b"a"),
        (b"X-Two", b"b"),
        (b"Content-Encoding", b"gzip"),
        (b"Content-Length", b"8"),
    ]
    assert response.extensions == {
        "http_version": b"HTTP/1.1",
        "reason_phrase": b"Fin\xe9",
        "peer_ip": "127.0.0.1",
    }


async def test_nothing_is_added_to_the_request():
    async with scripted_server([HELLO]) as server, open_client() as client:
        await client.send(bare_request(server.url, X_Ours="1"))

    assert server.requests == [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX_Ours: 1\r\n\r\n" % server.port
    ]


@pytest.mark.parametrize(
    "target",
    ["/a%2Fb%7e?q=%e9", "/a|b^c/'(x)?q=[1]&r='%27", "/%zz/%", "/a//b/", "/;p=1,2?a+b=%20"],
)
async def test_a_url_passes_byte_for_byte(target):
    async with scripted_server([HELLO]) as server, open_client() as client:
        await client.send(bare_request(server.url.rstrip("/") + target))

    assert server.requests[0].split(b"\r\n")[0] == f"GET {target} HTTP/1.1".encode()


async def test_the_user_of_a_url_goes_into_a_header_once():
    async with scripted_server([HELLO]) as server, open_client() as client:
        await client.send(bare_request(server.url.replace("//", "//me:secret@")))

    lines = server.requests[0].split(b"\r\n")
    assert lines[0] == b"GET / HTTP/1.1"
    assert [line for line in lines if line.lower().startswith(b"authorization")] == [
        b"Authorization: Basic " + base64.b64encode(b"me:secret")
    ]


async def test_a_body_of_ours_is_sent():
    async with (
        scripted_server([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]) as server,
        open_client() as client,
    ):
        request = httpx.Request("POST", server.url, content=b"a=1\r\n\r\n")
        await client.send(request)

    head = server.requests[0]
    assert head.startswith(b"POST / HTTP/1.1\r\n")
    assert b"Content-Length: 7\r\n" in head
    assert server.requests[1] == b"a=1\r\n\r\n"


async def test_a_connection_is_used_again():
    async with scripted_server([HELLO]) as server, open_client() as client:
        for _ in range(3):
            response = await client.send(bare_request(server.url))
            assert response.content == b"hello"

    assert (server.connections, len(server.requests)) == (1, 3)


async def test_a_cookie_is_not_sent_back():
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    async with scripted_server([cookie]) as server, open_client() as client:
        for _ in range(2):
            response = await client._transport.handle_async_request(bare_request(server.url))
            await response.aclose()

    assert server.requests[0] == server.requests[1]
    assert b"cookie" not in server.requests[1].lower()


async def test_a_redirect_is_not_followed():
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
    async with scripted_server([redirect]) as server, open_client() as client:
        response = await client.send(bare_request(server.url))

    assert (response.status_code, len(server.requests)) == (302, 1)


@pytest.mark.parametrize("lost", [Step.RESET, Step.CLOSE], ids=lambda step: step.name.lower())
async def test_a_request_whose_answer_is_lost_is_sent_only_once(lost):
    async with scripted_server([HELLO], [lost]) as server, open_client() as client:
        await client.send(bare_request(server.url))
        with pytest.raises(httpx.ReadError) as caught:
            await client.send(bare_request(server.url))

    assert reason_of_error(caught.value) is Reason.CONNECTION_LOST
    assert caught.value.request.url == server.url
    assert len(server.requests) == 2


async def test_a_refused_port_is_a_connect_error():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        async with open_client() as client:
            with pytest.raises(httpx.ConnectError) as caught:
                await client.send(bare_request(url))

    assert reason_of_error(caught.value) is Reason.CONNECT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), Reason.DNS),
        (OSError(None, "DNS lookup failed"), Reason.DNS),
        (TimeoutError(), Reason.TIMEOUT),
    ],
    ids=["no_such_name", "other_resolver", "too_slow"],
)
async def test_a_name_without_an_address_is_told_apart(answer, reason):
    resolver = StubResolver(answer)
    async with open_client(resolver) as client:
        with pytest.raises(httpx.TransportError) as caught:
            await client.send(bare_request("http://a.test/"))

    assert reason_of_error(caught.value) is reason
    assert (resolver.asked, resolver.closed) == (["a.test"], True)


async def test_a_refused_address_is_never_connected_to():
    async with (
        scripted_server([HELLO]) as server,
        open_client(GuardedResolver(AddressGuard())) as client,
    ):
        with pytest.raises(httpx.ConnectError) as caught:
            await client.send(bare_request(f"http://a.localhost:{server.port}/"))

    assert reason_of_error(caught.value) is Reason.BLOCKED_ADDRESS
    assert server.connections == 0


async def test_an_allowed_name_is_connected_to_where_it_was_checked():
    async with (
        scripted_server([HELLO]) as server,
        open_client(GuardedResolver(AddressGuard(allow=["127.0.0.0/8"]))) as client,
    ):
        response = await client.send(bare_request(f"http://a.localhost:{server.port}/"))

    assert response.extensions["peer_ip"] == "127.0.0.1"
    assert b"Host: a.localhost:%d\r\n" % server.port in server.requests[0]


async def test_an_untrusted_certificate_is_a_connect_error_of_tls():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with scripted_server([HELLO], tls=tls) as server, open_client() as client:
        with pytest.raises(httpx.ConnectError) as caught:
            await client.send(bare_request(server.url.replace("http", "https")))

    assert reason_of_error(caught.value) is Reason.TLS
    assert server.requests == []


async def test_a_handshake_that_never_ends_is_a_connect_timeout():
    silent = asyncio.Event()

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_client(connect_timeout_s=0.05) as client:
        with pytest.raises(httpx.ConnectTimeout) as caught:
            await client.send(bare_request(f"https://127.0.0.1:{port}/"))
        silent.set()

    assert reason_of_error(caught.value) is Reason.TIMEOUT


async def test_a_scheme_that_is_not_http_is_refused():
    async with open_client() as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client._transport.handle_async_request(bare_request("ftp://127.0.0.1/"))


@pytest.fixture
def _one_idle(monkeypatch):
    monkeypatch.setattr("scraper.fetch.transport._IDLE_FOR_EACH_USED", 1)


@pytest.mark.parametrize(
    ("connections", "idle"), [(1, 4), (64, 256), (128, 512), (256, 512), (600, 600)]
)
async def test_more_connections_are_kept_than_used_within_what_a_process_may_open(
    connections, idle
):
    transport = AiohttpTransport(
        StubResolver([]), connections=connections, connect_timeout_s=1, read_timeout_s=1
    )
    assert transport._idle == idle


async def test_hosts_that_take_turns_keep_their_connections():
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(scripted_server([HELLO])) for _ in range(4)]
        client = await stack.enter_async_context(open_client(connections=1))
        for server in servers * 3:
            await client.send(bare_request(server.url))
        assert [server.connections for server in servers] == [1] * 4


@pytest.mark.usefixtures("_one_idle")
async def test_idle_connections_are_bounded_over_all_hosts():
    async with (
        scripted_server([HELLO]) as first,
        scripted_server([HELLO]) as second,
        open_client(connections=1) as client,
    ):
        for server in (first, second, first):
            response = await client.send(bare_request(server.url))
            assert response.content == b"hello"
        async with asyncio.timeout(5):
            await second.client_left.wait()
        assert (first.connections, first.client_left.is_set()) == (1, False)


@pytest.mark.usefixtures("_one_idle")
async def test_a_long_body_on_a_connection_too_many_still_comes_whole():
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000
    async with (
        scripted_server([HELLO]) as first,
        scripted_server([large]) as second,
        open_client(connections=1) as client,
    ):
        await client.send(bare_request(first.url))
        response = await client.send(bare_request(second.url))
        async with asyncio.timeout(5):
            await second.client_left.wait()

    assert response.content == b"x" * 300_000


async def test_closing_the_client_ends_its_connections():
    async with scripted_server([HELLO]) as server:
        async with open_client() as client:
            await client.send(bare_request(server.url))
        async with asyncio.timeout(5):
            await server.client_left.wait()


async def test_a_proxy_is_given_the_whole_url_and_looks_names_up_itself():
    resolver = StubResolver(AssertionError("the proxy looks names up"))
    async with scripted_server([HELLO]) as proxy:
        address = f"http://me:secret@localhost:{proxy.port}"
        async with open_client(resolver, proxy=address) as client:
            response = await client.send(bare_request("http://a.test/x%2f?q=%e9"))

    assert (response.content, response.extensions["peer_ip"]) == (b"hello", None)
    lines = proxy.requests[0].split(b"\r\n")
    assert lines[0] == b"GET http://a.test/x%2f?q=%e9 HTTP/1.1"
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:secret") in lines


async def test_a_proxy_that_refuses_to_connect_is_a_proxy_error():
    refusal = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
    async with (
        scripted_server([refusal]) as proxy,
        open_client(proxy=proxy.url) as client,
    ):
        with pytest.raises(httpx.ProxyError) as caught:
            await client.send(bare_request("https://a.test/"))

    assert reason_of_error(caught.value) is Reason.CONNECT
    assert proxy.requests[0].startswith(b"CONNECT a.test:443 HTTP/1.1\r\n")


async def test_a_proxy_that_is_not_there_is_a_proxy_error():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with open_client(proxy=f"http://127.0.0.1:{unused.getsockname()[1]}") as client:
            with pytest.raises(httpx.ProxyError) as caught:
                await client.send(bare_request("http://a.test/"))

    assert reason_of_error(caught.value) is Reason.CONNECT


async def test_a_proxy_whose_name_is_unknown_is_a_proxy_error(monkeypatch):
    def unknown(*_asked: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with open_client(proxy="http://proxy.test:3128") as client:
        with pytest.raises(httpx.ProxyError) as caught:
            await client.send(bare_request("http://a.test/"))

    assert reason_of_error(caught.value) is Reason.CONNECT


@respx.mock(using="httpx")
async def test_respx_mocks_a_client_on_this_transport(respx_mock):
    respx_mock.get("http://a.test/").mock(return_value=httpx.Response(200, text="mocked"))
    resolver = StubResolver(AssertionError("nothing is asked"))
    async with open_client(resolver) as client:
        response = await client.get("http://a.test/")

    assert (response.text, resolver.asked) == ("mocked", [])
