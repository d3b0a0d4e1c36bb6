"""The values that travel: frozen, slotted, keyword-only dataclasses.

They cross Flyte's tasks and traces as they are, compare by value and hash alike on every
attempt. Times are aware UTC datetimes, durations seconds, sizes bytes.

Source: the words and columns of the project's design.
"""

from dataclasses import dataclass, field, fields
from datetime import datetime

from scraper.memory import HostMemory, HostState, Known, RobotsAnswer
from scraper.reason import Reason, Status

__all__ = [
    "Attempt",
    "BatchJob",
    "BatchResult",
    "Exchange",
    "Hop",
    "HostMemory",
    "HostState",
    "Known",
    "Outcome",
    "Page",
    "PhaseResult",
    "Reason",
    "RobotsAnswer",
    "Seed",
    "Status",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One redirect that was followed: where it stood and the status code that it answered."""

    url: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """One row of the list, as planned.

    `url` is the text as given, `fetch_url` its WHATWG form or, in a later wave, the target of
    the redirects that were followed so far; `host` and `domain` are its. `attempts` were spent
    in earlier waves. `known` is what the last published run knows of it.
    """

    row: int
    url: str
    fetch_url: str
    host: str
    domain: str
    columns: dict[str, object] = field(default_factory=dict)
    redirects: tuple[Hop, ...] = ()
    attempts: int = 0
    known: Known | None = None

    @property
    def given_url(self) -> str:
        """The WHATWG form of the URL as given, in whatever wave: where the redirects began."""
        return self.redirects[0].url if self.redirects else self.fetch_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and the answer to it, as they went over the wire.

    `body` is as received: still in its Content-Encoding, its Transfer-Encoding removed.
    """

    url: str
    request_headers: tuple[tuple[bytes, bytes], ...]
    http_status: int
    http_reason: bytes
    response_headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    at: datetime
    elapsed_s: float
    ip: str | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header, as text; names are compared without case."""
        wanted = name.lower().encode("ascii")
        for key, value in self.response_headers:
            if key.lower() == wanted:
                return value.decode("latin-1").strip()
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One polite attempt at one seed, its redirects included, and what came of it.

    `number` counts this seed's attempts from 1; 0 means that nothing was asked (robots, a host
    given up). `carry_to` is the target of a redirect that leaves the partition: the seed goes
    on from there in the next wave, and is `deferred` until then. `retry_after_s` is what the
    server asked for. Of a page fetched whole, `etag` and `last_modified` are what it may be asked
    by again, and `payload_digest` is that of its body as received.
    """

    row: int
    url: str
    number: int
    reason: Reason
    at: datetime
    elapsed_s: float = 0.0
    http_status: int | None = None
    final_url: str | None = None
    redirects: tuple[Hop, ...] = ()
    wire_bytes: int = 0
    retry_after_s: float | None = None
    carry_to: str | None = None
    detail: str = ""
    etag: str | None = None
    last_modified: str | None = None
    payload_digest: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether another attempt may end better."""
        return self.reason.is_transient(self.http_status)

    @property
    def has_page(self) -> bool:
        """Whether a document was fetched whole and can be parsed."""
        return self.reason is Reason.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A fetched document. `body` is decoded from its Content-Encoding."""

    url: str
    final_url: str
    redirects: tuple[Hop, ...]
    http_status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fetched_at: datetime
    elapsed_s: float

    def header(self, name: str) -> str | None:
        """The first value of a header; names are compared without case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The final word on one seed: exactly one a row. `bytes` are decoded bytes.

    What stands after `batch` is for the next run: it is no column of the dataset.
    """

    row: int
    url: str
    reason: Reason
    final_url: str | None = None
    host: str | None = None
    http_status: int | None = None
    attempts: int = 0
    redirects: tuple[Hop, ...] = ()
    bytes: int | None = None
    wire_bytes: int | None = None
    elapsed_s: float | None = None
    fetched_at: datetime | None = None
    content_type: str | None = None
    charset: str | None = None
    content_sha256: str | None = None
    items: int = 0
    detail: str = ""
    batch: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    payload_digest: str | None = None
    item_sha256: str | None = None

    @property
    def status(self) -> Status:
        """The status that the reason belongs to."""
        return self.reason.status

    def as_line(self) -> dict[str, object]:
        """The outcome as a line of a batch's part."""
        return {"status": self.status} | {
            field.name: getattr(self, field.name) for field in fields(self)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """All that a process needs to work on one batch; the rest is in the store.

    Small, picklable, and equal on every attempt: it is a Flyte input and a trace key. `alone`
    says that the wave has but one partition, so that no redirect leaves it.
    """

    store: str
    run: str
    batch: str
    alone: bool
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseResult:
    """What submit did: counts, never rows."""

    attempts: int
    pending: int
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What is left of a batch when it is done: counts, never rows."""

    batch: str
    outcomes: int = 0
    carried: int = 0
    items: int = 0
    stopped: bool = False
