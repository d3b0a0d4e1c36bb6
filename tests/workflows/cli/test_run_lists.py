"""Runs of lists at a URL: real processes, an origin that logs when it was asked."""

import json
import signal
import subprocess
import time
from itertools import pairwise

import pytest

from tests.scraper.fetch.origin import packed, serve_origin
from tests.workflows.cli.command import SCRAPER, scraper

pytestmark = pytest.mark.sockets

LOCAL = ["--set", "network.allow=127.0.0.0/8", "--set", "throttle.jitter=0"]
DELAY_S = 0.4
LONG_S = 1.5
"""Longer than a run takes from its plan to its first request."""
LATE_S = 0.1
"""What a request may take to arrive on a busy machine, so that the next one seems early."""
PAGE = b"<title>A page</title><p>some text</p>"


def run(*words, cwd, delay_s=0.0):
    return scraper("run", *words, *LOCAL, "--set", f"throttle.delay_s={delay_s}", cwd=cwd)


@pytest.fixture
def origin():
    with serve_origin() as served:
        for n in range(3):
            served.add(f"/{n}", PAGE, content_type="text/html")
        yield served


def urls_of(origin, *hosts):
    return "".join(f"{origin.url(f'/{n}', host)}\n" for host in hosts for n in range(3)).encode()


def asked_of(origin, host):
    return [(asked.path, asked.at_s) for asked in origin.log if asked.host == host]


def assert_polite(asked, delay_s=DELAY_S):
    gaps = [later - earlier for (_, earlier), (_, later) in pairwise(asked)]
    assert min(gaps) > delay_s - LATE_S, gaps


def test_the_host_of_the_list_is_asked_politely_from_the_list_on(origin, tmp_path):
    origin.add("/urls.txt", origin.url("/0").encode())
    done = run(origin.url("/urls.txt"), "--run-id", "r", cwd=tmp_path, delay_s=LONG_S)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 rows = 0 duplicates + 1 outcomes (1 ok): balanced" in done.stdout
    asked = asked_of(origin, "127.0.0.1")
    assert [path for path, _ in asked] == ["/robots.txt", "/urls.txt", "/0"]
    assert_polite(asked, LONG_S)
    assert (tmp_path / "crawls/127.0.0.1-urls/r/list.jsonl.gz").exists()


def test_it_is_so_in_each_of_several_partitions(origin, tmp_path):
    """The list's host has a partition of its own, and is where a redirect of the other leads."""
    hosts = ("a.localhost", "b.localhost")
    origin.add("/robots.txt", b"User-agent: *\nCrawl-delay: 0.4")
    origin.add("/to", http_status=302, location=origin.url("/2", "lists.localhost"))
    there = origin.url("/to", "a.localhost").encode()
    origin.add("/urls.txt", urls_of(origin, *hosts) + there)
    words = ["--set", "batch.size=2", "--set", "network.allow=127.0.0.0/8,localhost"]
    url = origin.url("/urls.txt", "lists.localhost")
    done = run(url, *words, cwd=tmp_path, delay_s=0.1)
    assert done.returncode == 0, done.stderr
    assert "7 rows = 0 duplicates + 7 outcomes (7 ok)" in done.stdout
    asked = asked_of(origin, "lists.localhost")
    assert [path for path, _ in asked] == ["/robots.txt", "/urls.txt", "/2"]
    for host in (*hosts, "lists.localhost"):
        assert_polite(asked_of(origin, host))


def test_a_finished_run_does_not_ask_for_its_list_again(origin, tmp_path):
    origin.add("/urls.txt", urls_of(origin, "127.0.0.1"))
    words = [origin.url("/urls.txt"), "--run-id", "r", "--json"]
    first = run(*words, cwd=tmp_path)
    asked = len(origin.log)
    second = run(*words, cwd=tmp_path)
    assert (first.returncode, second.returncode) == (0, 0)
    assert json.loads(first.stdout) == json.loads(second.stdout)
    assert len(origin.log) == asked


def test_a_crawl_file_joins_lists_of_all_kinds(origin, tmp_path):
    origin.add("/export", **packed(f"a;link\nx;{origin.url('/0')}\n".encode()))
    origin.add("/more.txt", origin.url("/1").encode())
    (tmp_path / "shop.toml").write_text(
        f'seeds = [{{list = "{origin.url("/export?type=csv")}", format = "csv", '
        f'url_column = "link"}}, "{origin.url("/more.txt")}", "{origin.url("/2")}"]'
    )
    origin.answers["/export?type=csv"] = origin.answers.pop("/export")
    done = run("shop.toml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcomes"]["ok"] == 3
    kept = sorted(path.name for path in (tmp_path / "crawls/shop").glob("*/list*"))
    assert kept == ["list-1.jsonl.gz", "list-2.jsonl.gz", "list-3.jsonl"]


TROUBLE = {
    "missing": ({"http_status": 404}, 2, "http_4xx (HTTP 404); check the URL"),
    "busy": ({"http_status": 503}, 1, "http_5xx (HTTP 503); try again later"),
    "empty": ({"body": b"# nothing"}, 2, "the list is empty"),
    "a_page": ({"body": b"<!doctype html><p>x"}, 2, "is no list: HTML"),
}


@pytest.mark.parametrize(("answer", "code", "told"), TROUBLE.values(), ids=TROUBLE.keys())
def test_trouble_with_a_list_is_one_line_and_what_may_heal_can_go_on(
    origin, tmp_path, answer, code, told
):
    origin.add("/urls.txt", **answer)
    done = run(origin.url("/urls.txt"), "--set", "retry.attempts=1", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    error, *more = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert told in error
    assert "Traceback" not in done.stderr
    # What may heal can go on: it knows what it was asked.
    assert [line.partition(": ")[0] for line in more] == (["go on with"] if code == 1 else [])
    assert len(list(tmp_path.glob("crawls/*/*/request.json"))) == len(more)
    assert bool(list(tmp_path.glob("crawls/*/*"))) == (code == 1)


def test_a_signal_ends_the_wait_for_a_list(origin, tmp_path):
    origin.add("/urls.txt", http_status=503, retry_after="30")
    words = ["run", origin.url("/urls.txt"), *LOCAL, "--set", "throttle.delay_s=0"]
    process = subprocess.Popen(
        [SCRAPER, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while "/urls.txt" not in origin.paths:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=15)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.splitlines()[-1].startswith("stopped; go on with: scraper resume 127.0.0.1-urls/")
    (run,) = tmp_path.glob("crawls/127.0.0.1-urls/2*")
    assert sorted(path.name for path in run.iterdir()) == ["lives", "request.json"]
