"""Retry and reparse: which run they go out from, with which settings and rules.

In: a store and what a person says. Out: a request, and the `CrawlSpec` of any request. Such a run
takes the former one's settings, with flags on top; a reparse takes the rules of the crawl file as
it is when it is asked for, if that can be found, else those of the former run.

Raises `ConfigError` for what is wrong, `StoreError`.
"""

from collections.abc import Sequence
from pathlib import Path

from scraper.asked import Asked, load_request
from scraper.crawl import CrawlSpec
from scraper.crawlfile import crawl_file_text, parse_crawl_file
from scraper.plan.again import former_run
from scraper.plan.retry import reasons_to_retry
from scraper.rules import check_fields
from scraper.run import RunInfo
from scraper.settings import HostSettings, Layer, flag_layer, load_settings
from scraper.settings_table import HOST_GROUPS
from scraper.store import Store

__all__ = ["crawl_file_now", "spec_of"]


def spec_of(asked: Asked, store: Store) -> CrawlSpec:
    """What a request asks for, whether it begins with a list or with a former run.

    Raises:
        ConfigError: anything of it is wrong.
        StoreError: the store failed.
    """
    if asked.again is None:
        return asked.spec()
    former = former_run(store, asked.again.former)
    reasons_to_retry(asked.again.only)
    sites = former.sites
    if asked.again.kind == "reparse" and asked.crawl_file is not None:
        sites = tuple(parse_crawl_file(asked.crawl_file, asked.seeds).sites)
    settings = _settings(former, asked.settings)
    check_fields(settings.all.gates.coverage, sites, "gates.coverage")
    return CrawlSpec(
        crawl=former.crawl,
        lists=(),
        settings=settings,
        sites=sites,
        again=asked.again,
    )


def crawl_file_now(store: Store, run: str, given: str | None) -> tuple[str, str | None]:
    """The path of a crawl file and its text, as they are now; no text if it can't be found.

    Args:
        store: where the run is.
        run: what was asked for with a crawl file, perhaps.
        given: another file; it must be there.

    Raises:
        ConfigError: the file that is given can't be read.
        StoreError: the store failed.
    """
    if given is not None:
        return str(Path(given).absolute()), crawl_file_text(Path(given))
    request = load_request(store, run)
    path = Path(request[0].seeds) if request is not None else Path()
    if path.suffix.lower() != ".toml" or not path.is_file():
        return str(path), None
    return str(path), crawl_file_text(path)


def _settings(former: RunInfo, flags: Sequence[str]) -> HostSettings:
    """The settings of a former run with flags over them."""
    known = former.settings
    hosts = {
        host: settings.model_dump(mode="json", include=set(HOST_GROUPS))
        for host, settings in known.by_host.items()
    }
    source = f"{former.run}/run.json"
    layer = Layer(source=source, values=known.all.model_dump(mode="json"), hosts=hosts)
    return load_settings(layer, flag_layer(flags))
