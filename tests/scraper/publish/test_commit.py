"""Publishing: the gates, the files, and `latest`, which moves last or not at all."""

from datetime import timedelta

import orjson
import pytest

from scraper.errors import RunError, StoreError
from scraper.layout import batch_key
from scraper.plan.cut import load_wave
from scraper.publish.commit import is_finished, load_summary, publish
from scraper.run import begin_life
from scraper.stopping import StopFlag, Stopped
from tests.scraper.batches import (
    AT,
    jobs,
    page,
    plan,
    response,
    run_batch,
    store_in,
    website,
)

pytestmark = pytest.mark.anyio


async def finished(tmp_path, *flags):
    store = store_in(tmp_path)
    site = website({"http://a.org/1": page(), "http://a.org/2": response(404)})
    info = plan(store, ["http://a.org/1", "http://a.org/2", "http://a.org/1#x"], *flags)
    begin_life(store, info.run)
    for job in jobs(info, store):
        await run_batch(site, info, store, job)
    return info, store, [load_wave(store, info.run, 1)]


def latest(store):
    text = store.get("shop/latest.json")
    return None if text is None else orjson.loads(text)["run_id"]


async def test_a_published_run_has_its_files_and_latest_points_to_it(tmp_path):
    info, store, waves = await finished(tmp_path)
    summary = publish(info, store, waves, now=AT + timedelta(seconds=10))
    assert (summary.rows, summary.duplicates, summary.outcomes["ok"]) == (3, 1, 1)
    assert (summary.duration_s, summary.pages_per_s, summary.items) == (10.0, 0.1, 1)
    assert load_summary(store, info.run) == summary
    names = {key.rsplit("/", 1)[1] for key in store.list(info.run) if key.count("/") == 2}
    assert names == {
        "run.json", "list.jsonl", "outcomes.parquet", "items.parquet", "failed.jsonl",
        "report.html", "summary.json",
    }  # fmt: skip
    assert latest(store) == info.run_id


async def test_a_run_that_falls_short_is_kept_but_never_the_latest(tmp_path):
    info, store, waves = await finished(tmp_path, "gates.min_items=2")
    summary = publish(info, store, waves)
    assert not summary.gates_held
    assert load_summary(store, info.run) == summary
    assert latest(store) is None


async def test_publishing_again_changes_nothing(tmp_path):
    info, store, waves = await finished(tmp_path)
    summary = publish(info, store, waves)
    before = {key: store.get(key) for key in store.list(info.run)}
    assert publish(info, store, waves) == summary
    assert {key: store.get(key) for key in store.list(info.run)} == before


async def test_an_older_run_never_takes_latest_back(tmp_path):
    info, store, waves = await finished(tmp_path)
    publish(info, store, waves)
    newer = orjson.dumps({"run_id": "2999", "published_at": "2999-01-01T00:00:00Z"})
    store.put("shop/latest.json", newer)
    publish(info, store, waves)
    assert latest(store) == "2999"


async def test_a_run_moves_latest_whatever_the_names_of_the_runs_before_it(tmp_path):
    info, store, waves = await finished(tmp_path)
    older = orjson.dumps({"run_id": "zzz", "published_at": "2001-01-01T00:00:00Z"})
    store.put("shop/latest.json", older)
    publish(info, store, waves)
    assert latest(store) == info.run_id


async def test_a_crash_before_latest_moved_is_made_good(tmp_path):
    info, store, waves = await finished(tmp_path)
    publish(info, store, waves)
    store.delete("shop/latest.json")
    publish(info, store, waves)
    assert latest(store) == info.run_id


async def test_a_run_that_does_not_balance_publishes_nothing(tmp_path):
    info, store, waves = await finished(tmp_path)
    store.delete(batch_key(info.run, jobs(info, store)[0].batch, "outcomes.jsonl.gz"))
    with pytest.raises(RunError, match="does not balance"):
        publish(info, store, waves)
    assert store.get(f"{info.run}/outcomes.parquet") is None
    assert latest(store) is None


async def test_a_store_that_fails_publishes_nothing(tmp_path, monkeypatch):
    info, store, waves = await finished(tmp_path)

    def full(key, _path):
        raise StoreError(f"store: {key}: No space left on device")

    monkeypatch.setattr(store, "put_file", full)
    with pytest.raises(StoreError, match="No space left"):
        publish(info, store, waves)
    assert (load_summary(store, info.run), latest(store)) == (None, None)


@pytest.mark.parametrize(("keep", "left"), [("true", 1), ("false", 0)])
async def test_archives_are_kept_unless_said_otherwise(tmp_path, keep, left):
    info, store, waves = await finished(tmp_path, f"archive.keep={keep}")
    publish(info, store, waves)
    assert len([key for key in store.list(info.run) if key.endswith(".warc.gz")]) == left


class StopAt(StopFlag):
    """A flag that is set when it is looked at for the so-manieth time."""

    def __init__(self, look: int) -> None:
        super().__init__()
        self.left = look

    def check(self) -> None:
        self.left -= 1
        if self.left <= 0:
            self.set()
        super().check()


async def test_a_stop_at_any_step_publishes_nothing_and_a_later_life_all(tmp_path):
    info, store, waves = await finished(tmp_path)
    looks = 0
    while True:
        looks += 1
        try:
            summary = publish(info, store, waves, now=AT, stop=StopAt(looks))
            break
        except Stopped:
            assert (latest(store), load_summary(store, info.run)) == (None, None)
            assert not is_finished(info, store)
    assert looks > 3
    assert (latest(store), summary.balanced) == (info.run_id, True)
    assert is_finished(info, store)


async def test_a_run_without_its_latest_is_not_finished(tmp_path):
    info, store, waves = await finished(tmp_path)
    publish(info, store, waves)
    store.delete("shop/latest.json")
    assert not is_finished(info, store)


async def test_a_run_that_falls_short_is_finished(tmp_path):
    info, store, waves = await finished(tmp_path, "gates.max_failed=0")
    publish(info, store, waves)
    assert (latest(store), is_finished(info, store)) == (None, True)


async def test_a_run_that_a_later_one_followed_is_finished(tmp_path):
    info, store, waves = await finished(tmp_path)
    publish(info, store, waves)
    later = AT + timedelta(days=1)
    store.put("shop/latest.json", orjson.dumps({"run_id": "later", "published_at": later}))
    assert is_finished(info, store)
