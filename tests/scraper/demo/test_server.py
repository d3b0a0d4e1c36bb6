import http.client
import socket
import threading
import time

import pytest

from scraper.demo.server import LoggedRequest, serve_demo
from scraper.demo.site import HOST_WITHOUT_ROBOTS, HOSTS, shop_products

pytestmark = pytest.mark.sockets

PRODUCT = shop_products(1)[0]


@pytest.fixture
def server():
    with serve_demo(0) as running:
        yield running


def ask(server, host, path, *, method="GET"):
    """One request on a connection of its own: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request(method, path, headers={"Host": f"{host}:{server.port}"})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def say(server, raw):
    """What the server answers to these bytes, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        parts = iter(lambda: connection.recv(65_536), b"")
        return b"".join(parts)


def test_the_host_header_tells_the_shops_apart(server):
    bodies = {ask(server, host, "/")[2] for host in HOSTS}
    assert len(bodies) == len(HOSTS)
    assert ask(server, "elsewhere.example", "/")[0] == 404


def test_host_names_are_read_without_case_and_port(server):
    assert ask(server, "SHOP-1.LocalHost", "/")[0] == 200


def test_a_query_does_not_change_the_page(server):
    assert ask(server, PRODUCT.host, f"{PRODUCT.path}?a=1")[2].startswith(b"<!DOCTYPE html>")


def test_a_connection_is_kept_for_many_requests(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    sockets = set()
    for product in shop_products(1)[:20]:
        connection.request("GET", product.path, headers={"Host": product.host})
        assert connection.getresponse().read()
        sockets.add(connection.sock.getsockname())
    connection.close()
    assert len(sockets) == 1


def test_requests_are_logged_as_they_arrive(server):
    before = time.monotonic()
    ask(server, HOSTS[0], "/")
    ask(server, HOSTS[1], "/nowhere")
    first, second = server.requests
    assert first == LoggedRequest(first.at_s, HOSTS[0], "/", 200)
    assert second == LoggedRequest(second.at_s, HOSTS[1], "/nowhere", 404)
    assert before <= first.at_s <= second.at_s <= time.monotonic()


def test_the_first_ask_of_a_busy_page_is_put_off(server):
    status, headers, _ = ask(server, HOSTS[3], "/busy.html")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert [ask(server, HOSTS[3], "/busy.html")[0] for _ in range(2)] == [200, 200]


def test_a_page_in_preparation_is_ready_on_the_second_ask(server):
    assert [ask(server, HOSTS[5], "/preparing.html")[0] for _ in range(3)] == [202, 200, 200]


def test_a_broken_page_stays_broken(server):
    assert [ask(server, HOSTS[8], "/broken.html")[0] for _ in range(4)] == [500] * 4


def test_a_cut_page_is_always_short_of_its_length(server):
    for _ in range(2):
        with pytest.raises(http.client.IncompleteRead) as caught:
            ask(server, HOSTS[9], "/cut.html")
        assert len(caught.value.partial) > 1_000
        assert caught.value.expected - len(caught.value.partial) in (0, 1)


def test_a_slow_page_takes_its_time_and_holds_no_other_up(server):
    slow = shop_products(1)[39]
    started = time.monotonic()
    thread = threading.Thread(target=ask, args=(server, slow.host, slow.path))
    thread.start()
    ask(server, PRODUCT.host, PRODUCT.path)
    fast_s = time.monotonic() - started
    thread.join(timeout=5)
    assert fast_s < 0.5 <= time.monotonic() - started


@pytest.mark.parametrize(
    ("host", "path", "status", "content_type", "length"),
    [
        (HOSTS[1], "/photo.png", 200, "image/png", 70),
        (HOSTS[6], "/empty.html", 200, "text/html", 0),
        (HOSTS[0], "/robots.txt", 200, "text/plain", 34),
        (HOST_WITHOUT_ROBOTS, "/robots.txt", 404, "text/html; charset=utf-8", 73),
        (HOSTS[0], "/blog/hello-world.html", 404, "text/html; charset=utf-8", 73),
    ],
    ids=["photo", "empty", "robots", "no-robots", "not-found"],
)
def test_small_answers(server, host, path, status, content_type, length):
    found, headers, body = ask(server, host, path)
    assert (found, headers["Content-Type"], len(body)) == (status, content_type, length)


def test_no_answer_bears_a_clock(server):
    headers = ask(server, PRODUCT.host, PRODUCT.path)[1]
    assert sorted(headers) == ["Connection", "Content-Length", "Content-Type", "Server"]


def test_head_has_the_length_and_no_body(server):
    _, headers, body = ask(server, PRODUCT.host, PRODUCT.path, method="HEAD")
    assert int(headers["Content-Length"]) > 4_000
    assert body == b""


def test_another_method_is_refused_and_heals_nothing(server):
    assert ask(server, HOSTS[3], "/busy.html", method="DELETE")[0] == 405
    assert ask(server, HOSTS[3], "/busy.html")[0] == 503


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 "),
        (b"\x16\x03\x01\x02 no http at all\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.0\r\nHost: shop-1.localhost\r\n\r\n", b"HTTP/1.1 200 "),
        (b"GET / HTTP/1.1\r\nHost: shop-1.localhost", b""),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b""),
    ],
    ids=["no-host", "tls-hello", "http-1.0", "half-a-head", "huge-head"],
)
def test_odd_clients_are_answered_or_left(server, raw, status):
    try:
        answer = say(server, raw)
    except ConnectionError:
        answer = b""
    assert answer[: len(status) or None] == status
    assert ask(server, PRODUCT.host, PRODUCT.path)[0] == 200


def test_the_server_survives_clients_that_break_off(server):
    head = f"GET {PRODUCT.path} HTTP/1.1\r\nHost: {PRODUCT.host}\r\n\r\n".encode()
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(head * 20)
    assert ask(server, PRODUCT.host, PRODUCT.path)[0] == 200


def test_a_taken_port_is_replaced_by_a_free_one(server):
    with serve_demo(server.port) as second:
        assert second.port != server.port
        assert ask(second, PRODUCT.host, "/")[0] == 200


def test_every_start_begins_anew_on_the_same_port(server):
    with serve_demo(0) as first:
        ask(first, HOSTS[5], "/preparing.html")
        port = first.port
    with serve_demo(port) as again:
        assert (again.port, again.requests) == (port, [])
        assert ask(again, HOSTS[5], "/preparing.html")[0] == 202


def test_stopping_waits_for_no_idle_client():
    with serve_demo(0) as running:
        idle = socket.create_connection(("127.0.0.1", running.port), timeout=5)
        ask(running, PRODUCT.host, "/")
        started = time.monotonic()
    stopped_s = time.monotonic() - started
    with idle:
        assert idle.recv(1) == b""
    assert stopped_s < 1
    with pytest.raises(ConnectionRefusedError):
        ask(running, PRODUCT.host, "/")
