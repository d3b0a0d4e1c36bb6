"""`scraper diff`: what changed since the last run, or between two runs."""

from pathlib import Path

import orjson
import rich_click as click

from scraper.diff import Change, Changes, compared
from scraper.errors import ConfigError
from scraper.export import FORMATS, ExportFormat, export_file
from scraper.runs import existing_store, published_run
from workflows.cli.export import chosen_format
from workflows.cli.options import json_flag, run_argument, store_option
from workflows.cli.output import open_output
from workflows.cli.told import errors_told

__all__ = ["changes_text", "diff"]

_SHOWN = 50
_CHARACTERS = 60


@click.command()
@run_argument
@click.argument("later", metavar="[RUN]", required=False)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    help="Write all rows, to FILE or stdout. Default: told by the suffix of FILE.",
)
@click.option("-o", "--output", "file", metavar="FILE", help="Write all rows there.")
@store_option
@json_flag("Print how many URLs changed, by kind, as a JSON object.")
def diff(
    run: str,
    later: str | None,
    file_format: ExportFormat | None,
    file: str | None,
    store: str,
    as_json: bool,
) -> None:
    """Say what changed in RUN since the published run before it, or from one RUN to another.

    RUN is CRAWL/RUN_ID, or CRAWL for its latest. URLs are added, changed (field by field), gone
    (404 or 410), removed (no longer in the list, or not to be asked for), failing (their last items
    stand for some runs), or recovered.
    """
    with errors_told():
        writes = file is not None or file_format is not None
        if writes and as_json and file is None:
            raise ConfigError("--json and --format both write to stdout: give -o FILE")
        chosen = chosen_format(file_format, file, as_json=False) if writes else None
        source = existing_store(store)
        name = published_run(source, run)
        other = published_run(source, later) if later is not None else None
        with compared(source, name, other) as changes:
            if chosen is not None:
                _write(changes, chosen, file)
            if as_json:
                click.echo(_as_json(changes))
            elif chosen is None:
                click.echo(changes_text(changes))


def _write(changes: Changes, file_format: ExportFormat, file: str | None) -> None:
    with open_output(file) as target:
        rows = export_file(changes.tables, changes.path, file_format=file_format, target=target)
    if file is not None:
        click.echo(f"{rows:,} rows (changes, {file_format}) in {Path(file)}", err=True)


def _as_json(changes: Changes) -> str:
    told = {"before": changes.before, "after": changes.after, "changes": changes.counts}
    return orjson.dumps(told | {"rows": changes.rows}, option=orjson.OPT_INDENT_2).decode()


def changes_text(changes: Changes) -> str:
    """What changed, for people: the counts, then the first rows."""
    counts = ", ".join(f"{count:,} {kind}" for kind, count in changes.counts.items() if count)
    lines = [f"{changes.before} → {changes.after}: {counts or 'nothing changed'}"]
    shown = changes.first(_SHOWN)
    lines += [line for change in shown for line in _lines(change)]
    if changes.rows > len(shown):
        lines.append(f"… {changes.rows - len(shown):,} more rows; all of them: -o FILE")
    return "\n".join(lines)


def _lines(change: Change) -> list[str]:
    """What comes from pages is written as JSON is: nothing in it can play with a terminal."""
    if change.kind != "changed":
        return [f"{change.kind:<9}  {_plain(change.url)}"]
    where = f" [{_plain(change.item)}]" if change.item not in {None, "1"} else ""
    field = _plain(change.field) if change.field is not None else "item"
    values = " → ".join(_plain(value or "none") for value in (change.before, change.after))
    return [f"{change.kind:<9}  {_plain(change.url)}{where}", f"{'':<11}{field}: {values}"]


def _plain(text: str | None) -> str:
    shown = orjson.dumps(text or "").decode()[1:-1].replace('\\"', '"')
    safe = "".join(c if c.isprintable() else "�" for c in shown)
    return safe if len(safe) <= _CHARACTERS * 2 else safe[: _CHARACTERS * 2 - 1] + "…"
