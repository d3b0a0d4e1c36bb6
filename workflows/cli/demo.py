"""`scraper demo`: a small, troublesome website on this machine, and a crawl of it."""

import sys
from pathlib import Path

import rich_click as click

from workflows.cli.run import execute

__all__ = ["demo"]


@click.command()
@click.option(
    "--store",
    envvar="SCRAPER_STORE",
    default="crawls",
    show_default=True,
    metavar="DIR|URL",
    help="Where crawls live.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def demo(store: str, as_json: bool) -> None:
    """Start a small, troublesome website on this machine and crawl its 1,000 pages."""
    from scraper.demo import serve_demo, write_demo

    folder = Path(store) / "demo-site"
    folder.mkdir(parents=True, exist_ok=True)
    with serve_demo() as server:
        crawl_file = write_demo(folder, server.port)
        code = execute({"seeds": str(crawl_file), "store": store}, as_json=as_json)
    sys.exit(code)
