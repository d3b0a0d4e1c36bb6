"""`scraper check`: a crawl file checked wholly, or fixtures replayed, without a network."""

import os
import sys
from dataclasses import asdict
from pathlib import Path

import orjson
import rich_click as click

from scraper.check import CrawlCheck, check_crawl
from scraper.fixtures import Difference, read_fixtures, replay
from workflows.cli.options import json_flag
from workflows.cli.told import ERROR, errors_told, one_line

__all__ = ["check"]

_SHOWN_CHARACTERS = 70


@click.command()
@click.argument("path", metavar="DIR|FILE")
@json_flag("Print what was found as a JSON object.")
def check(path: str, as_json: bool) -> None:
    """Check a crawl file or a list, or replay the fixtures of a folder; nothing is fetched.

    A crawl file is checked wholly: its keys, settings, site rules, and every row of its lists.
    Fixtures are pages with the items that they must give, as `scraper try --save-fixture` keeps
    them; they are parsed again with today's rules, and what differs is told field by field.

    Exit codes: 0 all is as it should be, 1 a fixture differs, 2 a file is wrong.
    """
    with errors_told():
        if Path(path).is_dir() or path.lower().endswith(".json"):
            held = _replay(Path(path), as_json=as_json)
        else:
            held = _check(path, as_json=as_json)
    sys.exit(0 if held else ERROR)


def _check(path: str, *, as_json: bool) -> bool:
    found = check_crawl(path, environ=os.environ)
    click.echo(_json(asdict(found)) if as_json else _crawl_text(found))
    return True


def _crawl_text(found: CrawlCheck) -> str:
    lines = []
    for part in found.lists:
        if part.rows is None:
            lines.append(f"  {part.source}: not fetched here")
        else:
            lines.append(f"  {part.source}: {part.rows:,} rows, {part.invalid:,} invalid")
    rules = ", ".join(found.rules) or "none: pages give the generic fields"
    return "\n".join([f"{found.crawl}: right", *lines, f"  site rules: {rules}"])


def _replay(path: Path, *, as_json: bool) -> bool:
    """Replay fixtures one by one, so that what was found is shown at once."""
    results: list[dict[str, object]] = []
    for place, fixture in read_fixtures(path):
        differences = replay(place, fixture)
        result = {"fixture": str(place), "rule": fixture.rule, "items": len(fixture.items)}
        results.append(
            result | {"held": not differences, "differences": [asdict(one) for one in differences]}
        )
        if not as_json:
            click.echo(f"{place}: {'DIFFERS' if differences else 'held'}")
            for difference in differences:
                click.echo(_difference_text(difference))
    held = sum(bool(result["held"]) for result in results)
    if as_json:
        click.echo(_json({"fixtures": results, "held": held, "differ": len(results) - held}))
    else:
        fixtures = f"{len(results):,} fixture" + "s" * (len(results) != 1)
        click.echo(f"{fixtures}: {held:,} held, {len(results) - held:,} differ")
    return held == len(results)


def _difference_text(difference: Difference) -> str:
    expected, found = _short(difference.expected), _short(difference.found)
    return f"  {difference.place}\n    expected {expected}\n    found    {found}"


def _short(value: object) -> str:
    """A value as JSON, so that nothing in it can play with a terminal; cut."""
    text = one_line(orjson.dumps(value).decode())
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
