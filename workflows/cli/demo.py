"""`scraper demo`: a small, troublesome website on this machine, and a crawl of it."""

import shlex
import sys
from pathlib import Path

import rich_click as click

from workflows.cli.execute import execute
from workflows.cli.options import json_option, store_option

__all__ = ["demo"]


@click.command()
@store_option
@json_option
def demo(store: str, as_json: bool) -> None:
    """Crawl a small, troublesome website that is served on this machine."""
    # The website is needed by this command alone.
    from scraper.demo import serve_demo, write_demo

    folder = Path("crawls/demo-site" if "://" in store else f"{store}/demo-site")
    folder.mkdir(parents=True, exist_ok=True)
    with serve_demo() as server:
        click.echo(f"a website of ten hosts on 127.0.0.1:{server.port}; its crawl:", err=True)
        crawl_file = write_demo(folder, server.port)
        click.echo(f"  {crawl_file}", err=True)
        summary, code = execute({"seeds": str(crawl_file), "store": store}, as_json=as_json)
    if summary is not None and not as_json:
        click.echo(_what_next(f"{store}/{summary.crawl}/{summary.run_id}"), err=True)
    sys.exit(code)


def _what_next(run: str) -> str:
    """Three commands to try on the finished run."""
    python, scraper = _command(sys.executable), _command(sys.argv[0])
    query = f"SELECT shelf, reason, count(*) AS n FROM '{run}/outcomes.parquet' GROUP BY ALL"
    return "\n".join(
        [
            "try next:",
            f"  {python} -m webbrowser {shlex.quote(run + '/report.html')}",
            f'  {python} -c "import duckdb; duckdb.sql(\\"{query} ORDER BY n\\").show()"',
            f"  {scraper} run seeds/books.toscrape.com.toml --set http.contact=you@example.org",
        ]
    )


def _command(path: str) -> str:
    """A program as it is called from here."""
    here = Path.cwd()
    absolute = Path(path).absolute()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)
