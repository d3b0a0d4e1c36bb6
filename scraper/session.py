"""What the concurrent batches of one run share in one event loop: the client and the settings.

Made lazily where a loop runs, closed with it. A batch's throttles and robots answers are its
own (`scraper.open_batch`): a host is in one partition, and its batches follow one another.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from scraper.archive import ArchiveMemory
from scraper.credentials import check_credentials
from scraper.fetch.addresses import AddressGuard
from scraper.fetch.client import Client, address_guard, open_client
from scraper.models import Seed
from scraper.parsing import Parse
from scraper.rules import check_extractors
from scraper.run import RunInfo
from scraper.stopping import StopFlag
from scraper.store import Store

__all__ = ["BatchMemory", "Session", "open_session"]


_MEMORIES = 64
_FINISHING = 2
"""Batches whose pages are parsed side by side; the items of each are in memory until it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMemory:
    """What a phase knew of its batch when it ended, for the next one in this process."""

    seeds: list[Seed]
    archive: ArchiveMemory


@dataclass(slots=True)
class Session:
    """One run in one event loop. `tally` counts seeds, those asked for, attempts and outcomes.

    `parse` is who parses pages beside the loop; without it the loop does so itself. `finishing` is
    held by a batch that writes its parts.
    """

    info: RunInfo
    store: Store
    client: Client
    guard: AddressGuard
    connections: asyncio.Semaphore
    stop: StopFlag
    parse: Parse | None = None
    finishing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_FINISHING))
    tally: Counter[str] = field(default_factory=Counter)
    _memories: dict[str, BatchMemory] = field(default_factory=dict)

    def remember(self, batch: str, memory: BatchMemory) -> None:
        """Keep what is known of a batch for its next phase, of few batches. Raises: nothing."""
        self._memories[batch] = memory
        if len(self._memories) > _MEMORIES:
            del self._memories[next(iter(self._memories))]

    def recall(self, batch: str) -> BatchMemory | None:
        """What was kept of a batch, once. Raises: nothing."""
        return self._memories.pop(batch, None)


@asynccontextmanager
async def open_session(
    info: RunInfo,
    store: Store,
    *,
    stop: StopFlag | None = None,
    parse: Parse | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Session]:
    """Open the shared part of a run in the running loop.

    Raises:
        ConfigError: a respx mock is active that the transport would bypass, a rule's extractor
            isn't on this machine, or a secret that the settings name isn't in the environment.
    """
    check_credentials(info.settings, os.environ)
    check_extractors(info.sites, f"{info.run}/run.json")
    settings = info.settings.all
    async with open_client(settings.http, settings.network, transport=transport) as client:
        session = Session(
            info=info,
            store=store,
            client=client,
            guard=address_guard(settings.http, settings.network),
            connections=asyncio.Semaphore(settings.http.connections),
            stop=stop or StopFlag(),
            parse=parse,
        )
        session.tally["seeds"] = info.rows - info.duplicates
        yield session
