"""`scraper resume`, and runs that end early, as a person at a terminal meets them."""

import json
import shlex
import signal
import subprocess
import time
from functools import partial

import duckdb
import pytest

from scraper.demo import serve_demo
from scraper.demo.crawl import list_rows
from scraper.models import Reason
from scraper.store import Store
from tests.workflows.cli import command
from tests.workflows.cli.command import SCRAPER
from tests.workflows.cli.slow_site import slow_site

scraper = partial(command.scraper, timeout_s=90)

pytestmark = pytest.mark.sockets

LOCAL = ["--set", "network.allow=127.0.0.0/8", "--set", "robots.obey=false"]
SLOW = [*LOCAL, "--set", "throttle.delay_s=0.05", "--set", "throttle.jitter=0"]


def started(*words, cwd, stdin=subprocess.DEVNULL):
    return subprocess.Popen(
        [SCRAPER, *map(str, words)],
        cwd=cwd,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def site():
    with serve_demo(port=0) as server:
        yield server


def pages(site, count):
    rows = list_rows(site.port)
    good = [url for url, _, reason in rows if reason is Reason.OK and "/p/" in url]
    return list(dict.fromkeys(good))[:count]


def wait_for(site, process, count):
    deadline = time.monotonic() + 60
    while len(site.requests) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def ended(process, patience_s=60):
    stdout, stderr = process.communicate(timeout=patience_s)
    assert "Traceback" not in stderr
    return process.returncode, stdout, stderr.strip().splitlines()


def go_on_words(line):
    """The words of the command that a line tells to type."""
    _, _, command = line.partition("go on with: scraper ")
    return shlex.split(command)


def paths(site):
    return [request.path for request in site.requests]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_stops_a_run_and_what_it_says_goes_on_with_it(site, tmp_path, number):
    (tmp_path / "shop.txt").write_text("\n".join(pages(site, 200)))
    process = started("run", "shop.txt", *SLOW, "--store", "a store", cwd=tmp_path)
    wait_for(site, process, 60)
    process.send_signal(number)
    code, stdout, told = ended(process)
    assert (code, stdout) == (130, "")
    assert len(told) == 2
    assert told[1].startswith("stopped; go on with: scraper resume shop/")
    first = len(site.requests)
    assert not list(tmp_path.glob("*/shop/latest.json"))
    # From elsewhere, without the list, under other settings: the run is what it was.
    (tmp_path / "shop.txt").unlink()
    done = scraper(*go_on_words(told[1]), "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    assert (summary["outcomes"]["ok"], summary["resumed"]) == (200, 1)
    # All that was in flight had time to end, and was flushed: nothing was asked twice.
    assert len(site.requests) == len(set(paths_and_hosts(site))) == 200
    assert first < 200


def paths_and_hosts(site):
    return [(request.host, request.path) for request in site.requests]


def test_what_hangs_is_given_up_after_ten_seconds_and_asked_again(tmp_path):
    with slow_site() as site:
        (tmp_path / "shop.txt").write_text(f"{site.url}/hangs\n{site.url}/2\n")
        process = started("run", "shop.txt", *LOCAL, "--run-id", "r", cwd=tmp_path)
        wait_for(site, process, 1)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, _, told = ended(process)
        assert (code, told[-1]) == (130, "stopped; go on with: scraper resume shop/r")
        assert 9 < time.monotonic() - began < 20
        site.hangs = False
        done = scraper("resume", "shop", "--json", cwd=tmp_path)
        assert json.loads(done.stdout)["outcomes"]["ok"] == 2
        assert paths(site) == ["/hangs", "/hangs", "/2"]


def test_the_second_ctrl_c_ends_at_once_and_the_run_can_go_on(tmp_path):
    with slow_site() as site:
        (tmp_path / "shop.txt").write_text(f"{site.url}/hangs\n")
        process = started("run", "shop.txt", *LOCAL, "--run-id", "r", cwd=tmp_path)
        wait_for(site, process, 1)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, _, told = ended(process)
        assert (code, told[-1]) == (130, "stopped; go on with: scraper resume shop/r")
        assert time.monotonic() - began < 5
        site.hangs = False
        done = scraper("resume", "shop/r", "--json", cwd=tmp_path)
        assert json.loads(done.stdout)["outcomes"]["ok"] == 1


def test_a_second_run_is_refused_while_the_first_is_alive(tmp_path):
    with slow_site() as site:
        (tmp_path / "shop.txt").write_text(f"{site.url}/hangs\n")
        (tmp_path / "other.txt").write_text(f"{site.url}/2\n")
        process = started("run", "shop.txt", *LOCAL, "--run-id", "r", cwd=tmp_path)
        wait_for(site, process, 1)
        for words in (["run", "shop.txt", *LOCAL], ["resume", "shop"]):
            second = scraper(*words, cwd=tmp_path)
            assert (second.returncode, second.stdout) == (4, "")
            (told,) = second.stderr.splitlines()
            assert told.startswith(f"error: the run shop/r is alive (process {process.pid} on ")
        assert scraper("run", "other.txt", *LOCAL, "-q", cwd=tmp_path).returncode == 0
        assert scraper("plan", "shop.txt", *LOCAL, cwd=tmp_path).returncode == 0
        assert scraper("list", cwd=tmp_path).returncode == 0
        process.kill()
        process.communicate()
        # Dead on this machine, it is gone at once: nobody waits for its heartbeat to get old.
        (tmp_path / "shop.txt").write_text(f"{site.url}/2\n")
        third = scraper("run", "shop.txt", *LOCAL, "--run-id", "s", cwd=tmp_path)
        assert third.returncode == 0
        assert third.stderr == "shop/r is unfinished; go on with it: scraper resume shop/r\n"
        site.hangs = False
        done = scraper("resume", "shop", "--json", cwd=tmp_path)
        assert (done.returncode, json.loads(done.stdout)["run_id"]) == (0, "r")


def test_a_list_from_stdin_goes_on_from_the_runs_own_copy(site, tmp_path):
    process = started("run", "-", "--crawl", "piped", *SLOW, cwd=tmp_path, stdin=subprocess.PIPE)
    lines = [f'{{"url": "{url}", "n": {n}}}' for n, url in enumerate(pages(site, 100))]
    process.stdin.write("\n".join(lines))
    process.stdin.close()
    process.stdin = None
    wait_for(site, process, 30)
    process.kill()
    process.communicate()
    done = scraper("resume", "piped", "-q", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (outcomes,) = (tmp_path / "crawls/piped").glob("*/outcomes.parquet")
    found = duckdb.sql(f"SELECT n, reason FROM '{outcomes}' ORDER BY n").fetchall()
    assert found == [(n, "ok") for n in range(100)]


def test_a_finished_run_has_nothing_left_to_do(site, tmp_path):
    (tmp_path / "shop.txt").write_text("\n".join(pages(site, 2)))
    first = scraper("run", "shop.txt", *LOCAL, "--run-id", "r", "--json", cwd=tmp_path)
    before = files(tmp_path)
    told = scraper("resume", "shop", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (0, "")
    assert told.stderr == "shop/r is finished: nothing to do\n"
    again = scraper("resume", "shop/r", "--json", "-q", cwd=tmp_path)
    assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, "")
    assert files(tmp_path) == before


def files(tmp_path):
    store = Store(str(tmp_path / "crawls"))
    return {key: store.get(key) for key in store.list("")}


def test_a_run_that_died_before_latest_moved_is_not_finished(site, tmp_path):
    (tmp_path / "shop.txt").write_text("\n".join(pages(site, 2)))
    scraper("run", "shop.txt", *LOCAL, "--run-id", "r", "-q", cwd=tmp_path)
    (tmp_path / "crawls/shop/latest.json").unlink()
    done = scraper("resume", "shop", "-q", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "crawls/shop/latest.json").read_text())["run_id"] == "r"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "no such crawl: nowhere"),
        (["shop/s"], "no such run: shop/s; did you mean shop/r?"),
        (["shop", "--store", "gone"], "the store gone: there is no such folder"),
        (["shop", "--set", "a.b=1"], "No such option"),
    ],
    ids=["crawl", "run", "store", "a setting"],
)
def test_a_wrong_word_is_usage_and_makes_nothing(tmp_path, words, told):
    (tmp_path / "crawls/shop/r").mkdir(parents=True)
    (tmp_path / "crawls/shop/r/run.json").write_text(
        '{"created_at": "2026-01-01T00:00:00Z", "rows": 1}'
    )
    done = scraper("resume", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "gone").exists()
