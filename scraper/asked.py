"""What a run was asked to do: kept in the run itself, before it is planned.

In: what a command line says. Out: `request.json`, a run's first file. From it a run that was
killed while it was planned is planned again, whatever flags, environment and files are by then.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

import orjson

from scraper.crawl import STDIN, Again, CrawlSpec, resolve_crawl
from scraper.crawlfile import crawl_file_text
from scraper.errors import ConfigError
from scraper.layout import run_key
from scraper.settings import ENVIRONMENT_PREFIX
from scraper.store import Store

__all__ = ["Asked", "has_request", "load_request", "save_request", "settings_of"]

_URL = re.compile(r"\s*https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The request. `crawl` overrides the crawl's name, `crawl_file` is the text of a crawl file.

    `environment` are the variables that are settings, `uploads` the copies of its lists that were
    put into the run (see `scraper.uploads`). With `again` a former run's rows are asked for: then
    `seeds` is only where the crawl file is, `settings` go over those of that run, and
    `scraper.again` makes the spec.
    """

    seeds: str
    crawl: str | None = None
    url_column: str | None = None
    crawl_file: str | None = None
    settings: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    again: Again | None = None

    def spec(self) -> CrawlSpec:
        """What is to be crawled.

        Raises:
            ConfigError: anything of it is wrong.
        """
        return resolve_crawl(
            self.seeds,
            name=self.crawl,
            crawl_file_text=self.crawl_file,
            url_column=self.url_column,
            flags=self.settings,
            environ=self.environment,
        )

    def as_kept(self, crawl: str) -> "Asked":
        """The same, so that it means the same from anywhere and later.

        Raises:
            ConfigError: the crawl file can't be read.
        """
        if self.again is not None:
            return replace(self, crawl=crawl, environment={})
        is_path = self.seeds != STDIN and not _URL.match(self.seeds)
        seeds = str(Path(self.seeds).absolute()) if is_path else self.seeds
        text = self.crawl_file
        if is_path and text is None and seeds.lower().endswith(".toml"):
            text = crawl_file_text(Path(seeds))
        environment = settings_of(self.environment)
        return replace(self, seeds=seeds, crawl=crawl, crawl_file=text, environment=environment)


def settings_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that are settings: the others may hold secrets. Raises: nothing."""
    return {
        name: value
        for name, value in sorted(environ.items())
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name
    }


def save_request(store: Store, run: str, asked: Asked, *, at: datetime) -> None:
    """Keep what a run was asked to do, and when. Raises: `StoreError`."""
    about = asdict(asked) | {"asked_at": at}
    store.put(run_key(run, "request.json"), orjson.dumps(about, option=orjson.OPT_INDENT_2))


def load_request(store: Store, run: str) -> tuple[Asked, datetime] | None:
    """What a run was asked to do, and when; none if nobody ever asked.

    Raises:
        ConfigError: it is there but can't be read by this version.
        StoreError: the store failed.
    """
    text = store.get(run_key(run, "request.json"))
    if text is None:
        return None
    try:
        data: dict[str, object] = orjson.loads(text)
        at = datetime.fromisoformat(str(data.pop("asked_at")))
        settings, again = data.pop("settings"), data.pop("again", None)
        assert isinstance(settings, list)
        asked = Asked(**data, settings=tuple(settings))  # type: ignore[arg-type]  # as saved
        return (asked if again is None else replace(asked, again=_again(again))), at
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        place = store.address(run_key(run, "request.json"))
        raise ConfigError(f"{place}: not a request of this version: {error}") from error


def _again(data: object) -> Again:
    assert isinstance(data, dict)
    return Again(**data | {"only": tuple(data["only"])})


def has_request(store: Store, run: str) -> bool:
    """Whether a run was ever asked for, so that it can be taken up again. Raises: `StoreError`."""
    return store.head(run_key(run, "request.json")) is not None
