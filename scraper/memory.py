"""What is remembered: of a host from batch to batch, of a page from run to run. Values only.

Times are aware UTC datetimes or seconds since the epoch, as they say.
"""

from dataclasses import dataclass
from datetime import datetime

from scraper.reason import Reason

__all__ = ["HostMemory", "HostState", "Known", "RobotsAnswer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the last published run knows of a row's page; None is what can't be relied on.

    `url` is where the page stands, redirects followed, `fetched_at` when it was fetched whole,
    `payload_digest` that of the body as received, `content_sha256` that of the decoded one,
    `item_sha256` that of the page's items.
    """

    url: str
    fetched_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    payload_digest: str | None = None
    content_sha256: str | None = None
    item_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsAnswer:
    """What came of asking an origin for its robots.txt. `body` is as received."""

    origin: str
    reason: Reason
    http_status: int | None
    body: bytes
    content_encoding: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What a throttle remembers of its host (or domain) from batch to batch.

    `next_at` is seconds since the epoch; `refused` says why the host isn't asked any more.
    `delay_s` is the delay as set or as robots.txt has it, `widened_s` what the host's troubles
    made of it at `widened_at`; of `asked` attempts `retries` were no seed's first.
    """

    host: str
    next_at: float = 0.0
    delay_s: float = 0.0
    failures: int = 0
    refused: Reason | None = None
    widened_s: float = 0.0
    widened_at: float = 0.0
    asked: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMemory:
    """All that is remembered of a host from batch to batch.

    Attempts made before `saved_at` (seconds since the epoch) are in it already.
    """

    host: str
    state: HostState
    robots: tuple[RobotsAnswer, ...]
    saved_at: float = 0.0
