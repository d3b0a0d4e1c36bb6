"""The table of settings: every name, its default, its unit and one line of effect.

The README's table is checked against this module. Defaults are polite; they are loosened only
in a crawl file, by the environment or by a flag.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from scraper.settings_secrets import (
    CookieValue,
    EnvironmentName,
    EnvironmentVariable,
    HeaderValue,
    ProxyUrl,
    check_pairs,
)
from scraper.settings_types import (
    Bytes,
    Command,
    Cpu,
    Encoding,
    Event,
    Header,
    NetworkOrHost,
    Ports,
    PositiveSeconds,
    Seconds,
    Share,
    Template,
    WebUrl,
)

__all__ = ["HOST_GROUPS", "Request", "Settings", "settings_rows"]


class _Group(BaseModel):
    # `--set cluster.batch_cpu=2` is a number to TOML.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Http(_Group):
    """How a page is asked for."""

    contact: Header | None = Field(None, description="URL or mail address; none: no public host")
    user_agent: Header | None = Field(None, description="default: package/version (+contact)")
    connect_timeout_s: PositiveSeconds = Field(10, description="until the connection stands")
    read_timeout_s: PositiveSeconds = Field(20, description="between two pieces of an answer")
    deadline_s: PositiveSeconds = Field(60, description="network time of one attempt, all hops")
    max_body_bytes: Bytes = Field(10_485_760, description="of a decoded body")
    max_redirects: int = Field(10, ge=0, description="hops until redirect_loop")
    connections: PositiveInt = Field(128, description="at once in a worker")
    proxy: ProxyUrl | None = Field(None, description="URL of an HTTP proxy, or env:NAME")
    cookies: Literal["none", "run"] = Field("none", description="run: kept for a host in a batch")


class Request(_Group):
    """What one site is told beyond the usual: `[hosts."x".request]`. Secrets are `env:NAME`."""

    headers: dict[str, HeaderValue] = Field({}, description="sent to this host, by name")
    cookies: dict[str, CookieValue] = Field({}, description="sent to this host, by name")
    auth: EnvironmentName | None = Field(None, description="env:NAME of user:password (basic)")
    bearer: EnvironmentName | None = Field(None, description="env:NAME of a bearer token")
    proxy: ProxyUrl | None = Field(None, description="of this host: URL, or env:NAME")

    @model_validator(mode="after")
    def _no_bare_secrets(self) -> "Request":
        check_pairs("header", self.headers)
        check_pairs("cookie", self.cookies)
        if self.auth is not None and self.bearer is not None:
            raise ValueError("auth and bearer exclude one another")
        return self


class Network(_Group):
    """Which addresses may be asked."""

    allow: tuple[NetworkOrHost, ...] = Field((), description="private CIDRs and hosts let through")
    deny: tuple[NetworkOrHost, ...] = Field((), description="CIDRs and hosts never asked")
    only: tuple[NetworkOrHost, ...] = Field((), description="nothing but these CIDRs and hosts")
    ports: tuple[Ports, ...] = Field(
        ("80", "443", "1024-65535"),
        description="asked; those of known services (6379) only where they stand by themselves",
    )


class Throttle(_Group):
    """How often one host is asked, over all batches."""

    delay_s: Seconds = Field(1.0, description="between the starts of two requests to a host")
    jitter: Share = Field(0.2, description="share of the delay added at random, only ever longer")
    concurrency: PositiveInt = Field(1, description="requests at once to a host")
    max_delay_s: Seconds = Field(60, description="429, 503, timeouts double the delay up to it")
    unit: Literal["host", "domain"] = Field("host", description="what the limit counts by")
    max_retry_after_s: Seconds = Field(300, description="longest Retry-After that is waited for")
    give_up_after: PositiveInt = Field(5, description="failures in a row until a host is left")


class Robots(_Group):
    """robots.txt."""

    obey: bool = Field(True, description="ask robots.txt before a host's pages")
    max_crawl_delay_s: Seconds = Field(30, description="longest Crawl-delay that is kept")
    over_max_crawl_delay: Literal["skip", "clamp"] = Field(
        "skip", description="a host that asks for more is skipped, or asked at that delay"
    )
    obey_page_tags: bool = Field(False, description="skip pages that say noindex or noai")


class Retry(_Group):
    """Other attempts at a seed that failed for now."""

    attempts: PositiveInt = Field(3, description="in all, the first included")
    max_wait_s: Seconds = Field(60, description="longest wait between two attempts")
    budget: Share = Field(0.2, description="share of a host's requests that may be retries")
    budget_min: int = Field(10, ge=0, description="retries of a host that are allowed beyond it")


class Batch(_Group):
    """How the work is cut."""

    size: PositiveInt = Field(1000, description="seeds in a batch, at most")
    max_in_flight: int = Field(50, ge=1, le=500, description="batches, so partitions, side by side")
    workers: PositiveInt | None = Field(None, description="processes; none: the cores, 1: this one")
    parse_deadline_s: PositiveSeconds = Field(30, description="for parsing one page; workers > 1")


class Archive(_Group):
    """The pages as fetched."""

    keep: bool = Field(True, description="keep the WARC files once the run is published")
    flush_s: Seconds = Field(2, description="a crash loses at most so much time")
    object_store_flush_s: Seconds = Field(30, description="the same on an object store")
    flush_bytes: Bytes = Field(4_194_304, description="or so many bytes")


class Lists(_Group):
    """How lists are read, and fetched where they are at a URL."""

    max_bytes: Bytes = Field(1_073_741_824, description="of one list, decoded")
    deadline_s: PositiveSeconds = Field(600, description="network time of one fetch of a list")
    encoding: Encoding | None = Field(None, description="of text lists; none: told from the list")
    max_sitemaps: PositiveInt = Field(50_000, description="of one sitemap index")


class Plan(_Group):
    """What is made of a list's rows."""

    canonical: bool = Field(False, description="rows that differ in tracking words are duplicates")


