"""A run as its `run.json` says: what was asked for, with which settings, rules and versions.

Written once, before the first fetch; every later step, on whatever machine, starts from it.
"""

import hashlib
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version

import orjson

from scraper.crawl import Again, AgainKind
from scraper.errors import ConfigError
from scraper.layout import run_key
from scraper.product import PRODUCT, VERSION
from scraper.rules import SiteRule
from scraper.settings import HostSettings
from scraper.settings_table import Settings
from scraper.store import Store

__all__ = [
    "CODE_VERSION",
    "RunInfo",
    "adopt_workers",
    "begin_life",
    "check_run_id",
    "load_run",
    "new_run_id",
    "resumed",
    "same_settings",
    "save_run",
]

CODE_VERSION = "2"
"""Raised when a phase would do other work for the same batch: it is part of every trace's key."""

_BESIDE_THE_RUNS = {"lease", "state", "latest.json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """One execution of a crawl.

    `columns` are the seed columns with their SQL types, `renamed` the names that some of them
    have in the list, `list_sha256` is the digest of the list's rows, `batch_size` the effective
    one. `baseline` is the id of the published run that this one is compared with, if there is one.
    `again` says which former run's rows these are, and which of them are done again.
    """

    crawl: str
    run_id: str
    created_at: datetime
    settings: HostSettings
    sites: tuple[SiteRule, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    list_sha256: str = ""
    batch_size: int = 0
    rows: int = 0
    duplicates: int = 0
    again: Again | None = None
    baseline: str | None = None

    @property
    def run(self) -> str:
        """The run's key: `<crawl>/<run_id>`."""
        return f"{self.crawl}/{self.run_id}"


def new_run_id(at: datetime, name: str) -> str:
    """A run's id: it sorts by time, and differs by name (any text that is the run's own)."""
    return f"{at:%Y%m%dT%H%M%SZ}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def check_run_id(run_id: str) -> str:
    """A run id is part of a key: letters, digits, `.`, `_` and `-`, at most 100.

    Raises:
        ConfigError: it isn't, or it is the name of what stands beside the runs.
    """
    if run_id.lower() in _BESIDE_THE_RUNS:
        raise ConfigError(f"--run-id {run_id!r}: is the name of a folder beside the runs")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", run_id):
        raise ConfigError(f"--run-id {run_id!r}: letters, digits, '.', '_' and '-' only")
    return run_id


def same_settings(one: HostSettings, other: HostSettings) -> bool:
    """Whether two settings make one run: the number of workers is the machine's, not the run's."""
    return _made_by(one) == _made_by(other)


def adopt_workers(info: RunInfo, settings: HostSettings, store: Store) -> RunInfo:
    """Go on with as many workers as these settings say; `run.json` then says so too.

    Raises:
        StoreError: the store failed.
    """
    if info.settings.all.batch.workers == settings.all.batch.workers:
        return info
    adopted = replace(info, settings=settings)
    save_run(adopted, store)
    return adopted


def begin_life(store: Store, run: str) -> int:
    """Note that a process has taken the run up; say how often that was before.

    Raises:
        StoreError: the store failed.
    """
    life = 0
    while not store.create(run_key(run, f"lives/{life:05d}"), b""):
        life += 1
    return life


def resumed(store: Store, run: str) -> int:
    """How often a run was taken up again. Raises: `StoreError`."""
    return max(0, len(store.list(run_key(run, "lives"))) - 1)


def _made_by(settings: HostSettings) -> list[dict[str, object]]:
    exclude = {"batch": {"workers"}}
    by_host = {host: own.model_dump(exclude=exclude) for host, own in settings.by_host.items()}
    return [settings.all.model_dump(exclude=exclude), by_host]


def save_run(info: RunInfo, store: Store) -> None:
    """Write `run.json`. Raises: `StoreError`."""
    data = {
        "crawl": info.crawl,
        "run_id": info.run_id,
        "created_at": info.created_at,
        "kind": info.again.kind if info.again is not None else "run",
        "from": info.again.former if info.again is not None else None,
        "only": info.again.only if info.again is not None else (),
        "list_sha256": info.list_sha256,
        "rows": info.rows,
        "duplicates": info.duplicates,
        "baseline": info.baseline,
        "batch_size": info.batch_size,
        "columns": info.columns,
        "renamed": info.renamed,
        "settings": info.settings.all.model_dump(mode="json"),
        "hosts": {
            host: settings.model_dump(mode="json")
            for host, settings in info.settings.by_host.items()
        },
        "sites": [rule.model_dump(mode="json", exclude_defaults=True) for rule in info.sites],
        "versions": {"python": platform.python_version()}
        | {PRODUCT: VERSION}
        | {name: version(name) for name in ("flyte", "httpx", "selectolax", "duckdb")},
        "code_version": CODE_VERSION,
    }
    store.put(run_key(info.run, "run.json"), orjson.dumps(data, option=orjson.OPT_INDENT_2))


def load_run(store: Store, run: str) -> RunInfo | None:
    """Read `run.json`; none if the run was never planned to the end.

    Raises:
        ConfigError: it is there but can't be read by this version.
        StoreError: the store failed.
    """
    text = store.get(run_key(run, "run.json"))
    if text is None:
        return None
    try:
        data = orjson.loads(text)
        by_host = {name: Settings.model_validate(host) for name, host in data["hosts"].items()}
        return RunInfo(
            crawl=data["crawl"],
            run_id=data["run_id"],
            created_at=datetime.fromisoformat(data["created_at"]),
            settings=HostSettings(Settings.model_validate(data["settings"]), by_host),
            sites=tuple(SiteRule.model_validate(rule) for rule in data["sites"]),
            columns=data["columns"],
            renamed=data.get("renamed", {}),
            list_sha256=data["list_sha256"],
            batch_size=data["batch_size"],
            rows=data["rows"],
            duplicates=data["duplicates"],
            again=_again(data.get("kind"), data.get("from"), data.get("only", ())),
            baseline=data.get("baseline"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        place = store.address(run_key(run, "run.json"))
        raise ConfigError(f"{place}: not a run of this version: {error}") from error


def _again(kind: AgainKind, former: str | None, only: Iterable[str]) -> Again | None:
    return Again(kind=kind, former=former, only=tuple(only)) if former is not None else None
