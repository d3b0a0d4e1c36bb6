"""The command line as a stranger uses and misuses it: real processes, real sockets."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from scraper.archive.warc import read_records
from scraper.demo import serve_demo, write_demo
from scraper.demo.crawl import EXPECTED, list_rows
from scraper.demo.site import HOSTS, build_routes
from scraper.models import Reason
from scraper.store import Store

pytestmark = pytest.mark.sockets

SCRAPER = str(Path(sys.executable).parent / "scraper")
LOCAL = ["--set", "network.allow=127.0.0.0/8", "--set", "throttle.delay_s=0"]


def scraper(*words, cwd, stdin=None):
    return subprocess.run(
        [SCRAPER, *map(str, words)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(autouse=True)
def as_many_workers_as_cores(monkeypatch):
    monkeypatch.delenv("SCRAPER_BATCH__WORKERS")


@pytest.fixture
def site():
    with serve_demo(port=0) as server:
        yield server


def pages(site, count):
    """URLs of good pages of the demo's website."""
    rows = list_rows(site.port)
    good = [url for url, _, reason in rows if reason is Reason.OK and "/p/" in url]
    return good[:count]


def test_a_run_prints_its_sums_and_where_its_files_are(site, tmp_path):
    (tmp_path / "shop.txt").write_text("\n".join(pages(site, 3)))
    done = scraper("run", "shop.txt", *LOCAL, "--run-id", "one", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "3 rows = 0 duplicates + 3 outcomes (3 ok): balanced"
    assert lines[-1] == "report    crawls/shop/one/report.html"
    assert (tmp_path / "crawls/shop/one/report.html").exists()


def test_json_is_the_summary_and_nothing_else(site, tmp_path):
    (tmp_path / "shop.txt").write_text("\n".join(pages(site, 2)))
    done = scraper("run", "shop.txt", *LOCAL, "--json", cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert (done.returncode, done.stderr, summary["outcomes"]["ok"]) == (0, "", 2)
    assert {"crawl", "run_id", "rows", "balanced", "gates", "changes"} <= set(summary)


def test_a_list_from_stdin(site, tmp_path):
    lines = "\n".join(f'{{"url": "{url}", "n": {n}}}' for n, url in enumerate(pages(site, 2)))
    done = scraper("run", "-", "--crawl", "piped", *LOCAL, "-q", cwd=tmp_path, stdin=lines)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (outcomes,) = (tmp_path / "crawls/piped").glob("*/outcomes.parquet")
    assert duckdb.sql(f"SELECT n, reason FROM '{outcomes}'").fetchall() == [(0, "ok"), (1, "ok")]


def test_a_gate_that_falls_short_is_exit_3(site, tmp_path):
    (tmp_path / "shop.txt").write_text(f"http://shop-1.localhost:{site.port}/nothing-here\n")
    gate = ["--set", "gates.max_failed=0"]
    done = scraper("run", "shop.txt", *LOCAL, *gate, cwd=tmp_path)
    assert done.returncode == 3
    assert "gate max_failed: 1 (limit 0): FELL SHORT" in done.stdout
    assert not (tmp_path / "crawls/shop/latest.json").exists()


BAD_LISTS = {
    "no such file": ("missing.txt", None, "missing.txt"),
    "a folder": (".", None, ".: "),
    "an empty list": ("empty.txt", b"", "empty.txt: the list is empty"),
    "only comments": ("none.txt", b"# nothing\n\n", "none.txt: the list is empty"),
    "a table without URLs": ("a.csv", b"name,size\nx,1\n", "a.csv"),
    "a picture": ("a.png.txt", b"\x89PNG\r\n\x1a\n\0\0", "a.png.txt: is no list: binary"),
    "a wrong key": (
        "a.toml",
        b'sedes = ["x"]',
        "a.toml: unknown key 'sedes'; did you mean 'seeds'",
    ),
    "a wrong selector": (
        "b.toml",
        b'seeds = ["http://127.0.0.1/"]\n[[sites]]\nname = "x"\nhosts = ["a.b"]\n'
        b'fields.t = {css = "h1["}',
        "b.toml: sites.1.fields.t.css: 'h1[' is not a CSS selector",
    ),
    "a wrong list in a crawl file": ("c.toml", b'seeds = ["gone.csv"]', "gone.csv"),
}


@pytest.mark.parametrize(("name", "content", "told"), BAD_LISTS.values(), ids=BAD_LISTS.keys())
def test_a_wrong_list_is_one_error_and_leaves_nothing(tmp_path, name, content, told):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = scraper("run", name, "--crawl", "x", *LOCAL, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("crawls/*/*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set", "throttle.dely_s=1"], "--set: unknown setting throttle.dely_s"),
        (["--set", "throttle.delay_s=fast"], "--set: throttle.delay_s = 'fast'"),
        (["--set", "nonsense"], "expected group.field=value"),
        (["--run-id", "../elsewhere"], "--run-id '../elsewhere'"),
        (["--store", "/proc/nowhere/at/all"], "/proc/nowhere/at/all can't be used as a store"),
        (["--store", "s4://bucket"], "s4://bucket can't be used as a store"),
        (["--no-such-option"], "No such option"),
    ],
    ids=["key", "value", "flag", "run id", "store", "store's scheme", "option"],
)
def test_a_wrong_word_is_usage(tmp_path, words, told):
    (tmp_path / "shop.txt").write_text("http://127.0.0.1:9/\n")
    done = scraper("run", "shop.txt", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_row_never_ends_the_run(site, tmp_path):
    (good,) = pages(site, 1)
    rows = [good, "x" * 10_000_000, "http://", "ftp://a.org/", "\x00"]
    (tmp_path / "shop.csv").write_text("url\n" + "\n".join(rows) + "\n")
    done = scraper("run", "shop.csv", *LOCAL, "--json", cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert done.returncode == 0
    assert summary["reasons"] == {"invalid_url": 4, "ok": 1}


def start(site, tmp_path):
    """Start the demo's crawl and wait until it is well under way."""
    crawl_file = write_demo(tmp_path, site.port)
    fast = ["--set", "archive.flush_s=0.1", "--set", "throttle.delay_s=0.03"]
    words = ["run", str(crawl_file), "--run-id", "r", *fast]
    process = subprocess.Popen(
        [SCRAPER, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return process, words


def wait_for_requests(site, process, count):
    deadline = time.monotonic() + 60
    while len(site.requests) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_stops_cleanly_and_says_how_to_go_on(site, tmp_path, number):
    process, words = start(site, tmp_path)
    wait_for_requests(site, process, 200)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("stopped; go on with: scraper run ")
    assert not (tmp_path / "crawls/demo/latest.json").exists()
    answered = set(product_pages(site.port, site.requests))
    first_life = len(site.requests)
    done = scraper(*words, "--json", cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["resumed"]) == (0, 1)
    assert summary["reasons"] == {reason: n for reason, n in EXPECTED.items() if n}
    # All that was answered before the stop was flushed; only redirects lead there once more.
    again = answered & set(product_pages(site.port, site.requests[first_life:]))
    assert again <= redirect_targets(tmp_path)


def product_pages(port, requests):
    good = [r for r in requests if r.status == 200 and r.path.startswith("/p/")]
    return [f"http://{r.host}:{port}{r.path}" for r in good]


def redirect_targets(tmp_path):
    outcomes = tmp_path / "crawls/demo/r/outcomes.parquet"
    found = duckdb.sql(f"SELECT final_url FROM '{outcomes}' WHERE len(redirects) > 0").fetchall()
    return {url for (url,) in found}


def test_kill_9_loses_at_most_what_was_in_flight_and_the_last_flush(site, tmp_path):
    process, words = start(site, tmp_path)
    seen, flushed = 0, set()
    for _ in range(3):
        wait_for_requests(site, process, seen + 100)
        process.kill()
        process.communicate()
        again = product_pages(site.port, site.requests[seen:])
        assert not flushed & set(again) - redirects_of(site.port)
        seen, flushed = len(site.requests), archived(tmp_path)
        process = subprocess.Popen([SCRAPER, *words, "-q"], cwd=tmp_path)
    assert process.wait(timeout=60) == 0
    again = product_pages(site.port, site.requests[seen:])
    assert not flushed & set(again) - redirects_of(site.port)
    summary = json.loads((tmp_path / "crawls/demo/r/summary.json").read_text())
    assert summary["reasons"] == {reason: n for reason, n in EXPECTED.items() if n}
    assert summary["balanced"]
    assert summary["resumed"] == 3


def archived(tmp_path):
    """The pages whose final answer is in the archive, whole."""
    store = Store(str(tmp_path / "crawls"))
    parts = [key for key in store.list("demo/r") if key.endswith(".warc.gz")]
    return {
        record.fields["warc-target-uri"]
        for part in parts
        for record in read_records(store.stream(part))
        if record.kind == "response"
    }


def redirects_of(port):
    """Where the site's redirects lead: such a page is asked for by two rows."""
    answers = [answer for turns in build_routes(port).values() for answer in turns]
    found = [value for answer in answers for name, value in answer.headers if name == "Location"]
    by_host = [f"http://{host}:{port}{path}" for path in found for host in HOSTS]
    return {*found, *by_host}
