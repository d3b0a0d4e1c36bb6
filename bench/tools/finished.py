"""A run as it stands before it is published: planned, its batches' parts written, nothing fetched.

    python finished.py ROWS HOSTS STORE

The parts are those that poll writes, with its own writers: an outcome and a generic item of about
1 KB a row, one row in fifty failed. Out: the run `synthetic/r` in the store.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from scraper.batch import write_done
from scraper.crawl import resolve_crawl
from scraper.layout import batch_key
from scraper.models import BatchJob, BatchResult, Outcome, Reason, Seed
from scraper.parts import PartWriter, packed
from scraper.plan.cut import Wave, load_wave
from scraper.plan.part import read_seeds_part
from scraper.plan.prepare import prepare
from scraper.run import CODE_VERSION, RunInfo, begin_life
from scraper.store import Store

__all__ = [
    "AT",
    "FLAGS",
    "RUN",
    "finished_run",
    "url_of",
    "write_batch",
    "write_batches",
    "write_list",
]

FLAGS = ("http.contact=bench@example.org",)
RUN = "synthetic/r"

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_LINKS = 8
_WORDS = "some words that a page of a shop may have about one of its things, "


def url_of(number: int, hosts: int) -> str:
    """The URL of a row; the hosts take turns."""
    return f"https://www.shop{number % hosts}.example/category/{number % 97}/thing-{number:08}.html"


def write_list(path: Path, rows: int, *, hosts: int) -> None:
    """Write a list of so many rows."""
    with path.open("w") as file:
        file.writelines(f"{url_of(number, hosts)}\n" for number in range(rows))


def finished_run(rows: int, hosts: int, *, folder: Path, store: Store) -> tuple[RunInfo, Wave]:
    """Plan a list of so many rows and write all its batches' parts."""
    seeds = folder / "synthetic.txt"
    write_list(seeds, rows, hosts=hosts)
    info = prepare(resolve_crawl(str(seeds), flags=FLAGS, environ={}), store, "r", at=AT)
    return info, write_batches(info, store)


def write_batches(info: RunInfo, store: Store) -> Wave:
    """Write the parts of all batches of a planned run."""
    wave = load_wave(store, info.run, 1)
    assert wave is not None
    for ids in wave.partitions():
        for batch in ids:
            write_batch(info, store, batch)
    begin_life(store, info.run)
    return wave


def write_batch(info: RunInfo, store: Store, batch: str) -> None:
    """Write the parts of a batch, row by row in the order of the list.

    Of a run that has a former one, nine pages in ten are as they were; in the rest the title is
    another one.
    """
    seeds = sorted(read_seeds_part(store, info.run, batch), key=lambda seed: seed.row)
    with PartWriter() as outcomes, PartWriter() as items:
        for seed in seeds:
            has_failed = seed.row % 50 == 0
            is_same = info.baseline is not None and seed.row % 10 > 0 and not has_failed
            outcome = _outcome(seed, batch, has_failed=has_failed)
            if is_same:
                outcome = replace(outcome, reason=Reason.NOT_MODIFIED, http_status=304, items=0)
            outcomes.write(packed(outcome.as_line()))
            if not has_failed and not is_same:
                items.write(packed(dict(_item(seed, info.run_id))))
        outcomes.put(store, batch_key(info.run, batch, "outcomes.jsonl.gz"))
        items.put(store, batch_key(info.run, batch, "items.jsonl.gz"))
        result = BatchResult(batch=batch, outcomes=outcomes.lines, items=items.lines)
    job = BatchJob(
        store=store.url, run=info.run, batch=batch, alone=False, code_version=CODE_VERSION
    )
    write_done(store, job, result)


def _outcome(seed: Seed, batch: str, *, has_failed: bool) -> Outcome:
    return Outcome(
        row=seed.row,
        url=seed.url,
        reason=Reason.HTTP_4XX if has_failed else Reason.OK,
        final_url=seed.fetch_url,
        host=seed.host,
        http_status=404 if has_failed else 200,
        attempts=1,
        bytes=2000 + seed.row % 100,
        wire_bytes=700,
        elapsed_s=0.001 * (seed.row % 331),
        fetched_at=AT,
        content_type="text/html; charset=utf-8",
        charset="utf-8",
        content_sha256=f"{seed.row * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**256:064x}",
        items=0 if has_failed else 1,
        item_sha256=None if has_failed else f"{seed.row:064x}",
        batch=batch,
    )


def _item(seed: Seed, run_id: str) -> Iterator[tuple[str, object]]:
    title = f"Thing {seed.row} of {run_id}"
    yield from {"_row": seed.row, "url": seed.url, "final_url": seed.fetch_url}.items()
    yield from {"fetched_at": AT, "site": None, "kind": "page", "stale": False}.items()
    yield from {"title": title, "description": f"All about {title}", "lang": "en"}.items()
    yield from {"canonical_url": seed.fetch_url, "h1": title, "text": title + _WORDS * 6}.items()
    yield "links", [f"{seed.fetch_url}?to={n * seed.row}" for n in range(_LINKS)]
    yield "open_graph", orjson.dumps({"og:title": title}).decode()
    yield "json_ld", None


if __name__ == "__main__":
    finished_run(
        int(sys.argv[1]),
        int(sys.argv[2]),
        folder=Path(sys.argv[3]).parent,
        store=Store(sys.argv[3]),
    )
