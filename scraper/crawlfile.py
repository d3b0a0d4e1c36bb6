r"""A crawl file: the list, the settings, the site rules of one crawl.

    seeds = [
        "list.csv",
        "https://example.org/sitemap.xml",
        {list = "https://example.org/export?type=csv", format = "csv", url_column = "link"},
        {url = "https://example.org/", shelf = "a"},
    ]

    [settings.throttle]
    delay_s = 2

    [hosts."slow.example.org".throttle]
    delay_s = 10

    [[sites]]
    name = "shop"
    hosts = ["example.org"]
    [sites.fields]
    title = { css = "h1", required = true }
    price = { css = ".price", regex = '[\d.]+', type = "float" }

    [schedule]
    cron = "0 6 * * *"
    timezone = "Europe/London"

Paths are relative to the file. Every error is a `ConfigError` that names file and key.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from scraper.errors import ConfigError
from scraper.listsource import is_row, list_source
from scraper.rules import SiteRule, check_rules
from scraper.rules.clean import TAGS
from scraper.rules.text import WrongKey
from scraper.schedule import Schedule
from scraper.seeds.rows import split_url
from scraper.settings import HostName, Layer, nearest

__all__ = ["CrawlFile", "crawl_file_text", "parse_crawl_file", "read_crawl_file"]

Group = dict[str, Any]


class CrawlFile(BaseModel):
    """What a crawl file says, its rules checked, its settings not yet laid over the others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seeds: Annotated[list[str | dict[str, Any]], Field(min_length=1)]
    settings: dict[str, Group] = {}
    hosts: dict[HostName, dict[str, Group]] = {}
    sites: list[SiteRule] = []
    schedule: Schedule | None = None

    def layer(self, source: str) -> Layer:
        """The file's settings as a layer of their own."""
        return Layer(source=source, values=self.settings, hosts=self.hosts)

    @field_validator("seeds")
    @classmethod
    def _rows_can_be_kept(cls, seeds: list[str | Group]) -> list[str | Group]:
        for place, seed in enumerate(seeds, 1):
            if not is_row(seed):
                _check_list(seed, place)
                continue
            if isinstance(seed, dict) and split_url(seed)[0] is None:
                raise ValueError(f"row {place} has no url")
            try:
                orjson.dumps(seed)
            except TypeError as error:
                raise ValueError(f"row {place} can't be kept as JSON: {error}") from error
        return seeds


def read_crawl_file(path: Path) -> CrawlFile:
    """Read and check a crawl file.

    Raises:
        ConfigError: no such file, not TOML, a wrong key, a wrong rule; with file and key.
    """
    return parse_crawl_file(crawl_file_text(path), str(path))


def crawl_file_text(path: Path) -> str:
    """The text of a crawl file, whatever it says.

    Raises:
        ConfigError: no such file, or no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read as a crawl file: {error}") from error


def parse_crawl_file(text: str, source: str) -> CrawlFile:
    """Check the text of a crawl file; `source` is what errors call it.

    Raises:
        ConfigError: see `read_crawl_file`.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{source}: not TOML: {error}") from error
    try:
        crawl_file = CrawlFile.model_validate(data)
    except ValidationError as error:
        # A misspelt key explains a missing one: it is told first.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        raise ConfigError(f"{source}: {_explain(first)}") from error
    check_rules(crawl_file.sites, source)
    return crawl_file


def _check_list(seed: str | Group, place: int) -> None:
    try:
        list_source(seed, Path())
    except ValueError as error:
        raise ValueError(f"row {place}: {error}") from error


def _explain(error: ErrorDetails) -> str:
    path = [part for part in error["loc"] if part not in _PYDANTIC_PARTS]
    key = ".".join(_part(part) for part in path) or "the file"
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, WrongKey):
        return f"{key}.{cause.key}: {cause.problem}"
    if error["type"] == "extra_forbidden":
        return f"unknown key {key!r}{nearest(str(path[-1]), _valid_keys(path))}"
    if error["type"] == "literal_error":
        valid = re.findall("'([^']*)'", error["ctx"]["expected"])
        return f"{key}: there is no {error['input']!r}{nearest(str(error['input']), valid)}"
    return f"{key}: {error['msg'].removeprefix('Value error, ')}"


_PYDANTIC_PARTS = ("str", "dict[str,any]", "[key]", *TAGS)


def _part(part: str | int) -> str:
    return part if isinstance(part, str) else str(part + 1)


def _valid_keys(path: list[str | int]) -> list[str]:
    """The keys that the table at this path knows."""
    model: type[BaseModel] = CrawlFile
    if path[0] == "schedule" and len(path) > 1:
        model = Schedule
    if path[0] == "sites" and len(path) > 1:
        model = SiteRule.model_fields_of(path[2:-1])
    return list(model.model_fields)
