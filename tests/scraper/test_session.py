import asyncio
from collections import Counter

import httpx
import pytest
import respx

from scraper.archive import ArchiveMemory
from scraper.errors import ConfigError
from scraper.session import BatchMemory, open_session
from scraper.stopping import StopFlag
from tests.scraper.batches import page, plan, session_on, store_in, website

pytestmark = pytest.mark.anyio

URL = "http://a.test/1"


class ClosedTransport(httpx.AsyncBaseTransport):
    def __init__(self) -> None:
        self.closed = False

    async def aclose(self) -> None:
        self.closed = True


async def test_a_session_has_what_batches_share(tmp_path):
    store, stop = store_in(tmp_path), StopFlag()
    info = plan(store, [URL], "http.connections=2", "network.deny=denied.test")
    site = website({URL: page("hello")})

    async with session_on(site, info, store, stop=stop) as session:
        exchange = await session.client.get(URL, deadline_s=5, max_bytes=1000)
        await session.connections.acquire()
        await session.connections.acquire()

        assert (session.info, session.store, session.stop) == (info, store, stop)
        assert session.connections.locked()
        assert session.tally == Counter(seeds=1)

    assert b"hello" in exchange.body
    assert session.guard.host_verdict("denied.test") == "out_of_scope"
    assert session.guard.host_verdict("127.0.0.1") == "blocked"


async def test_a_session_without_a_flag_has_one_that_isnt_set(tmp_path):
    store = store_in(tmp_path)
    info = plan(store, [URL])

    async with session_on(website({}), info, store) as session:
        assert not session.stop.is_set


@pytest.mark.parametrize("error", [None, RuntimeError(), asyncio.CancelledError()], ids=repr)
async def test_the_connections_are_closed_whatever_happens(tmp_path, error):
    store, transport = store_in(tmp_path), ClosedTransport()
    info = plan(store, [URL])

    async def use() -> None:
        async with open_session(info, store, transport=transport):
            if error is not None:
                raise error

    if error is None:
        await use()
    else:
        with pytest.raises(type(error)):
            await use()
    assert transport.closed


async def test_a_mock_that_would_be_bypassed_is_refused(tmp_path):
    store = store_in(tmp_path)
    info = plan(store, [URL])

    with respx.mock(using="httpcore", assert_all_called=False) as mock:
        mock.get(URL)
        with pytest.raises(ConfigError, match="bypassed"):
            async with open_session(info, store):
                pass


async def test_a_session_remembers_a_batch_once_and_few_of_them(tmp_path):
    store = store_in(tmp_path)
    info = plan(store, [URL])
    memories = {
        str(n): BatchMemory(
            seeds=[], archive=ArchiveMemory(stamps={}, progress={}, robots=[], attempts=[])
        )
        for n in range(70)
    }

    async with session_on(website({}), info, store) as session:
        for batch, memory in memories.items():
            session.remember(batch, memory)

        assert session.recall("69") is memories["69"]
        assert session.recall("69") is None
        assert [n for n in range(69) if session.recall(str(n)) is None] == list(range(6))
