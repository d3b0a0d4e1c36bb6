"""Options and arguments that several commands have."""

from collections.abc import Callable
from functools import wraps
from typing import Literal, TypeVar

import rich_click as click

__all__ = [
    "Where",
    "crawl_option",
    "json_flag",
    "json_option",
    "quiet_option",
    "remote_options",
    "run_argument",
    "set_option",
    "store_option",
    "url_column_option",
]

Command = TypeVar("Command", bound=Callable[..., None])
Where = Literal["here", "remote", "detached"]
"""Where a run is done: in this process, or on a cluster, followed or not."""

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


def remote_options(command: Command) -> Command:
    """The options `--remote` and `--detach`, which the command gets as `where`."""

    @click.option("--remote", is_flag=True, help="Run it on the cluster that Flyte is set up for.")
    @click.option("--detach", is_flag=True, help="With --remote: don't wait for its end.")
    @wraps(command)
    def decorated(*, remote: bool, detach: bool, **given: object) -> None:
        if detach and not remote:
            raise click.UsageError("--detach is for a run on a cluster: --remote")
        where: Where = "detached" if detach else "remote" if remote else "here"
        command(where=where, **given)

    return decorated  # type: ignore[return-value]  # a command as before, for click
