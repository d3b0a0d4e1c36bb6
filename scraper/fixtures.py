"""Fixtures: pages kept beside the items that they must give, and their replay without a network.

`NAME.html` is a body as it was fetched (decoded from its Content-Encoding), `NAME.json` says where
it came from and what it gives. In: a folder. Out: what differs, field by field. A page is replayed
exactly as a run would parse it, under today's rules of the crawl file that the fixture names.

Raises `ConfigError` for a fixture that can't be read, with its file and key.

Source: fundus's test data; web-poet's fixtures.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from scraper.crawlfile import read_crawl_file
from scraper.errors import ConfigError
from scraper.explain import Explanation
from scraper.extract.page import extract
from scraper.models import Page, Reason
from scraper.rules import SiteRule, rule_for
from scraper.settings import nearest

__all__ = ["Difference", "Fixture", "read_fixtures", "replay", "save_fixture"]

_MAX_WORD = 40
_ABOUT = frozenset({"url", "final_url", "fetched_at"})
"""What a run adds to each item, and a fixture says once."""

Item = dict[str, JsonValue]


class Fixture(BaseModel):
    """What stands in `NAME.json`.

    `crawl_file` is relative to the fixture's folder; without one the page is parsed without
    a rule. `rule` is the name of the rule that was chosen, `seed` the columns of the page's row.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    content_type: str | None = None
    crawl_file: str | None = None
    rule: str | None = None
    seed: dict[str, JsonValue] = {}
    reason: Reason = Reason.OK
    items: list[Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that a page gives otherwise than its fixture says.

    `place` is `reason`, `rule`, `items`, or an item's field as `items.2.price`.
    """

    place: str
    expected: JsonValue
    found: JsonValue


def read_fixtures(path: Path) -> Iterator[tuple[Path, Fixture]]:
    """The fixtures of a folder and those below it, or one of them; by the path of their `.json`.

    Raises:
        ConfigError: there is none; or one that can't be read, with its file and key.
    """
    paths = [path] if path.suffix == ".json" else sorted(path.rglob("*.json"))
    if not paths:
        raise ConfigError(f"{path}: holds no fixtures: pairs of NAME.html and NAME.json")
    for found in paths:
        yield found, _read(found)


def replay(path: Path, fixture: Fixture) -> list[Difference]:
    """Parse a fixture's page again and tell what differs; an empty list: nothing.

    Raises:
        ConfigError: its page or its crawl file can't be read.
    """
    rule = rule_for(fixture.url, _rules(path, fixture))
    found = extract(_page(path, fixture), rule, fixture.seed)
    name = rule.name if rule is not None else None
    differences = []
    if name != fixture.rule:
        differences.append(Difference(place="rule", expected=fixture.rule, found=name))
    if found.reason is not fixture.reason:
        detail = f"{found.reason}: {found.detail}" if found.detail else str(found.reason)
        differences.append(Difference(place="reason", expected=fixture.reason, found=detail))
    return differences + list(_differing(fixture.items, _as_json(found.items)))


def save_fixture(folder: Path, found: Explanation, *, crawl_file: str | None = None) -> Path:
    """Keep a page that was explained, and what it gave; the path of its `.json`.

    Its name never comes from the page or its URL: date, rule, and a digest of the URL.

    Raises:
        ConfigError: there is no page, or the folder can't be written.
    """
    page, outcome = found.page, found.outcome
    if page is None:
        raise ConfigError(f"{folder}: no page to keep: {outcome.reason}")
    rule = found.rule.rule if found.rule is not None else None
    about = {
        "url": page.final_url,
        "content_type": page.header("content-type"),
        "crawl_file": _relative(crawl_file, folder) if crawl_file is not None else None,
        "rule": rule.name if rule is not None else None,
        "seed": found.seed,
        "reason": outcome.reason,
        "items": [{k: v for k, v in item.items() if k not in _ABOUT} for item in found.items],
    }
    fixture = Fixture.model_validate(orjson.loads(orjson.dumps(about)))
    digest = hashlib.sha256(page.final_url.encode()).hexdigest()[:8]
    name = _plain_word(rule.name) if rule is not None else "page"
    path = folder / f"{page.fetched_at:%Y-%m-%d}_{name}_{digest}.json"
    text = orjson.dumps(
        fixture.model_dump(mode="json", exclude_defaults=True), option=orjson.OPT_INDENT_2
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".html").write_bytes(page.body)
        path.write_bytes(text + b"\n")
    except OSError as error:
        raise ConfigError(f"{folder}: can't be written: {error.strerror or error}") from error
    return path


def _read(path: Path) -> Fixture:
    try:
        return Fixture.model_validate(orjson.loads(path.read_bytes()))
    except (OSError, orjson.JSONDecodeError) as error:
        raise ConfigError(f"{path}: can't be read as a fixture: {error}") from error
    except ValidationError as error:
        wrong = error.errors()[0]
        key = ".".join(map(str, wrong["loc"]))
        if wrong["type"] == "extra_forbidden":
            hint = nearest(key, Fixture.model_fields)
            raise ConfigError(f"{path}: unknown key {key!r}{hint}") from error
        raise ConfigError(f"{path}: {key or 'the file'}: {wrong['msg']}") from error


def _rules(path: Path, fixture: Fixture) -> list[SiteRule]:
    if fixture.crawl_file is None:
        return []
    return read_crawl_file(path.parent / fixture.crawl_file).sites


def _page(path: Path, fixture: Fixture) -> Page:
    html = path.with_suffix(".html")
    try:
        body = html.read_bytes()
    except OSError as error:
        raise ConfigError(f"{html}: the page of {path.name} can't be read: {error}") from error
    content_type = fixture.content_type
    return Page(
        url=fixture.url,
        final_url=fixture.url,
        redirects=(),
        http_status=200,
        headers=(("content-type", content_type),) if content_type is not None else (),
        body=body,
        fetched_at=datetime.now(UTC),
        elapsed_s=0.0,
    )


def _differing(expected: list[Item], found: list[Item]) -> Iterator[Difference]:
    if len(expected) != len(found):
        yield Difference(place="items", expected=len(expected), found=len(found))
    for place, (former, now) in enumerate(zip(expected, found, strict=False), 1):
        for name in dict.fromkeys((*former, *now)):
            if (name in former) != (name in now) or former.get(name) != now.get(name):
                yield Difference(
                    place=f"items.{place}.{name}", expected=former.get(name), found=now.get(name)
                )


def _as_json(items: object) -> list[Item]:
    """Items as JSON has them: dates as text."""
    plain: list[Item] = orjson.loads(orjson.dumps(items))
    return plain


def _plain_word(text: str) -> str:
    word = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
    return word.strip("-").lower()[:_MAX_WORD] or "rule"


def _relative(crawl_file: str, folder: Path) -> str:
    return Path(os.path.relpath(Path(crawl_file).resolve(), folder.resolve())).as_posix()