class Gates(_Group):
    """What must hold before a run becomes the latest."""

    min_ok_share: Share = Field(0, description="ok and unchanged among the outcomes; 0: off")
    max_failed: int | None = Field(None, ge=0, description="failed outcomes; none: off")
    max_failed_per_host: int | None = Field(None, ge=0, description="of any one host; none: off")
    min_items: int | None = Field(None, ge=0, description="items; none: off")
    coverage: dict[str, Share] = Field({}, description="by field: share of its items with a value")


class Notify(_Group):
    """Who is told how a run ended, once it is published."""

    on: tuple[Event, ...] = Field(("gate",), description="gate change failure always")
    command: Command | None = Field(None, description="run without a shell, the summary on stdin")
    webhook: WebUrl | None = Field(None, description="URL the summary is posted to, or env:NAME")
    template: Template | None = Field(None, description="JSON with {names} to post instead")
    timeout_s: PositiveSeconds = Field(10, description="for the command, and for the webhook")


class Retention(_Group):
    """What `scraper prune` leaves; the latest run and what it needs is never dropped."""

    keep_runs: PositiveInt | None = Field(None, description="newest finished runs; none: all")
    keep_days: PositiveSeconds | None = Field(None, description="or runs not older; none: all")
    archives_keep_runs: int | None = Field(None, ge=0, description="that keep their archives")


class Publish(_Group):
    """What a run's dataset takes over from the last one."""

    stale_runs: int = Field(3, ge=0, description="runs that a failing page's last items are kept")


class Recheck(_Group):
    """How pages are asked for that the last published run has."""

    fresh: bool = Field(False, description="ask without conditions, and for what isn't due")
    verify_after: int = Field(20, ge=0, description="304s in a row until a whole answer; 0: never")
    adaptive: bool = Field(False, description="ask only for what is due")
    min_s: PositiveSeconds = Field(86_400, description="shortest time until a page is due again")
    max_s: PositiveSeconds = Field(2_592_000, description="longest time until a page is due again")
    grow: Seconds = Field(0.4, description="share added to that time: the page is unchanged")
    shrink: Share = Field(0.2, description="share taken from that time: the page has changed")


class Cluster(_Group):
    """The Flyte environments; read when `workflows` is imported, so from the environment."""

    image: str | None = Field(None, description="image URI from CI; none: built from packages")
    reuse: bool = Field(True, description="reusable containers (a Union backend)")
    replicas_min: int = Field(3, ge=0, description="batch containers kept")
    replicas_max: PositiveInt = Field(10, description="batch containers at most")
    concurrency: PositiveInt = Field(5, description="batches at once in a container")
    idle_s: int = Field(300, ge=30, description="how long an idle container is kept warm")
    batch_cpu: Cpu = Field("1", description="of a batch container")
    batch_memory: str = Field("2Gi", description="of a batch container")
    crawl_cpu: Cpu = Field("1", description="of the orchestrator")
    crawl_memory: str = Field("4Gi", description="of the orchestrator")
    secrets: tuple[EnvironmentVariable, ...] = Field(
        (), description="Flyte secrets that become environment variables"
    )
    batch_retries: int = Field(3, ge=0, description="of a crashed batch")
    crawl_retries: int = Field(2, ge=2, description="of a crashed orchestrator")
    batch_timeout_s: int = Field(0, ge=0, description="of one try of a batch; 0: none")
    crawl_timeout_s: int = Field(0, ge=0, description="of a run with all its tries; 0: none")
    interruptible: bool = Field(False, description="batches may run on spot machines")
    log_format: Literal["json", "console"] = Field("json", description="of the containers' logs")
    do_not_track: bool = Field(True, description="no telemetry of Flyte's from the containers")


class Settings(_Group):
    """All settings of a run. `extra` is forbidden in every group."""

    http: Http = Http()
    request: Request = Request()
    network: Network = Network()
    throttle: Throttle = Throttle()
    robots: Robots = Robots()
    retry: Retry = Retry()
    batch: Batch = Batch()
    archive: Archive = Archive()
    lists: Lists = Lists()
    plan: Plan = Plan()
    gates: Gates = Gates()
    notify: Notify = Notify()
    retention: Retention = Retention()
    publish: Publish = Publish()
    recheck: Recheck = Recheck()
    cluster: Cluster = Cluster()


HOST_GROUPS = ("throttle", "robots", "retry", "request")
"""The groups that a host may override."""


def settings_rows() -> Iterator[tuple[str, str, str]]:
    """Name, default and effect of each setting, in order: the rows of the README's table."""
    defaults = Settings()
    for group in Settings.model_fields:
        values = getattr(defaults, group)
        for name, info in type(values).model_fields.items():
            yield f"{group}.{name}", _shown(getattr(values, name)), info.description or ""


def _shown(value: object) -> str:
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
