import gzip
from dataclasses import asdict

import orjson
import pytest

from scraper.batch import done_result, write_crashed, write_done
from scraper.errors import StoreError
from scraper.layout import batch_key
from scraper.models import BatchJob, BatchResult, Outcome, Reason
from scraper.plan.cut import load_wave
from scraper.plan.waves import next_wave
from scraper.poll import poll
from scraper.run import RunInfo
from scraper.store import Store
from tests.scraper.batches import (
    jobs,
    moved,
    outcomes,
    page,
    part_of,
    plan,
    run_batch,
    session_on,
    store_in,
    website,
)

ROWS = [f"http://a.test/{n}" for n in range(3)]
DONE = BatchResult(batch="1-0001-00001", outcomes=3, carried=1, items=2)


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


@pytest.fixture
def planned(store) -> tuple[RunInfo, BatchJob]:
    info = plan(store, [{"url": url, "sku": n} for n, url in enumerate(ROWS)])
    return info, jobs(info, store)[0]


def crashed(row: int, job: BatchJob, **fields: object) -> dict[str, object]:
    """The line of a row whose batch crashed, as it is read back."""
    known: dict[str, object] = {
        "row": row,
        "url": ROWS[row - 1],
        "reason": Reason.BATCH_CRASHED,
        "host": "a.test",
        "batch": job.batch,
    }
    outcome = Outcome(**(known | fields))  # type: ignore[arg-type]
    line: dict[str, object] = orjson.loads(orjson.dumps(outcome.as_line()))
    return line


def test_a_batch_that_isnt_done_has_no_result(store, planned):
    assert done_result(store, planned[1]) is None


@pytest.mark.parametrize("result", [DONE, BatchResult(batch="1-0001-00001", stopped=True)])
def test_a_result_is_read_back_as_it_was(store, planned, result):
    write_done(store, planned[1], result)

    assert done_result(store, planned[1]) == result


def test_each_batch_has_its_own_result(store):
    info = plan(store, ROWS, "batch.size=1")
    first, second, _ = jobs(info, store)
    write_done(store, first, DONE)

    assert done_result(store, second) is None


def test_a_store_that_fails_is_told(store, planned, monkeypatch):
    def fail(*_: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(store, "get", fail)
    with pytest.raises(StoreError, match="gone"):
        done_result(store, planned[1])


def test_a_crashed_batch_accounts_for_all_its_rows(store, planned):
    _, job = planned

    result = write_crashed(store, job)

    assert result == BatchResult(batch=job.batch, outcomes=3)
    assert done_result(store, job) == result
    assert part_of(store, job, "outcomes") == [crashed(row, job) for row in (1, 2, 3)]
    assert {line["status"] for line in part_of(store, job, "outcomes")} == {"failed"}


def test_what_a_crashed_batch_had_written_is_void(store, planned):
    _, job = planned
    for name in ("items", "outcomes", "carried"):
        stale = gzip.compress(b'{"row": 1, "url": "http://stale.test/"}\n' * 9)
        store.put(batch_key(job.run, job.batch, f"{name}.jsonl.gz"), stale)

    write_crashed(store, job)

    assert set(outcomes(store, job)) == set(ROWS)
    assert part_of(store, job, "items") == part_of(store, job, "carried") == []


def test_a_crashed_batch_is_accounted_for_twice_alike(store, planned):
    _, job = planned
    first = write_crashed(store, job)
    lines = part_of(store, job, "outcomes")

    assert write_crashed(store, job) == first
    assert part_of(store, job, "outcomes") == lines


def test_done_is_written_last(store, planned, monkeypatch):
    _, job = planned
    done: list[str] = []
    put, delete = store.put, store.delete
    monkeypatch.setattr(store, "put", lambda key, data: (done.append(key), put(key, data)))
    monkeypatch.setattr(store, "delete", lambda *keys: (done.extend(keys), delete(*keys)))

    write_crashed(store, job)

    assert done[0].endswith("outcomes.jsonl.gz")
    assert done[-1] == batch_key(job.run, job.batch, "done.json")
    assert orjson.loads(store.get(done[-1]) or b"") == asdict(
        BatchResult(batch=job.batch, outcomes=3)
    )


@pytest.mark.parametrize("fails", ["put", "delete"])
def test_trouble_of_the_store_is_never_dressed_up_as_outcomes(store, planned, monkeypatch, fails):
    _, job = planned

    def fail(*_: object) -> None:
        raise StoreError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(store, fails, fail)
        with pytest.raises(StoreError, match="no space left"):
            write_crashed(store, job)

    assert done_result(store, job) is None


@pytest.mark.anyio
async def test_a_crashed_batch_of_a_later_wave_keeps_what_its_rows_went_through(store):
    info = plan(store, [ROWS[0], "http://b.test/"], "batch.size=1", "batch.max_in_flight=2")
    site = website({ROWS[0]: moved("http://b.test/x", 301), "http://b.test/": page()})
    for job in jobs(info, store):
        await run_batch(site, info, store, job)
    wave = load_wave(store, info.run, 1)
    assert wave is not None
    assert next_wave(info, store, wave) is not None
    (job,) = jobs(info, store, wave=2)

    assert write_crashed(store, job).outcomes == 1
    assert part_of(store, job, "outcomes") == [
        crashed(1, job, host="a.test", redirects=({"url": ROWS[0], "status": 301},))
    ]


@pytest.mark.anyio
async def test_a_batch_that_was_written_off_is_not_asked_for_again(store, planned):
    info, job = planned
    result = write_crashed(store, job)
    site = website({})

    async with session_on(site, info, store) as session:
        assert await poll(session, job) == result
    assert site.urls == []
