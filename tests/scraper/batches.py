"""Small runs for tests: planned into a folder, asked of a website that is a table."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from scraper.crawl import CrawlSpec
from scraper.fetch.client import address_guard, open_client
from scraper.fetch.polite import PoliteClient
from scraper.layout import batch_key
from scraper.models import BatchJob, BatchResult, Seed
from scraper.parts import read_part
from scraper.plan.cut import load_wave
from scraper.plan.prepare import prepare
from scraper.poll import poll
from scraper.rules import SiteRule
from scraper.run import CODE_VERSION, RunInfo
from scraper.session import Session, open_session
from scraper.settings import HostSettings, flag_layer, load_settings
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.submit import submit
from scraper.throttle import Throttles
from scraper.urls import domain_of, parse_url

RUN_ID = "20260102T030405Z-abcdef"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
QUICK = (
    "http.contact=tests@example.org",
    "throttle.delay_s=0",
    "throttle.jitter=0",
    "throttle.max_delay_s=0",
    "retry.max_wait_s=0.01",
    "robots.obey=false",
    "batch.max_in_flight=1",
)
HTML = {"Content-Type": "text/html; charset=utf-8"}

Answer = httpx.Response | Exception


@dataclass(frozen=True)
class Asked:
    """One request, as the website saw it. Seconds since the epoch."""

    url: str
    at_s: float
    headers: httpx.Headers


@dataclass
class Website:
    """By URL: the answers in turn, the last one for all later requests. An error is raised.

    What isn't in the table is 404. `before` is called ahead of every answer.
    """

    answers: dict[str, list[Answer]]
    latency_s: float = 0.0
    before: Callable[[str], None] = lambda url: None
    log: list[Asked] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    @property
    def urls(self) -> list[str]:
        return [asked.url for asked in self.log]

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def times_s(self, host: str) -> list[float]:
        return [asked.at_s for asked in self.log if httpx.URL(asked.url).host == host]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        url = str(request.extensions["whatwg_url"])
        self.log.append(Asked(url, time.time(), request.headers))
        self.before(url)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.latency_s)
        finally:
            self.in_flight -= 1
        known = self.answers.get(url, [response(404)])
        answer = known.pop(0) if len(known) > 1 else known[0]
        if isinstance(answer, Exception):
            raise answer
        return _again(answer)


def website(answers: Mapping[str, Answer | Sequence[Answer]], *, latency_s: float = 0.0) -> Website:
    table = {url: list(a) if isinstance(a, Sequence) else [a] for url, a in answers.items()}
    return Website(table, latency_s=latency_s)


def response(http_status: int, text: str = "", **headers: str) -> httpx.Response:
    """An HTML answer; `retry_after="1"` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(http_status, content=text.encode(), headers=HTML | named)


def page(title: str = "A page") -> httpx.Response:
    return response(200, f"<title>{title}</title><p>{title}</p>")


def robots_txt(*lines: str) -> httpx.Response:
    return httpx.Response(200, content="\n".join(lines).encode())


def moved(location: str | bytes, http_status: int = 302) -> httpx.Response:
    value = location if isinstance(location, bytes) else location.encode()
    return httpx.Response(http_status, headers=[(b"Location", value)])


def _again(answer: httpx.Response) -> httpx.Response:
    """A response can be read but once; its stream as received again and again."""
    return httpx.Response(answer.status_code, headers=answer.headers.raw, stream=answer.stream)


def quick_settings(*flags: str) -> HostSettings:
    """No delay, no robots.txt, one partition, unless the flags say otherwise."""
    return load_settings(flag_layer((*QUICK, *flags)))


@asynccontextmanager
async def polite_on(
    site: Website, *flags: str, stop: StopFlag | None = None, patience_s: float = 60.0
) -> AsyncIterator[PoliteClient]:
    """The polite client of a batch, without a batch."""
    settings = quick_settings(*flags)
    http, network = settings.all.http, settings.all.network
    async with open_client(http, network, transport=site.transport) as client:
        throttles = Throttles(
            settings,
            domain_of=domain_of,
            connections=asyncio.Semaphore(http.connections),
            stop=stop or StopFlag(),
            patience_s=patience_s,
        )
        yield PoliteClient(client, settings, address_guard(http, network), throttles)


def seed(url: str, row: int = 1, **fields: object) -> Seed:
    parsed = parse_url(url)
    assert parsed is not None
    return Seed(
        row=row,
        url=url,
        fetch_url=parsed.href,
        host=parsed.host,
        domain=parsed.domain,
        **fields,  # type: ignore[arg-type]
    )


def store_in(folder: Path) -> Store:
    return Store(str(folder / "store"))


def plan(
    store: Store,
    rows: Iterable[str | Mapping[str, object]],
    *flags: str,
    sites: Sequence[SiteRule] = (),
) -> RunInfo:
    """Plan a quick run into a store."""
    spec = CrawlSpec(
        crawl="shop", lists=(tuple(rows),), settings=quick_settings(*flags), sites=tuple(sites)
    )
    return prepare(spec, store, RUN_ID, at=AT)


def jobs(info: RunInfo, store: Store, wave: int = 1) -> list[BatchJob]:
    """The batches of a wave, those of one partition after one another."""
    planned = load_wave(store, info.run, wave)
    assert planned is not None, f"there is no wave {wave}"
    return [
        BatchJob(
            store=store.url,
            run=info.run,
            batch=batch,
            alone=planned.is_alone,
            code_version=CODE_VERSION,
        )
        for ids in planned.partitions()
        for batch in ids
    ]


@asynccontextmanager
async def session_on(
    site: Website, info: RunInfo, store: Store, *, stop: StopFlag | None = None
) -> AsyncIterator[Session]:
    async with open_session(info, store, stop=stop, transport=site.transport) as session:
        yield session


async def run_batch(site: Website, info: RunInfo, store: Store, job: BatchJob) -> BatchResult:
    """Both phases of a batch, as a process does them."""
    async with session_on(site, info, store) as session:
        await submit(session, job)
        return await poll(session, job)


def outcomes(store: Store, job: BatchJob) -> dict[str, dict[str, object]]:
    """A batch's outcomes by the URL as given."""
    return {str(line["url"]): line for line in part_of(store, job, "outcomes")}


def reasons(store: Store, job: BatchJob) -> dict[str, object]:
    return {url: outcome["reason"] for url, outcome in outcomes(store, job).items()}


def part_of(store: Store, job: BatchJob, name: str) -> list[dict[str, object]]:
    return list(read_part(store, batch_key(job.run, job.batch, f"{name}.jsonl.gz")))
