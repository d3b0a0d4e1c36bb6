"""The `scraper` command. Data on stdout, all else on stderr.

Exit codes: 0 done and the gates hold, 1 error, 2 usage or configuration, 3 done but a quality
gate fell short, 4 not begun because another run of the crawl is alive, 130 interrupted and
resumable.
"""

import os

import rich_click as click

from scraper.garbage import collect_rarely
from scraper.product import VERSION
from workflows.cli.check import check
from workflows.cli.demo import demo
from workflows.cli.deploy import deploy
from workflows.cli.diff import diff
from workflows.cli.export import export
from workflows.cli.list_ import list_
from workflows.cli.plan import plan
from workflows.cli.prune import prune_
from workflows.cli.resume import resume
from workflows.cli.retry import reparse, retry
from workflows.cli.run import run
from workflows.cli.schedule import schedule
from workflows.cli.signals import orderly_end
from workflows.cli.try_ import try_

__all__ = ["cli", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="scraper")
def cli() -> None:
    """Turn a list of URLs into a complete, accounted-for dataset, politely."""


_COMMANDS = (
    *(run, resume, retry, reparse, plan, try_, check, list_, export, diff),
    *(schedule, deploy, prune_, demo),
)
for command in _COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run the command line."""
    # Flyte's telemetry is off unless somebody asks for it.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    collect_rarely()
    with orderly_end():
        cli()
