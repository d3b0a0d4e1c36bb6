"""What every test has: asyncio under anyio, a clean environment, loopback only."""

import os
import socket

import pytest

from scraper.lease import Lease
from scraper.workers.cores import usable_cores
from tests.object_store import BUCKET, object_store


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run those too that take a minute each")
    parser.addoption("--live", action="store_true", help="run those of tests/live, on a cluster")


def pytest_xdist_auto_num_workers(config):
    """One more than there are cores: many tests wait for a process, a delay, a deadline."""
    return usable_cores() + 1


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes long; run with --long")


_LONGEST_FIRST = ("tests/kills/", "tests/workflows/", "tests/remote/", "tests/test_memory")
"""What has few tests that take long: run last, one process would be busy with it alone."""


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST_FIRST))
    for item in items:
        if item.get_closest_marker("long") is not None and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="takes long: --long"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("SCRAPER_", "AWS_")) or name.lower() in {
            "http_proxy",
            "https_proxy",
            "no_proxy",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    # In this process, unless a test is about others.
    monkeypatch.setenv("SCRAPER_BATCH__WORKERS", "1")


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """A test that would leave this machine is stopped before its socket connects."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(sock: socket.socket, address: object) -> None:
        if sock.family == socket.AF_INET and isinstance(address, tuple):
            assert str(address[0]).startswith("127."), f"{address} is not loopback"
        if sock.family == socket.AF_INET6 and isinstance(address, tuple):
            assert address[0] == "::1", f"{address} is not loopback"

    def guarded(sock, address):
        check(sock, address)
        return connect(sock, address)

    def guarded_ex(sock, address):
        check(sock, address)
        return connect_ex(sock, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)


@pytest.fixture(autouse=True)
def no_heartbeat_outlives_its_test(monkeypatch):
    """A lease that a test leaves taken ends as its process would: without a word to the store."""
    kept, keep = [], Lease.keep
    monkeypatch.setattr(Lease, "keep", lambda lease: kept.append(lease) or keep(lease))
    yield
    for lease in kept:
        lease._over.set()
        lease._thread.join()


@pytest.fixture(scope="session")
def s3_server():
    """A real S3 server in a process of its own, with an empty bucket."""
    with object_store() as server:
        yield server


@pytest.fixture
def s3(s3_server, monkeypatch, tmp_path):
    """The URL of a store in it that no other test has; the environment leads there."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{tmp_path.parent.name}/{tmp_path.name}"
