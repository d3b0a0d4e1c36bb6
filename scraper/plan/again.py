"""Plan a run over the rows of a former one: `retry` and `reparse`.

In: a `CrawlSpec` with `again`. Out: the batches of the rows that are done again, and `run.json`,
written last. The other rows aren't planned: publishing takes them over from the former run.
"""

from datetime import datetime

from scraper.crawl import CrawlSpec
from scraper.errors import ConfigError
from scraper.layout import INVALID_BATCH, batch_key, run_key
from scraper.plan.columns import named_anew
from scraper.plan.former import view_former
from scraper.plan.known import with_baseline
from scraper.plan.reparse import plan_reparse
from scraper.plan.retry import plan_retry
from scraper.run import RunInfo, load_run, save_run
from scraper.stopping import StopFlag
from scraper.store import Store
from scraper.tables import open_tables, quoted

__all__ = ["former_run", "prepare_again"]


def prepare_again(
    spec: CrawlSpec, store: Store, run_id: str, *, at: datetime, stop: StopFlag | None = None
) -> RunInfo:
    """Plan a run over a former one's rows and write all that its first wave needs.

    Args:
        spec: what is done again.
        store: where both runs are.
        run_id: the new run's id.
        at: when it was made.
        stop: looked at between the steps.

    Raises:
        ConfigError: there is no such former run, nothing to do, or what is needed isn't kept.
        StoreError: the store failed half-way.
        Stopped: the stop flag was set; the run isn't planned.
    """
    stop = stop or StopFlag()
    info = _begun(spec, store, run_id, at=at)
    assert spec.again is not None, "another run is planned from its list"
    with open_tables() as (tables, scratch):
        view_former(tables, scratch, info=info, store=store)
        stop.check()
        plan = plan_retry if spec.again.kind == "retry" else plan_reparse
        info = plan(tables, scratch, info=info, store=store)
        # Publishing joins the columns of all parts, and this one is always there.
        path = scratch / "invalid.parquet"
        tables.execute(f"COPY (SELECT * FROM planned LIMIT 0) TO {quoted(path)} (FORMAT parquet)")
        store.put_file(batch_key(info.run, INVALID_BATCH, "seeds.parquet"), path)
        stop.check()
    save_run(info, store)
    return info


def former_run(store: Store, run: str) -> RunInfo:
    """A run that another one can go out from.

    Raises:
        ConfigError: there is none, or it isn't published.
        StoreError: the store failed.
    """
    info = load_run(store, run)
    if info is None:
        raise ConfigError(f"{store.address(run)}: no such run")
    if store.head(run_key(run, "summary.json")) is None:
        raise ConfigError(f"{run} isn't published yet; go on with it: scraper resume {run}")
    return info


def _begun(spec: CrawlSpec, store: Store, run_id: str, *, at: datetime) -> RunInfo:
    """The new run as far as it is the former one's."""
    assert spec.again is not None, "another run is planned from its list"
    former = former_run(store, spec.again.former)
    names = named_anew(former.columns, former.renamed, spec.sites)
    in_list = {now: former.renamed.get(known, known) for known, now in names.items()}
    info = RunInfo(
        crawl=spec.crawl,
        run_id=run_id,
        created_at=at,
        settings=spec.settings,
        sites=spec.sites,
        columns={names[name]: kind for name, kind in former.columns.items()},
        renamed={now: name for now, name in in_list.items() if now != name},
        list_sha256=former.list_sha256,
        rows=former.rows,
        duplicates=former.duplicates,
        again=spec.again,
    )
    return with_baseline(info, store)
