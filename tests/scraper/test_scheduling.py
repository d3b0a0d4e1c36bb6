"""What a scheduler reads, remembers and decides."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scraper.errors import ConfigError
from scraper.run import check_run_id
from scraper.schedule import Fire
from scraper.scheduling import (
    Memory,
    decide,
    load_memory,
    run_id_of,
    save_memory,
    scheduled_crawls,
)
from tests.scraper.batches import store_in

AT = datetime(2026, 3, 28, 6, tzinfo=UTC)
PLAIN = 'seeds = ["x.txt"]\n'
DAILY = PLAIN + '[schedule]\ncron = "0 6 * * *"\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds/daily.toml").write_text(DAILY)
    (tmp_path / "seeds/plain.toml").write_text(PLAIN)
    (tmp_path / "other.toml").write_text(DAILY)
    return tmp_path


def names(*files):
    return [crawl.crawl for crawl in scheduled_crawls([Path(file) for file in files], {})]


def test_without_files_those_in_seeds_that_have_a_schedule(folder):
    assert names() == ["daily"]
    assert names("other.toml", "seeds/daily.toml") == ["other", "daily"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["seeds/plain.toml"], r"seeds/plain\.toml: has no \[schedule\]"),
        (["other.toml", "seeds/other.toml"], "is the crawl other, as other.toml is"),
        (["gone.toml"], "can't be read as a crawl file"),
        (["wrong.toml"], "unknown settings group"),
    ],
)
def test_a_file_that_cannot_be_scheduled_is_told(folder, files, told):
    (folder / "seeds/other.toml").write_text(DAILY)
    (folder / "wrong.toml").write_text(DAILY + "[settings.throtle]\nx = 1\n")
    with pytest.raises(ConfigError, match=told):
        names(*files)


def test_a_folder_without_schedules_is_told(folder):
    (folder / "seeds/daily.toml").unlink()
    with pytest.raises(ConfigError, match="no crawl file in seeds/ has a"):
        names()


@pytest.mark.parametrize(
    ("overlap", "is_running", "is_held", "decision"),
    [
        ("skip", False, False, "start"),
        ("queue", False, False, "start"),
        ("cancel", False, False, "start"),
        ("skip", True, False, "skip"),
        ("skip", False, True, "skip"),
        ("queue", True, False, "wait"),
        ("queue", False, True, "wait"),
        ("cancel", True, False, "cancel"),
        # Somebody else's run isn't ours to stop.
        ("cancel", False, True, "skip"),
    ],
)
def test_overlap_is_decided(overlap, is_running, is_held, decision):
    assert decide(overlap, is_running=is_running, is_held=is_held) == decision


def test_what_is_remembered_is_read_back(tmp_path):
    store = store_in(tmp_path)
    assert load_memory(store, "shop") is None
    memory = Memory(last_due=AT, run_id="r1", is_over=False)
    save_memory(store, "shop", memory)
    assert load_memory(store, "shop") == memory
    store.put("shop/schedule.json", b"[]")
    with pytest.raises(ConfigError, match=r"shop/schedule\.json: not of this version"):
        load_memory(store, "shop")


def test_a_time_has_one_run_id():
    fire = Fire(due=AT, at=AT)
    assert run_id_of("shop", fire) == run_id_of("shop", fire) != run_id_of("news", fire)
    assert check_run_id(run_id_of("shop", fire)).startswith("20260328T060000Z-")
