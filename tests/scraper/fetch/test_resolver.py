import asyncio
import contextlib
import socket
import threading
import time

import httpx
import pytest

from scraper.fetch.addresses import AddressGuard, BlockedAddress
from scraper.fetch.client import open_client
from scraper.fetch.reasons import reason_of_error
from scraper.fetch.resolver import GuardedResolver
from scraper.fetch.transport import AiohttpTransport
from scraper.models import Reason
from scraper.settings_table import Http, Network


class LookUp:
    """Stands in for `socket.getaddrinfo`: its addresses never leave these tests."""

    def __init__(self, *found: str, error: Exception | None = None) -> None:
        self.found, self.error, self.asked = found, error, []

    def __call__(self, host, port, family, kind, protocol, flags):
        self.asked.append(host)
        if self.error is not None:
            raise self.error
        return [(socket.AF_INET, kind, protocol, "", (ip, port)) for ip in self.found]


async def resolve(guard: AddressGuard, look_up: LookUp, host: str = "a.example") -> list[tuple]:
    resolver = GuardedResolver(guard, look_up=look_up)
    try:
        rows = await resolver.resolve(host, 8080, socket.AF_UNSPEC)
    finally:
        await resolver.close()
    return [(row["hostname"], row["host"], row["port"], row["family"]) for row in rows]


@pytest.mark.anyio
async def test_only_the_allowed_addresses_are_returned_each_once():
    found = ["10.0.0.1", "8.8.8.8", "2606:4700::1", "8.8.8.8", "::ffff:127.0.0.1"]

    assert await resolve(AddressGuard(), LookUp(*found)) == [
        ("a.example", "8.8.8.8", 8080, socket.AF_INET),
        ("a.example", "2606:4700::1", 8080, socket.AF_INET6),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (["10.0.0.1", "127.0.0.1"], "blocked"),
        (["9.9.9.9"], "out_of_scope"),
        (["9.9.9.9", "10.0.0.1"], "blocked"),
    ],
)
async def test_a_name_with_refused_addresses_only_is_an_error_that_says_why(found, verdict):
    with pytest.raises(BlockedAddress, match=r"a\.example") as caught:
        await resolve(AddressGuard(deny=["9.9.9.0/24"]), LookUp(*found))

    assert caught.value.verdict == verdict


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["localhost", "localhost.", "a.b.localhost", "A.LOCALHOST"])
async def test_localhost_is_answered_without_asking_dns(host: str):
    look_up = LookUp("8.8.8.8")
    rows = await resolve(AddressGuard(allow=["127.0.0.0/8"]), look_up, host)

    assert rows == [(host, "127.0.0.1", 8080, socket.AF_INET)]
    assert look_up.asked == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    "look_up",
    [
        LookUp(error=socket.gaierror(socket.EAI_NONAME, "unknown")),
        LookUp(error=UnicodeError("label too long")),
        LookUp(),
    ],
    ids=["unknown", "not_a_name_of_dns", "no_address"],
)
async def test_a_name_without_an_address_is_a_dns_error(look_up: LookUp):
    with pytest.raises(socket.gaierror):
        await resolve(AddressGuard(), look_up)


@pytest.mark.anyio
async def test_a_look_up_ends_at_its_timeout():
    answer = threading.Event()

    def wait_for_answer(*_asked: object) -> list[tuple]:
        answer.wait(5)
        return []

    resolver = GuardedResolver(AddressGuard(), timeout_s=0.02, look_up=wait_for_answer)
    with pytest.raises(socket.gaierror, match="in time"):
        await resolver.resolve("a.example")
    answer.set()
    await resolver.close()


@pytest.mark.anyio
async def test_one_slow_name_holds_no_other_up():
    both = threading.Barrier(40, timeout=5)

    def meet(*_asked: object) -> list[tuple]:
        both.wait()
        return [(socket.AF_INET, 0, 0, "", ("8.8.8.8", 0))]

    resolver = GuardedResolver(AddressGuard(), look_up=meet)
    names = [f"{number}.example" for number in range(40)]
    answers = await asyncio.gather(*(resolver.resolve(name) for name in names))
    await resolver.close()

    assert [rows[0]["hostname"] for rows in answers] == names


