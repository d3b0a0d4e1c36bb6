"""`scraper try`: one URL, explained on one screen."""

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import rich_click as click

from scraper.crawl import CrawlSpec, resolve_crawl
from scraper.crawlfile import read_crawl_file
from scraper.errors import ConfigError
from scraper.explain import Explanation, explain_url
from scraper.fixtures import save_fixture
from scraper.models import Status
from scraper.rules import rule_choice
from scraper.settings import environment_layer, flag_layer, load_settings
from scraper.urls import parse_url
from workflows.cli.explained import explanation_json, explanation_text
from workflows.cli.options import json_flag, set_option
from workflows.cli.told import ERROR, errors_told

__all__ = ["try_"]

_CRAWL_FILES = "seeds/*.toml"


@click.command("try")
@click.argument("url")
@click.option(
    "--crawl-file",
    metavar="FILE",
    help=f"Whose rules and settings to take; default: the one of {_CRAWL_FILES} that has a rule "
    "for the URL.",
)
@click.option(
    "--seed", "columns", multiple=True, metavar="NAME=VALUE", help="A column of the page's row."
)
@click.option(
    "--save-fixture",
    "folder",
    metavar="DIR",
    help="Keep the page and its items there, for `scraper check`.",
)
@set_option
@json_flag("Print the explanation as a JSON object, values whole.")
def try_(
    url: str,
    crawl_file: str | None,
    columns: tuple[str, ...],
    folder: str | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Fetch one URL politely and say why it ended as it did.

    Shown are the verdict of robots.txt with the line that decided, the redirects, times, the
    charset and who named it, the site rule and why it was chosen, and each field with its value
    and what gave it.

    Exit codes: 0 the page gives items, 1 it doesn't, 2 usage or configuration.
    """
    with errors_told():
        chosen = crawl_file or _covering(url)
        spec = _spec(chosen, settings)
        found = asyncio.run(explain_url(url, spec, seed=_columns(columns)))
        saved = _save(found, folder, crawl_file=chosen) if folder is not None else None
        if as_json:
            click.echo(explanation_json(found, crawl_file=chosen, saved=saved))
        else:
            click.echo(explanation_text(found, crawl_file=chosen, saved=saved))
    sys.exit(0 if found.outcome.status is Status.OK else ERROR)


def _covering(url: str) -> str | None:
    """The crawl file of this folder that has a rule for a URL, if there is one.

    Raises:
        ConfigError: there are several.
    """
    parsed = parse_url(url)
    if parsed is None:
        return None
    found = [
        str(path)
        for path in sorted(Path().glob(_CRAWL_FILES))
        if rule_choice(parsed.href, read_crawl_file(path).sites).rule is not None
    ]
    if len(found) > 1:
        raise ConfigError(f"{', '.join(found)} have rules for {url}: say which, --crawl-file FILE")
    return found[0] if found else None


def _spec(crawl_file: str | None, flags: Iterable[str]) -> CrawlSpec:
    if crawl_file is not None:
        if not crawl_file.lower().endswith(".toml"):
            raise ConfigError(f"--crawl-file {crawl_file}: a crawl file is a .toml")
        return resolve_crawl(crawl_file, flags=tuple(flags), environ=os.environ)
    layers = (environment_layer(os.environ), flag_layer(flags))
    return CrawlSpec(crawl="try", lists=(), settings=load_settings(*layers))


def _columns(assignments: Iterable[str]) -> dict[str, object]:
    columns: dict[str, object] = {}
    for assignment in assignments:
        name, mark, value = assignment.partition("=")
        if not mark or not name.strip():
            raise ConfigError(f"--seed {assignment}: expected NAME=VALUE")
        columns[name.strip()] = value
    return columns


def _save(found: Explanation, folder: str, *, crawl_file: str | None) -> Path:
    if found.page is None:
        raise ConfigError(f"no page to keep in {folder}: {found.outcome.reason}")
    return save_fixture(Path(folder), found, crawl_file=crawl_file)
