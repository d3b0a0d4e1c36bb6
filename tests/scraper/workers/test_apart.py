"""Work over whole lists in a process of its own: the same to the byte, and its errors too."""

import asyncio
import os
import signal
import threading
from datetime import UTC, datetime

import pytest

from scraper.crawl import resolve_crawl
from scraper.errors import ConfigError, RunError, ScraperError, StoreError
from scraper.layout import batch_key
from scraper.plan.cut import load_wave
from scraper.plan.lists import Inputs
from scraper.publish.commit import publish
from scraper.stopping import StopFlag, Stopped
from scraper.store import Store
from scraper.uploads import lists_here, upload_stdin
from scraper.workers.apart import next_wave_apart, prepare_apart, publish_apart
from tests.processes import children_of, module_of, wait_until
from tests.scraper.batches import jobs, moved, page, run_batch, website

pytestmark = pytest.mark.anyio

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
APART = "scraper.workers.apart_main"
QUICK = ["http.contact=tests@example.org", "robots.obey=false", "batch.max_in_flight=1"]


@pytest.fixture(autouse=True)
def started(monkeypatch):
    """The modules that processes were started with; nothing is short."""
    monkeypatch.setattr("scraper.workers.apart._SHORT_BYTES", -1)
    monkeypatch.setattr("scraper.workers.apart._SHORT_ROWS", -1)
    modules = []
    monkeypatch.setattr("scraper.workers.process._spawn", _noting(modules))
    return modules


def _noting(modules):
    from scraper.workers.process import _spawn

    def spawn(module):
        modules.append(module)
        return _spawn(module)

    return spawn


def spec_of(path, workers=2):
    return resolve_crawl(str(path), flags=[*QUICK, f"batch.workers={workers}"], environ={})


def list_of(folder, *lines):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "shop.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def planned(folder, path, *, workers=2, inputs=None):
    store = Store(str(folder))
    return prepare_apart(spec_of(path, workers), store, "r", at=AT, inputs=inputs), store


def values(store, *, but=()):
    keys = [key for key in store.list("shop/r") if not key.endswith(but)]
    return {key: store.get(key) for key in keys}


URLS = ["http://a.org/1", "nonsense", "http://b.org/1", "http://a.org/1#x"]


def test_a_plan_is_the_same_wherever_it_is_made(tmp_path, started):
    path = list_of(tmp_path, *URLS)
    here, store_here = planned(tmp_path / "here", path, workers=1)
    assert started == []
    apart, store_apart = planned(tmp_path / "apart", path)
    assert started == [APART]
    assert (apart.rows, apart.duplicates, apart.list_sha256) == (4, 1, here.list_sha256)
    assert values(store_apart, but="run.json") == values(store_here, but="run.json")


def test_a_short_list_is_planned_here(tmp_path, started, monkeypatch):
    monkeypatch.setattr("scraper.workers.apart._SHORT_BYTES", 1000)
    planned(tmp_path / "store", list_of(tmp_path, *URLS))
    assert started == []


def test_a_list_from_stdin_is_read_there(tmp_path, started):
    spec = resolve_crawl("-", name="shop", flags=[*QUICK, "batch.workers=2"], environ={})
    store = Store(str(tmp_path / "store"))
    with list_of(tmp_path, *URLS).open("rb") as stdin:
        uploads = upload_stdin(store, "shop/r", stdin)
    here = lists_here(spec, uploads, store=store, run="shop/r", scratch=tmp_path)
    info = prepare_apart(here, store, "r", at=AT)
    assert (info.rows, started) == (4, [APART])
    assert store.get("shop/r/list.txt") == "".join(f"{url}\n" for url in URLS).encode()


def test_what_is_wrong_with_a_list_is_told_as_if_it_were_read_here(tmp_path, started):
    path = list_of(tmp_path, "# nothing")
    with pytest.raises(ConfigError, match=r"shop\.txt: .*the list is empty"):
        planned(tmp_path / "store", path)
    assert started == [APART]


