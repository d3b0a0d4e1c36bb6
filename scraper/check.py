"""A crawl file or a list, checked wholly without a network: settings, rules, every row.

In: a path. Out: how many rows each list has and how many of them are no URL. Lists at a URL are
not fetched, only named. Rows stream: nothing is held.

Raises `ConfigError` for the first thing that is wrong, with file, line or key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from scraper.crawl import STDIN, CrawlSpec, InlineRows, resolve_crawl
from scraper.errors import ConfigError
from scraper.listsource import ListSource
from scraper.plan.lists import Lists
from scraper.seeds import NeedsNetwork
from scraper.urls import parse_url

__all__ = ["CrawlCheck", "ListCheck", "check_crawl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCheck:
    """What a list holds; `rows` is None where it would have to be fetched."""

    source: str
    rows: int | None
    invalid: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlCheck:
    """A crawl that can be run, as far as can be told offline."""

    crawl: str
    lists: tuple[ListCheck, ...]
    rules: tuple[str, ...]


def check_crawl(seeds: str, *, environ: Mapping[str, str]) -> CrawlCheck:
    """Check a crawl file, or a list, to its last row.

    Args:
        seeds: its path.
        environ: `SCRAPER_…` variables.

    Raises:
        ConfigError: anything of it is wrong.
    """
    if seeds == STDIN:
        raise ConfigError("a file can be checked, standard input can't")
    spec = resolve_crawl(seeds, name="check", environ=environ)
    return CrawlCheck(
        crawl=seeds,
        lists=tuple(_checked(source, spec) for source in spec.lists),
        rules=tuple(rule.name for rule in spec.sites),
    )


def _checked(source: str | ListSource | InlineRows, spec: CrawlSpec) -> ListCheck:
    name = "rows of the crawl file" if isinstance(source, tuple) else _name(source)
    rows = invalid = 0
    one = replace(spec, lists=(source,))
    with TemporaryDirectory(prefix="scraper-") as folder, Lists(one, Path(folder), None) as lists:
        try:
            for raw in lists.rows():
                rows += 1
                invalid += raw.url is None or parse_url(raw.url) is None
        except NeedsNetwork:
            return ListCheck(source=name, rows=None, invalid=None)
    return ListCheck(source=name, rows=rows, invalid=invalid)


def _name(source: str | ListSource) -> str:
    return source if isinstance(source, str) else source.source
