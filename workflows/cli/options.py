"""Options and arguments that several commands have."""

from collections.abc import Callable
from typing import TypeVar

import rich_click as click

__all__ = [
    "crawl_option",
    "json_flag",
    "json_option",
    "quiet_option",
    "run_argument",
    "set_option",
    "store_option",
    "url_column_option",
]

Command = TypeVar("Command", bound=Callable[..., None])

store_option = click.option(
    "--store",
    envvar="SCRAPER_STORE",
    default="crawls",
    show_default=True,
    metavar="DIR|URL",
    help="Where crawls live.",
)
crawl_option = click.option(
    "--crawl", metavar="NAME", help="Name of the crawl; default: that of the list."
)
url_column_option = click.option(
    "--url-column", metavar="NAME", help="Column of the list that holds the URL."
)
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting, such as throttle.delay_s=0.5.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
run_argument = click.argument("run", metavar="RUN")
"""`CRAWL/RUN_ID`, or `CRAWL` for its latest."""


def json_flag(text: str) -> Callable[[Command], Command]:
    """The option `--json`, with what it prints."""
    return click.option("--json", "as_json", is_flag=True, help=text)


json_option = json_flag("Print one JSON object.")
