import asyncio
import contextlib
import ssl
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp.connector
import pytest
import trustme

from scraper.models import Reason
from scraper.settings_table import Settings
from scraper.single import scrape_page
from tests.scraper.batches import quick_settings
from tests.scraper.fetch.hostile import CAP, PAGE, Hostile, whole
from tests.scraper.fetch.hostile_bodies import HOSTILE
from tests.scraper.fetch.scripted import ScriptedServer, Step, scripted_server

pytestmark = [pytest.mark.anyio, pytest.mark.sockets]

DEADLINE_S = 0.8
CAUTIOUS = (
    "network.allow=127.0.0.0/8",
    "retry.attempts=1",
    "http.connect_timeout_s=2",
    "http.read_timeout_s=0.4",
    f"http.deadline_s={DEADLINE_S}",
    f"http.max_body_bytes={CAP}",
)


def cautious() -> Settings:
    return quick_settings(*CAUTIOUS).all


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
async def test_what_a_server_does_is_one_outcome_in_time(hostile: Hostile):
    async with scripted_server(hostile.script) as server:
        start = time.monotonic()
        scraped = await scrape_page(server.url, settings=cautious())
        took_s = time.monotonic() - start

    assert scraped.outcome.reason is hostile.reason
    assert took_s < DEADLINE_S + 3


async def test_a_server_that_resets_at_any_byte_is_never_ok():
    answer = whole(PAGE)
    scripts = [[answer[:end], Step.PAUSE, Step.RESET] for end in range(len(answer))]
    async with scripted_server(*scripts) as server:
        reasons = [
            (await scrape_page(server.url, settings=cautious())).outcome.reason for _ in scripts
        ]

    assert len(server.requests) == len(answer)
    assert set(reasons) <= {Reason.CONNECTION_LOST, Reason.TRUNCATED}
    # Once the headers are there, it is the body that was cut.
    assert reasons[: answer.index(b"\r\n\r\n")].count(Reason.TRUNCATED) == 0
    assert reasons[answer.index(b"\r\n\r\n") + 4 :].count(Reason.CONNECTION_LOST) == 0


async def test_a_server_that_closes_at_any_byte_is_never_ok():
    answer = whole(PAGE)
    scripts = [[answer[:end], Step.CLOSE] for end in range(len(answer))]
    async with scripted_server(*scripts) as server:
        reasons = {
            (await scrape_page(server.url, settings=cautious())).outcome.reason for _ in scripts
        }

    assert reasons == {Reason.CONNECTION_LOST, Reason.TRUNCATED}


async def test_hostile_servers_take_no_other_along():
    """All at once, each beside an honest one."""
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(scripted_server(one.script))
            for one in list(HOSTILE.values())[::6]
        ]
        honest = await stack.enter_async_context(scripted_server([whole(PAGE)]))
        urls = [server.url for server in servers] + [honest.url]
        made = await asyncio.gather(*(scrape_page(url, settings=cautious()) for url in urls))

    assert made[-1].outcome.reason is Reason.OK


def a_year_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=365 - days)


CERTIFICATES = {
    "trusted": (True, {"names": ["127.0.0.1"]}, Reason.OK),
    "expired": (True, {"names": ["127.0.0.1"], "not_after": a_year_ago(1)}, Reason.TLS),
    "not valid yet": (True, {"names": ["127.0.0.1"], "not_before": a_year_ago(400)}, Reason.TLS),
    "of another host": (True, {"names": ["shop.example.org"]}, Reason.TLS),
    "of another address": (True, {"names": ["127.0.0.2"]}, Reason.TLS),
    "of an unknown issuer": (False, {"names": ["127.0.0.1"]}, Reason.TLS),
}


@pytest.mark.parametrize(("trusts", "made", "reason"), CERTIFICATES.values(), ids=CERTIFICATES)
async def test_a_certificate(monkeypatch, trusts, made, reason):
    authority, client = trustme.CA(), ssl.create_default_context()
    if trusts:
        authority.configure_trust(client)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    times = {"not_before": a_year_ago(0)} | {k: v for k, v in made.items() if k != "names"}
    authority.issue_cert(*made["names"], **times).configure_cert(server_side)
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", client)
    async with scripted_server([whole(PAGE)], tls=server_side) as server:
        url = server.url.replace("http", "https")
        scraped = await scrape_page(url, settings=cautious())

    assert scraped.outcome.reason is reason
    assert len(server.requests) == (reason is Reason.OK)


TLS_FAULTS = {
    "plain HTTP": ([whole(PAGE), Step.HANG], {Reason.TLS}),
    "noise": ([b"\x16\x03\x01\xff\xff" + b"\xaa" * 999, Step.HANG], {Reason.TLS}),
    "an alert": ([b"\x15\x03\x03\x00\x02\x02\x28", Step.CLOSE], {Reason.TLS}),
    "nothing": ([Step.HANG], {Reason.TIMEOUT, Reason.DEADLINE}),
    "an end": ([Step.CLOSE], {Reason.CONNECT, Reason.TLS}),
    "a reset": ([Step.RESET], {Reason.CONNECT, Reason.TLS}),
}


@pytest.mark.parametrize(("steps", "reasons"), TLS_FAULTS.values(), ids=TLS_FAULTS)
async def test_a_handshake_that_is_answered_with(steps, reasons):
    scripted, over = ScriptedServer([steps]), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        with contextlib.suppress(ConnectionError):
            await scripted.play(steps, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        over.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        scraped = await scrape_page(f"https://127.0.0.1:{port}/", settings=cautious())
        scripted.ended.set()
        async with asyncio.timeout(5):
            await over.wait()

    assert scraped.outcome.reason in reasons


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells a peak of RSS")
def test_a_hundred_bombs_at_once_take_bounded_memory():
    """Compressed ones and floods without end: what is kept is never more than the cap of each."""
    command = [sys.executable, "-m", "tests.memory_of_bombs", "105"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, after, reasons = done.stdout.splitlines()

    assert reasons == str({"too_large": 90, "protocol": 15})
    # Fifteen send 10 MiB that aren't compressed, the cap of a body.
    assert int(after) - int(before) < 15 * 10 + 100
