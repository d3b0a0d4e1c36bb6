"""`scraper schedule` at a terminal: real runs of a site on loopback."""

import json
import signal
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from scraper.scheduling import Memory, load_memory, save_memory
from scraper.store import Store
from tests.processes import wait_until
from tests.workflows.cli.command import SCRAPER
from tests.workflows.cli.slow_site import slow_site
from tests.workflows.cli.test_resume import scraper, started

pytestmark = pytest.mark.sockets

CRAWL = """
seeds = ["{url}"]
[settings.network]
allow = ["127.0.0.0/8"]
[settings.robots]
obey = false
[schedule]
cron = "0 6 * * *"
timezone = "Europe/London"
"""


@pytest.fixture
def site():
    with slow_site() as site:
        site.hangs = False
        yield site


def write(tmp_path, url, name="shop"):
    (tmp_path / "seeds").mkdir(exist_ok=True)
    (tmp_path / f"seeds/{name}.toml").write_text(CRAWL.format(url=url))


def missed(tmp_path, name="shop"):
    """The last time that was dealt with was the day before yesterday's."""
    store = Store(str(tmp_path / "crawls"))
    save_memory(store, name, Memory(last_due=datetime.now(UTC) - timedelta(days=2)))
    return store


def runs(tmp_path, name="shop"):
    return sorted(path.parent.name for path in (tmp_path / f"crawls/{name}").glob("*/run.json"))


def test_the_next_times_are_printed_and_nothing_is_begun(tmp_path, site):
    write(tmp_path, f"{site.url}/1")
    told = scraper("schedule", "--dry-run", "--times", "2", cwd=tmp_path)
    assert told.returncode == 0
    lines = told.stdout.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("shop  20") and " 06:00:00 " in line for line in lines)
    (about,) = json.loads(scraper("schedule", "--dry-run", "--json", cwd=tmp_path).stdout)
    assert (about["crawl"], about["cron"], about["overlap"]) == ("shop", "0 6 * * *", "skip")
    assert len(about["times"]) == 3
    assert all("T06:00:00" in time for time in about["times"])
    assert not (tmp_path / "crawls").exists()


def test_once_makes_a_missed_run_up_and_no_second_time(tmp_path, site):
    write(tmp_path, f"{site.url}/1")
    store = missed(tmp_path)
    done = scraper("schedule", "--once", "--json", cwd=tmp_path)
    assert done.returncode == 0
    summary = json.loads(done.stdout)
    assert (summary["crawl"], summary["outcomes"]["ok"]) == ("shop", 1)
    assert runs(tmp_path) == [summary["run_id"]]
    memory = load_memory(store, "shop")
    assert (memory.run_id, memory.is_over) == (summary["run_id"], True)
    again = scraper("schedule", "--once", cwd=tmp_path)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert len(site.requests) == 1


def test_ctrl_c_stops_its_run_and_the_next_start_goes_on_with_it(tmp_path, site):
    write(tmp_path, f"{site.url}/hangs")
    missed(tmp_path)
    site.hangs = True
    process = started("schedule", "seeds/shop.toml", cwd=tmp_path)
    wait_until(lambda: len(site.requests) == 1)
    process.send_signal(signal.SIGINT)
    site.hangs = False
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "shop: next at " in stderr
    assert "Traceback" not in stderr
    (run,) = runs(tmp_path)
    done = scraper("schedule", "--once", "-q", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert runs(tmp_path) == [run]
    latest = json.loads((tmp_path / "crawls/shop/latest.json").read_text())
    assert latest["run_id"] == run


def test_a_killed_scheduler_begins_no_run_twice(tmp_path, site):
    write(tmp_path, f"{site.url}/hangs")
    missed(tmp_path)
    site.hangs = True
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen([SCRAPER, "schedule"], cwd=tmp_path, stdout=nowhere, stderr=nowhere)
    wait_until(lambda: len(site.requests) == 1)
    process.kill()
    process.wait()
    # Its run lives on, and has the lease.
    done = scraper("schedule", "--once", cwd=tmp_path)
    assert done.returncode == 0
    assert "is skipped, another run is alive" in done.stderr
    site.hangs = False
    wait_until((tmp_path / "crawls/shop/latest.json").exists)
    assert len(runs(tmp_path)) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no crawl file in seeds/ has a [schedule]"),
        (["plain.toml"], "plain.toml: has no [schedule]"),
        (["wrong.toml"], "wrong.toml: schedule.cron: wrong hour"),
        (["gone.toml"], "gone.toml: can't be read"),
    ],
)
def test_what_is_wrong_is_usage_and_makes_nothing(tmp_path, words, told):
    (tmp_path / "plain.toml").write_text('seeds = ["x.txt"]\n')
    (tmp_path / "wrong.toml").write_text('seeds = ["x.txt"]\n[schedule]\ncron = "0 25 * * *"\n')
    done = scraper("schedule", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert not (tmp_path / "crawls").exists()


def test_sigterm_ends_an_idle_scheduler_at_once(tmp_path, site):
    write(tmp_path, f"{site.url}/1")
    process = started("schedule", cwd=tmp_path)
    wait_until((tmp_path / "crawls/shop/schedule.json").exists)
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 0
    assert site.requests == []
