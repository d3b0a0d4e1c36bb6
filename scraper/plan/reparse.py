"""Plan a reparse: every page that a former run has, wherever its archive is.

In: the view `former`. Out: the table `planned`, and a batch for each batch whose archive has
pages: its rows, and `source.json`, which says where they are. The pages of a run that was itself
a retry are in its own archives and in those of the run that it went out from.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from duckdb import DuckDBPyConnection

from scraper.errors import ConfigError, StoreError
from scraper.layout import batch_id, batch_key, is_archive, run_key, state_key
from scraper.models import Reason, Status
from scraper.plan.columns import KNOWN, REDIRECTS
from scraper.plan.cut import Wave, load_wave, save_wave
from scraper.plan.retry import seed_struct
from scraper.run import RunInfo, load_run
from scraper.store import Store
from scraper.tables import execute, open_tables, quoted

__all__ = ["Source", "plan_reparse", "read_source", "runs_that_fetched"]

_BATCH_IN_PATH = r"(\d+-\d{4,}-\d{5,})[/~]seeds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the pages of a batch are: another run's batch, and its rows by ours."""

    run: str
    batch: str
    rows: dict[int, int]


def plan_reparse(
    tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store
) -> RunInfo:
    """Plan the rows; give the run with its batch size.

    Raises:
        ConfigError: a page isn't kept any more.
        StoreError: the store failed.
    """
    assert info.again is not None, "a reparse has a former run"
    execute(
        tables,
        "CREATE TABLE concluded (source_run VARCHAR, source_batch VARCHAR, source_row BIGINT, "
        "url VARCHAR, reason VARCHAR, fetch_url VARCHAR, host VARCHAR, domain VARCHAR, "
        f"redirects {REDIRECTS}, attempts INTEGER, key VARCHAR)",
    )
    for run in runs_that_fetched(store, info.again.former):
        _add_concluded(tables, scratch, run=run, store=store)
    _add_unchanged(tables, scratch, info=info, store=store)
    # A batch that crashed left no pages.
    execute(
        tables,
        f"CREATE TABLE planned AS SELECT former.row, url, fetch_url, concluded.host, domain, key, "
        f"{seed_struct(info, 'former')} AS seed, concluded.redirects, concluded.attempts, "
        f"CAST(NULL AS {KNOWN}) AS known, source_run, source_batch, source_row "
        f"FROM concluded JOIN former USING (url) "
        f"WHERE concluded.reason <> {quoted(Reason.BATCH_CRASHED)} "
        f"ORDER BY source_run, source_batch",
    )
    _cut(tables, scratch, info=info, store=store)
    return replace(info, batch_size=info.settings.all.batch.size)


def runs_that_fetched(store: Store, run: str) -> Iterator[str]:
    """The runs whose archives the rows of a run may be in, the newest first.

    Raises:
        ConfigError: one of them is gone.
        StoreError: the store failed.
    """
    name: str | None = run
    while name is not None:
        info = load_run(store, name)
        if info is None:
            raise ConfigError(f"{store.address(name)}: is gone, and pages of {run} with it")
        if info.again is None or info.again.kind == "retry":
            yield name
        name = info.again.former if info.again is not None else None


def read_source(store: Store, run: str, batch: str) -> Source:
    """Where the pages of a batch are.

    Raises:
        StoreError: the store failed.
    """
    with open_tables() as (tables, scratch):
        path = store.local_file(batch_key(run, batch, "seeds.parquet"), scratch)
        text = store.get(batch_key(run, batch, "source.json"))
        if path is None or text is None:
            raise StoreError(f"store: {store.address(batch_key(run, batch))}: its rows are gone")
        query = f"SELECT row, source_row FROM read_parquet({quoted(path)})"
        return Source(**orjson.loads(text), rows=dict(tables.execute(query).fetchall()))


