"""What a user asked for, as one value: the crawl's name, its lists, its settings, its rules.

In: a list or a crawl file, flags and environment. Out: a `CrawlSpec`, or a `ConfigError` that
names file and key. Nothing is fetched or written.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from scraper.crawlfile import CrawlFile, parse_crawl_file, read_crawl_file
from scraper.errors import ConfigError
from scraper.listsource import ListSource, is_row, list_source
from scraper.rules import SiteRule, check_fields
from scraper.seeds import crawl_name, is_list_url
from scraper.settings import HostSettings, environment_layer, flag_layer, load_settings

__all__ = ["STDIN", "Again", "AgainKind", "CrawlSpec", "InlineRows", "resolve_crawl"]

InlineRows = tuple[str | Mapping[str, object], ...]
AgainKind = Literal["retry", "reparse"]
STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A run over the rows of a former one: `former` is its key, `only` the reasons to retry."""

    kind: AgainKind
    former: str
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlSpec:
    """A crawl that can be planned.

    `lists` are paths, URLs or `-`, some with options of their own, or rows of the crawl file
    itself. `url_column` is for those that name none. With `again` the rows are a former run's.
    """

    crawl: str
    lists: tuple[str | ListSource | InlineRows, ...]
    settings: HostSettings
    sites: tuple[SiteRule, ...] = ()
    url_column: str | None = None
    again: Again | None = None


def resolve_crawl(
    seeds: str,
    *,
    name: str | None = None,
    crawl_file_text: str | None = None,
    url_column: str | None = None,
    flags: Sequence[str] = (),
    environ: Mapping[str, str],
) -> CrawlSpec:
    """Bring together what a run needs to know.

    Args:
        seeds: a list's path or URL, `-`, or a crawl file's path (`.toml`).
        name: overrides the crawl's name.
        crawl_file_text: the crawl file itself, where its path can't be read from here.
        url_column: the column of the list that holds the URL.
        flags: `group.field=value`.
        environ: `SCRAPER_…` variables.

    Raises:
        ConfigError: anything of it is wrong; with file, line or key.
    """
    if seeds == STDIN and name is None:
        raise ConfigError("a list from stdin needs a name: --crawl NAME")
    crawl = crawl_name(name if name is not None else seeds)
    layers = [environment_layer(environ), flag_layer(flags)]
    if not _is_crawl_file(seeds):
        settings = load_settings(*layers)
        check_fields(settings.all.gates.coverage, (), "gates.coverage")
        return CrawlSpec(crawl=crawl, lists=(seeds,), settings=settings, url_column=url_column)
    crawl_file = (
        read_crawl_file(Path(seeds))
        if crawl_file_text is None
        else parse_crawl_file(crawl_file_text, seeds)
    )
    settings = load_settings(crawl_file.layer(seeds), *layers)
    check_fields(settings.all.gates.coverage, crawl_file.sites, "gates.coverage")
    return CrawlSpec(
        crawl=crawl,
        lists=_lists(crawl_file, Path(seeds).parent),
        settings=settings,
        sites=tuple(crawl_file.sites),
        url_column=url_column,
    )


def _is_crawl_file(seeds: str) -> bool:
    if not is_list_url(seeds):
        return seeds.lower().endswith(".toml")
    if re.split(r"[?#]", seeds, maxsplit=1)[0].lower().endswith(".toml"):
        raise ConfigError(f"{seeds}: a crawl file is read from a path only: download it first")
    return False


def _lists(crawl_file: CrawlFile, folder: Path) -> tuple[str | ListSource | InlineRows, ...]:
    """The seeds of a crawl file in their order: of duplicates the first row counts."""
    lists: list[str | ListSource | InlineRows] = []
    for rows, seeds in groupby(crawl_file.seeds, key=is_row):
        if rows:
            lists.append(tuple(seeds))
        else:
            lists += [_list(seed, folder) for seed in seeds]
    return tuple(lists)


def _list(seed: str | Mapping[str, object], folder: Path) -> str | ListSource:
    found = list_source(seed, folder)
    return found.source if isinstance(seed, str) else found
