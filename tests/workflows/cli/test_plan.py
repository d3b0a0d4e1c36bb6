"""`scraper plan`: real processes, and an origin that notes what it was asked."""

import json
import subprocess
import sys

import pytest

from tests.scraper.fetch.origin import serve_origin
from tests.workflows.cli.command import scraper

CONTACT = ["--set", "http.contact=tests@example.org"]
KEYS = [
    "rows", "duplicates", "invalid", "hosts", "partitions", "batches",
    "seconds_expected", "bytes_expected", "disk_bytes_expected", "slowest_hosts",
]  # fmt: skip
LIST = "http://a.example/1\nhttp://a.example/2\nhttp://b.example/1\nhttp://b.example/1#x\nno\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shop.txt").write_text(LIST)
    return tmp_path


def test_a_plan_is_one_screen_and_leaves_nothing(folder):
    done = scraper("plan", "shop.txt", *CONTACT, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "5 rows = 1 duplicates + 1 invalid + 3 to fetch\n"
        "2 hosts in 1 partition, 1 batch\n"
        "time expected: 3.3 s; decided by\n"
        "  a.example          2 rows          3.3 s\n"
        "  b.example          1 rows          2.2 s\n"
        "bytes expected: not known, this crawl has no published run\n"
        "local disk expected: not known, this crawl has no published run\n"
    )
    assert [path.name for path in folder.iterdir()] == ["shop.txt"]


def test_json_is_the_estimate_and_nothing_else(folder):
    done = scraper("plan", "shop.txt", *CONTACT, "--json", cwd=folder)
    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr, list(found)) == (0, "", KEYS)
    assert found["slowest_hosts"][0] == {"host": "a.example", "rows": 2, "seconds": 3.3}
    assert found["bytes_expected"] is found["disk_bytes_expected"] is None


def test_the_size_of_the_cluster_is_told_when_it_is_asked_for(folder, monkeypatch):
    monkeypatch.setenv("SCRAPER_CLUSTER__REPLICAS_MIN", "2")
    words = ("plan", "shop.txt", *CONTACT, "--remote")
    line = scraper(*words, cwd=folder).stdout.splitlines()[-1]
    assert line == (
        "on the cluster: 1 batch at once in 2 replicas, 1 round of partitions, time expected: 3.3 s"
    )
    found = json.loads(scraper(*words, "--json", cwd=folder).stdout)
    assert list(found) == [*KEYS, "capacity"]
    assert found["capacity"] == {
        "replicas": 2,
        "batches_at_once": 1,
        "rounds": 1,
        "seconds_expected": 3.3,
    }


def test_without_a_contact_it_plans_and_says_that_a_run_is_refused(folder):
    done = scraper("plan", "shop.txt", "--json", cwd=folder)
    assert (done.returncode, json.loads(done.stdout)["hosts"]) == (0, 2)
    [note] = done.stderr.splitlines()
    assert note.startswith("note: a run would be refused: http.contact is not set, and a.example")


def test_a_list_from_stdin_and_its_options(folder):
    words = ["-", "--crawl", "piped", "--url-column", "link", "--set", "throttle.delay_s=0"]
    done = scraper("plan", *words, *CONTACT, cwd=folder, stdin="link,n\nhttp://a.example/,1\n")
    assert done.returncode == 0, done.stderr
    assert "1 rows = 0 duplicates + 0 invalid + 1 to fetch" in done.stdout
    assert "time expected: none can be told, it is as fast as the hosts answer" in done.stdout


WRONG = {
    "no_such_list": (["gone.txt"], "gone.txt: can't be opened"),
    "no_name": (["-"], "--crawl NAME"),
    "setting": (["shop.txt", "--set", "throttle.dely_s=1"], "unknown setting throttle.dely_s"),
    "store": (["shop.txt", "--store", "s4://bucket"], "s4://bucket can't be used as a store"),
    "store_is_a_file": (["shop.txt", "--store", "shop.txt"], "shop.txt can't be used as a store"),
    "contact_for_a_list": (["http://lists.example/x.txt"], "http.contact is not set"),
}


@pytest.mark.parametrize(("words", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_one_line_and_exit_2(folder, words, told):
    done = scraper("plan", *words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in folder.iterdir()] == ["shop.txt"]


@pytest.mark.sockets
def test_only_the_list_is_asked_for_and_the_last_run_is_known(folder):
    local = ["--set", "network.allow=127.0.0.0/8", "--set", "throttle.delay_s=0"]
    with serve_origin() as origin:
        origin.add("/1", b"<title>A page</title>" + b"x" * 979, content_type="text/html")
        origin.add("/urls.txt", origin.url("/1").encode())
        url = origin.url("/urls.txt")
        first = scraper("plan", url, *local, "--json", cwd=folder)
        assert origin.paths == ["/robots.txt", "/urls.txt"]
        run = scraper("run", url, *local, "--run-id", "r", "-q", cwd=folder)
        asked = len(origin.log)
        second = scraper("plan", url, *local, "--json", cwd=folder)
        text = scraper("plan", url, *local, cwd=folder)
        assert set(origin.paths[asked:]) == {"/robots.txt", "/urls.txt"}
    assert [done.returncode for done in (first, run, second, text)] == [0] * 4
    before, after = json.loads(first.stdout), json.loads(second.stdout)
    assert (before["seconds_expected"], before["bytes_expected"]) == (0, None)
    assert after["seconds_expected"] > 0
    assert after["bytes_expected"] == 1000
    assert 12_000_000 < after["disk_bytes_expected"] < 13_000_000
    assert "bytes expected: 0.0 MB, as in 127.0.0.1-urls/r\n" in text.stdout
    assert "local disk expected: at most 12 MB, beside the store\n" in text.stdout
    assert sorted(path.name for path in (folder / "crawls/127.0.0.1-urls").iterdir()) == [
        "latest.json", "lease", "r", "state",
    ]  # fmt: skip


@pytest.mark.sockets
def test_a_list_that_cannot_be_had_now_is_exit_1(folder):
    with serve_origin() as origin:
        origin.add("/urls.txt", http_status=503)
        words = ["--set", "network.allow=127.0.0.0/8", "--set", "retry.attempts=1"]
        done = scraper("plan", origin.url("/urls.txt"), *words, cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("http_5xx (HTTP 503); try again later\n")


def test_it_does_not_import_flyte(folder):
    code = (
        "import sys; from workflows.cli.main import cli\n"
        "cli(['plan', 'shop.txt'], standalone_mode=False)\n"
        "sys.exit('flyte' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stderr