def _add_unchanged(
    tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store
) -> None:
    """Add the rows whose pages a former run fetched: what the state of the run says of them."""
    assert info.again is not None, "a reparse has a former run"
    run_id = info.again.former.partition("/")[2]
    state = store.local_file(state_key(info.crawl, run_id), scratch)
    if state is None:
        # The run was never the latest: what it took over stays as it is.
        return
    execute(
        tables,
        f"CREATE TABLE wanted AS SELECT url, fetched_run FROM former "
        f"JOIN (SELECT url, fetched_run FROM read_parquet({quoted(state)})) USING (url) "
        f"WHERE former.status = {quoted(Status.UNCHANGED)} AND fetched_run IS NOT NULL",
    )
    found = tables.execute("SELECT DISTINCT fetched_run FROM wanted ORDER BY ALL").fetchall()
    for (fetched_run,) in found:
        wanted = f"o.url IN (SELECT url FROM wanted WHERE fetched_run = {quoted(fetched_run)})"
        for run in runs_that_fetched(store, run_key(info.crawl, fetched_run)):
            _add_concluded(tables, scratch, run=run, store=store, wanted=wanted)


def _add_concluded(
    tables: DuckDBPyConnection, scratch: Path, *, run: str, store: Store, wanted: str = "true"
) -> None:
    """Add the rows that the batches of a run concluded, but for those that a later run has.

    Of an unchanged row it has no page.
    """
    batches = list(_batches(store, run))
    outcomes = _files(store, scratch, run, batches, "outcomes.jsonl.gz")
    seeds = _files(store, scratch, run, batches, "seeds.parquet")
    if not outcomes:
        return
    texts = ", ".join(f"{name}: 'VARCHAR'" for name in ("url", "status", "reason", "batch"))
    kinds = f"{{row: 'BIGINT', {texts}}}"
    execute(
        tables,
        f"INSERT INTO concluded SELECT {quoted(run)}, o.batch, o.row, o.url, o.reason, "
        f"s.fetch_url, s.host, s.domain, s.redirects, s.attempts, s.key "
        f"FROM read_json([{outcomes}], columns = {kinds}, format = 'newline_delimited', "
        f"compression = 'gzip') o JOIN (SELECT *, "
        f"regexp_extract(filename, {quoted(_BATCH_IN_PATH)}, 1) AS batch "
        f"FROM read_parquet([{seeds}], filename = true)) s USING (row, batch) "
        f"ANTI JOIN concluded ON o.url = concluded.url "
        f"WHERE o.status <> {quoted(Status.UNCHANGED)} AND {wanted}",
    )


def _batches(store: Store, run: str) -> Iterator[str]:
    number = 1
    while (wave := load_wave(store, run, number)) is not None:
        for ids in wave.partitions():
            yield from ids
        number += 1


def _files(store: Store, scratch: Path, run: str, batches: list[str], name: str) -> str:
    keys = (batch_key(run, batch, name) for batch in batches)
    found = (store.local_file(key, scratch) for key in keys)
    return ", ".join(quoted(path) for path in found if path is not None)


def _cut(tables: DuckDBPyConnection, scratch: Path, *, info: RunInfo, store: Store) -> None:
    """Write a batch for each source, dealt out over the partitions."""
    chosen = "SELECT DISTINCT source_run, source_batch FROM planned ORDER BY ALL"
    sources = tables.execute(chosen).fetchall()
    _check_kept(store, sources)
    partitions = min(len(sources), info.settings.all.batch.max_in_flight)
    for place, (run, source) in enumerate(sources):
        batch = batch_id(1, place % partitions + 1, place // partitions + 1)
        path = scratch / "seeds.parquet"
        rows = (
            f"SELECT * EXCLUDE (source_run, source_batch) FROM planned "
            f"WHERE source_run = {quoted(run)} AND source_batch = {quoted(source)} ORDER BY row"
        )
        execute(tables, f"COPY ({rows}) TO {quoted(path)} (FORMAT parquet)")
        store.put_file(batch_key(info.run, batch, "seeds.parquet"), path)
        about = orjson.dumps({"run": run, "batch": source})
        store.put(batch_key(info.run, batch, "source.json"), about)
    sizes = tuple(len(range(part, len(sources), partitions)) for part in range(partitions))
    save_wave(Wave(number=1, batches=sizes), info.run, store)


def _check_kept(store: Store, sources: list[tuple[str, str]]) -> None:
    """Without its archive a batch can't be parsed again."""
    for run in sorted({run for run, _ in sources}):
        keys = store.list(run_key(run, "batches"))
        kept = {key.split("/")[3] for key in keys if is_archive(key)}
        gone = sum(source not in kept for name, source in sources if name == run)
        if gone:
            raise ConfigError(
                f"{run}: its archives are not in the store (archive.keep = false, or pruned): "
                f"{gone} batches can't be parsed again; `scraper run` fetches their pages anew"
            )