def test_a_store_that_fails_is_told_as_such(tmp_path):
    store = Store(str(tmp_path / "store"))
    store.put("shop/r/waves", b"a value where a folder should be")
    with pytest.raises(StoreError, match=r"^store: shop/r/waves/1\.json: "):
        planned(tmp_path / "store", list_of(tmp_path, *URLS))


def test_who_is_stopped_is_stopped_there_too(tmp_path):
    stop = StopFlag()
    stop.set()
    path = list_of(tmp_path, *(f"http://a.org/{n}" for n in range(200_000)))
    with pytest.raises(Stopped):
        planned(tmp_path / "store", path, inputs=Inputs(stop=stop))
    assert Store(str(tmp_path / "store")).get("shop/r/run.json") is None


def test_a_process_that_is_killed_is_told_and_leaves_a_run_that_can_go_on(tmp_path):
    path = list_of(tmp_path, *(f"http://a.org/{n}" for n in range(200_000)))

    def kill():
        def found():
            return [pid for pid in children_of(os.getpid()) if module_of(pid) == APART]

        wait_until(found)
        os.kill(found()[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises((ScraperError, ChildProcessError), match="SIGKILL"):
        planned(tmp_path / "store", path)
    killer.join()
    path.write_text("http://a.org/1\n")
    assert planned(tmp_path / "store", path)[0].rows == 1


async def scraped(tmp_path):
    """A run whose wave is at its end, not yet published."""
    path = list_of(tmp_path, "http://a.org/1", "http://a.org/2")
    info, store = await asyncio.to_thread(planned, tmp_path / "store", path)
    site = website({"http://a.org/1": page(), "http://a.org/2": page("Two")})
    for job in jobs(info, store):
        await run_batch(site, info, store, job)
    return info, store, load_wave(store, info.run, 1)


async def test_a_run_is_published_there(tmp_path, started):
    info, store, wave = await scraped(tmp_path)
    assert await asyncio.to_thread(next_wave_apart, info, store, wave) is None
    summary = await asyncio.to_thread(publish_apart, info, store, [wave], stop=StopFlag())
    assert (summary.outcomes["ok"], started) == (2, [APART] * 2)
    assert publish(info, store, [wave]) == summary


async def test_what_a_wave_leaves_over_is_planned_there(tmp_path, started):
    """A row that is moved to a host of another partition."""
    path = list_of(tmp_path, "http://a.org/1", "http://b.org/1")
    flags = [*QUICK, "batch.workers=2", "batch.max_in_flight=2", "batch.size=1"]
    spec = resolve_crawl(str(path), flags=flags, environ={})
    store = Store(str(tmp_path / "store"))
    info = await asyncio.to_thread(prepare_apart, spec, store, "r", at=AT)
    site = website({"http://a.org/1": page(), "http://b.org/1": moved("http://a.org/2")})
    for job in jobs(info, store):
        await run_batch(site, info, store, job)

    wave = load_wave(store, info.run, 1)
    found = await asyncio.to_thread(next_wave_apart, info, store, wave)
    assert found == load_wave(store, info.run, 2) is not None
    assert started == [APART] * 2


async def test_a_run_that_does_not_balance_is_told_as_such(tmp_path):
    info, store, wave = await scraped(tmp_path)
    store.delete(batch_key(info.run, jobs(info, store)[0].batch, "outcomes.jsonl.gz"))
    with pytest.raises(RunError, match="does not balance"):
        await asyncio.to_thread(publish_apart, info, store, [wave], stop=StopFlag())


async def test_publishing_is_stopped_there(tmp_path):
    info, store, wave = await scraped(tmp_path)
    stop = StopFlag()
    stop.set()
    # The word may come too late for so short a run: then it is published.
    try:
        await asyncio.to_thread(publish_apart, info, store, [wave], stop=stop)
    except Stopped:
        assert store.get("shop/latest.json") is None