@pytest.mark.anyio
async def test_one_look_up_serves_all_that_want_the_same_name():
    look_up = LookUp("8.8.8.8")
    resolver = GuardedResolver(AddressGuard(), look_up=look_up)
    await asyncio.gather(*(resolver.resolve("a.example", port) for port in range(50)))
    await resolver.resolve("b.example")
    await resolver.close()

    assert look_up.asked == ["a.example", "b.example"]


@pytest.mark.anyio
async def test_who_is_cancelled_takes_the_answer_from_nobody_else():
    answer = threading.Event()

    def wait_for_answer(*_asked: object) -> list[tuple]:
        answer.wait(5)
        return [(socket.AF_INET, 0, 0, "", ("8.8.8.8", 0))]

    resolver = GuardedResolver(AddressGuard(), look_up=wait_for_answer)
    first, second = (asyncio.create_task(resolver.resolve("a.example")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    answer.set()
    assert [row["host"] for row in await second] == ["8.8.8.8"]
    await resolver.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("look_up", "kept_s"),
    [(LookUp("8.8.8.8"), 60), (LookUp(error=socket.gaierror(socket.EAI_NONAME, "unknown")), 5)],
    ids=["an answer", "that there is none"],
)
async def test_an_answer_is_kept_for_a_while(look_up, kept_s):
    now_s = 1000.0
    resolver = GuardedResolver(AddressGuard(), look_up=look_up, clock=lambda: now_s)

    async def ask() -> int:
        with contextlib.suppress(socket.gaierror):
            await resolver.resolve("a.example")
        return len(look_up.asked)

    asked = [await ask(), await ask()]
    now_s += kept_s - 0.1
    asked.append(await ask())
    now_s += 0.1
    asked.append(await ask())
    await resolver.close()

    assert asked == [1, 1, 1, 2]


@pytest.mark.anyio
async def test_an_address_is_judged_whenever_it_is_given_out():
    """A name that leads to a private address is refused from the cache too."""
    look_up = LookUp("10.0.0.1")
    resolver = GuardedResolver(AddressGuard(), look_up=look_up)
    for _ in range(2):
        with pytest.raises(BlockedAddress):
            await resolver.resolve("a.example")
    await resolver.close()

    assert look_up.asked == ["a.example"]


@pytest.mark.anyio
async def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr("scraper.fetch.resolver._MOST_KEPT", 3)
    look_up = LookUp("8.8.8.8")
    resolver = GuardedResolver(AddressGuard(), look_up=look_up)
    for name in ["a", "b", "c", "d", "b", "a"]:
        await resolver.resolve(name)
    await resolver.close()

    assert look_up.asked == ["a", "b", "c", "d", "a"]


@pytest.mark.anyio
async def test_a_dead_name_server_is_dns_and_in_time():
    answer = threading.Event()

    def never(*_asked: object) -> list[tuple]:
        answer.wait(20)
        return []

    resolver = GuardedResolver(AddressGuard(), timeout_s=0.05, look_up=never)
    transport = AiohttpTransport(resolver, connections=200, connect_timeout_s=5, read_timeout_s=5)
    async with open_client(Http(contact="x"), Network(), transport=transport) as client:

        async def ask(number: int) -> Reason:
            try:
                await client.get(f"http://{number}.test/", deadline_s=9, max_bytes=9)
            except httpx.ConnectError as error:
                return reason_of_error(error)
            return Reason.OK

        start = time.monotonic()
        reasons = await asyncio.gather(*map(ask, range(100)))
        took_s = time.monotonic() - start
    answer.set()

    assert reasons == [Reason.DNS] * 100
    assert took_s < 5
