"""Which run a person means who wants to retry, and how much there is to ask for."""

import orjson
import pytest

from scraper.errors import ConfigError
from scraper.retriable import count_to_retry, newest_finished
from tests.scraper.batches import plan, store_in
from tests.scraper.stored_runs import put_run


@pytest.fixture
def store(tmp_path):
    store = store_in(tmp_path)
    put_run(store, "shop/r1", outcomes={"ok": 1}, latest=True)
    put_run(store, "shop/r2", hours=1, outcomes={"ok": 1}, held=False)
    put_run(store, "shop/r3", hours=2)
    return store


def test_of_a_crawl_it_is_the_newest_finished_run_whatever_its_gates(store):
    assert newest_finished(store, "shop") == "shop/r2"


def test_a_run_can_be_named(store):
    assert newest_finished(store, "shop/r1") == "shop/r1"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("shop/r3", "isn't published yet"),
        ("shop/r4", "no such run"),
        ("shoop", "did you mean shop"),
        ("new", "new has no finished run; go on with it: scraper resume new"),
    ],
)
def test_what_cannot_be_retried_is_told(store, name, told):
    put_run(store, "new/r1")
    with pytest.raises(ConfigError, match=told):
        newest_finished(store, name)


REASONS = {
    "ok": 5, "invalid_url": 1, "timeout": 2, "http_4xx": 4, "deferred": 8,
    "robots_disallowed": 16,
}  # fmt: skip


@pytest.mark.parametrize(
    ("only", "count"),
    [
        ([], 14),
        (["timeout"], 2),
        (["timeout", "deferred"], 10),
        (["robots_disallowed"], 16),
        (["dns"], 0),
    ],
    ids=["what may heal", "one", "two", "skipped when named", "none"],
)
def test_rows_are_counted_by_reason(tmp_path, only, count):
    store = store_in(tmp_path)
    info = plan(store, ["http://a.org/1"])
    summary = dict.fromkeys(
        ("rows", "duplicates", "invalid", "hosts", "bytes", "items", "resumed"), 0
    ) | {
        "crawl": "shop", "run_id": info.run_id, "outcomes": {}, "reasons": REASONS,
        "pages_per_s": 0.0, "duration_s": 1.0, "changes": None, "gates": [], "balanced": True,
    }  # fmt: skip
    store.put(f"{info.run}/summary.json", orjson.dumps(summary))
    assert count_to_retry(store, info.run, only) == count


@pytest.mark.parametrize("reason", ["ok", "invalid_url", "same_content"])
def test_a_reason_that_no_retry_changes_is_refused(store, reason):
    with pytest.raises(ConfigError, match=f"--only {reason}: no reason to retry"):
        count_to_retry(store, "shop/r1", [reason])
