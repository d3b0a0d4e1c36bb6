"""`scraper export`: a table of a run, for other programs."""

import sys
from pathlib import Path

import orjson
import rich_click as click

from scraper.errors import ConfigError
from scraper.export import FORMATS, TABLES, ExportFormat, Table, export_table
from scraper.runs import existing_store, published_run
from workflows.cli.options import json_flag, run_argument, store_option
from workflows.cli.output import open_output
from workflows.cli.told import errors_told

__all__ = ["chosen_format", "export"]

_FORMAT_BY_SUFFIX: dict[str, ExportFormat] = {
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}
_COMPRESSED = frozenset({".gz", ".zst", ".bz2", ".xz", ".zip"})


@click.command()
@run_argument
@click.argument("what", type=click.Choice(TABLES), default="items")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    help="Default: told by the suffix of FILE, else jsonl.",
)
@click.option("-o", "--output", "file", metavar="FILE", help="Write there, not to stdout.")
@store_option
@json_flag("Print what was written as a JSON object; needs -o.")
def export(
    run: str,
    what: Table,
    file_format: ExportFormat | None,
    file: str | None,
    store: str,
    as_json: bool,
) -> None:
    """Write a table of RUN: its items, outcomes, failed rows or changes.

    RUN is CRAWL/RUN_ID, or CRAWL for its latest. Times are RFC 3339 in UTC; lists and structs are
    JSON, in CSV as text. CSV is made safe for spreadsheets: a text or a column name that could be
    taken for a formula (it begins with = + - @, a tab or a line break) has a ' put before it;
    numbers stay as they are.
    """
    with errors_told():
        chosen = chosen_format(file_format, file, as_json=as_json)
        source = existing_store(store)
        name = published_run(source, run)
        with open_output(file) as target:
            rows = export_table(source, name, what, file_format=chosen, target=target)
        if file is not None:
            _show(what, chosen, rows, path=Path(file), as_json=as_json)


def chosen_format(chosen: ExportFormat | None, file: str | None, *, as_json: bool) -> ExportFormat:
    """The format that is meant.

    Raises:
        ConfigError: the options don't go together.
    """
    if as_json and file is None:
        raise ConfigError("--json tells what was written to a file: it needs -o FILE")
    suffix = Path(file or "").suffix.lower()
    if suffix in _COMPRESSED:
        raise ConfigError(f"{file}: the export isn't compressed; leave out the {suffix}")
    found = chosen or _FORMAT_BY_SUFFIX.get(suffix, "jsonl")
    if found == "parquet" and file is None and sys.stdout.isatty():
        raise ConfigError("Parquet is not for a terminal: write it to a file, -o FILE")
    return found


def _show(what: Table, file_format: ExportFormat, rows: int, *, path: Path, as_json: bool) -> None:
    """Say what was written: a JSON object is data, a line for people isn't."""
    size = path.stat().st_size
    if as_json:
        told = {"what": what, "format": file_format, "rows": rows, "bytes": size, "path": str(path)}
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(f"{rows:,} rows ({what}, {file_format}, {size:,} bytes) in {path}", err=True)
