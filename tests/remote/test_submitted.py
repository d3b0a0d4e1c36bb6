"""`scraper run --remote`, as a person types it, against the SDK's own client and entrypoint."""

import json
import os
import shlex
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError

from scraper.lease import take_lease
from tests.processes import wait_until
from tests.remote.clusters import quick
from tests.test_readme import ON_A_CLUSTER
from tests.workflows.cli.command import SCRAPER

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = {
    "NETWORK__ALLOW": "127.0.0.0/8",
    "ROBOTS__OBEY": "false",
    "THROTTLE__DELAY_S": "0",
}
CRAWL = """
seeds = ["lists/shop.csv"]
[settings.http]
contact = "me@example.org"
[settings.gates]
min_items = 99
[[sites]]
name = "shop"
hosts = ["localhost"]
[sites.fields.heading]
css = "h1"
"""


def test_what_the_readme_types_scrapes_a_list_of_this_machine_there(
    cluster, s3_server, monkeypatch
):
    """Its store and its list's pages are on loopback; all else is as it stands there."""
    cluster.store = "s3://bucket-on-a-cluster/crawls"
    s3_server.make_bucket("bucket-on-a-cluster")
    for name, value in LOOPBACK.items():
        monkeypatch.setenv(f"SCRAPER_{name}", value)
    (cluster.folder / "seeds").mkdir()
    seeds = cluster.listed(6, name="seeds/practice-sites.txt")
    run, resume = (shlex.split(line)[1:] for line in ON_A_CLUSTER)
    done = cluster.run(*without_store(run))
    assert done.returncode == 0, done.stderr + cluster.log()
    lines = done.stdout.splitlines()
    assert lines[0] == "6 rows = 0 duplicates + 6 outcomes (6 ok): balanced"
    run_id = json.loads(cluster.opened.get("practice-sites/latest.json"))["run_id"]
    key = f"practice-sites/{run_id}"
    assert f"report    {cluster.store}/{key}/report.html" in lines
    assert f"{key} runs at http://{cluster.served.endpoint}/v2/" in done.stderr
    # Its report is here too; its list is in the run once, as any run's.
    report = f"practice-sites-{run_id}.html"
    assert (cluster.folder / report).read_bytes() == cluster.opened.get(f"{key}/report.html")
    assert f"its report is here too: {report}" in done.stderr
    assert cluster.opened.get(f"{key}/list.txt") == seeds.read_bytes()
    assert not any("uploads" in name for name in cluster.opened.list(key))
    assert sorted(cluster.origin.paths) == sorted(f"/{n}" for n in range(6))
    # Other commands read the store from here.
    done = cluster.run(*without_store(resume))
    assert (done.returncode, done.stderr) == (0, f"{key} is finished: nothing to do\n")
    assert run_id in cluster.run("list").stdout
    exported = cluster.run("export", "practice-sites", "items").stdout.splitlines()
    assert len(exported) == 6
    assert json.loads(exported[0])["title"] == "A page"
    _is_all_of_the_code(cluster)


def without_store(words):
    """A command of the README without its store, which is in no cloud of ours."""
    at = words.index("--store")
    assert words[at + 1] == "s3://bucket/crawls"
    return [*words[:at], *words[at + 2 :]]


def _is_all_of_the_code(cluster):
    """What went along is what both packages hold, whether it is loaded by then or not."""
    (bundle,) = (cluster.served.submission.folder / "upload").glob("*/*.tar.gz")
    with tarfile.open(bundle) as files:
        sent = set(files.getnames())
    tracked = subprocess.run(
        ["git", "ls-files", "scraper", "workflows"], cwd=ROOT, capture_output=True, text=True
    )
    here = tracked.stdout.split() or [
        str(path.relative_to(ROOT))
        for package in ("scraper", "workflows")
        for path in (ROOT / package).rglob("*.py")
    ]
    assert set(here) - sent == set()


def test_a_crawl_file_goes_along_with_its_lists_and_its_gate_counts(cluster):
    cluster.origin.add("/a", b"<h1>Lamp</h1>", content_type="text/html")
    (cluster.folder / "lists").mkdir()
    url = cluster.origin.url("/a", "h0.localhost")
    (cluster.folder / "lists" / "shop.csv").write_text(f"url,shelf\n{url},x\n")
    (cluster.folder / "shop.toml").write_text(CRAWL)
    done = cluster.run("run", "shop.toml", "--remote", "--run-id", "r1", "--json", *quick())
    assert done.returncode == 3, done.stderr + cluster.log()
    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["items"]) == (1, 1)
    assert [gate["held"] for gate in summary["gates"]] == [False]
    # A gate that fell short doesn't keep a person from parsing again, there too.
    loose = ["--set", "gates.min_items=1"]
    again = cluster.run("reparse", "shop/r1", "--remote", *loose)
    assert again.returncode == 0, again.stderr + cluster.log()
    exported = cluster.run("export", "shop", "items").stdout
    assert [
        (json.loads(line)["heading"], json.loads(line)["shelf"]) for line in exported.splitlines()
    ] == [("Lamp", "x")]
    assert cluster.origin.paths.count("/a") == 1


def test_a_run_that_is_let_go_is_not_waited_for(cluster):
    cluster.listed(1)
    with cluster.held("/0"):
        words = ("run", "shop.txt", "--remote", "--detach", "--json", "--run-id", "r1")
        done = cluster.run(*words, *quick())
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["run"] == "shop/r1"
    assert told["url"].startswith(f"http://{cluster.served.endpoint}/")


def test_an_aborted_run_goes_on_there_and_asks_for_nothing_twice(cluster):
    seeds = cluster.listed(8, hosts=1)
    often = quick(**{"archive.flush_s": 0.05})
    with cluster.held("/5"):
        following = cluster.begun("run", seeds.name, "--remote", "--run-id", "r1", *often)
        assert cluster.asked.wait(60)
        wait_until(lambda: cluster.flushed("shop/r1") == 5)
        cluster.served.plane.abort("a0-r1")
    _, told = following.communicate(timeout=60)
    assert following.returncode == 130, told
    go_on = f"scraper resume shop/r1 --store {cluster.store} --remote"
    assert f"stopped; go on with: {go_on}" in told
    done = cluster.run("resume", "shop", "--remote", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), cluster.log()
    paths = cluster.origin.paths
    assert {path for path in paths if paths.count(path) > 1} <= {"/5"}
    assert len(set(paths)) == 8


def test_who_leaves_a_run_leaves_it_running(cluster):
    urls = cluster.listed(1)
    words = ("run", "-", "--crawl", "shop", "--remote", "--run-id", "r1", *quick())
    with cluster.held("/0"), urls.open() as stdin:
        following = cluster.begun(*words, stdin=stdin)
        assert cluster.asked.wait(60)
        following.send_signal(signal.SIGINT)
        _, told = following.communicate(timeout=60)
    assert following.returncode == 130
    assert told.endswith("shop/r1 goes on; to stop it: flyte abort run r1\n")
    cluster.wait_for_roots()
    assert cluster.opened.get("shop/r1/summary.json") is not None, cluster.log()
    assert cluster.opened.get("shop/r1/list.txt") == urls.read_bytes()


@pytest.mark.long
def test_the_tests_for_a_real_cluster_run(cluster):
    cluster.listed(5)
    environment = os.environ | {
        "SCRAPER_TEST_STORE": cluster.store,
        "SCRAPER_TEST_SEEDS": str(cluster.folder / "shop.txt"),
        "SCRAPER_NETWORK__ALLOW": "127.0.0.0/8",
        "SCRAPER_ROBOTS__OBEY": "false",
    }
    # Nobody fires a schedule here.
    words = ["-q", "-rs", "--live", "tests/live", "-k", "not schedule"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + cluster.log()
    assert "2 passed" in done.stdout


def test_what_is_wrong_there_is_told_here_with_its_exit_code(cluster):
    (cluster.folder / "shop.csv").write_text("name,price\nlamp,1\n")
    done = cluster.run("run", "shop.csv", "--remote", "--run-id", "r1", *quick())
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: {cluster.folder}/shop.csv: ")
    assert cluster.opened.list("shop/r1") == []
    lease = take_lease(cluster.opened, "shop/other")
    seeds = cluster.listed(1)
    held = cluster.run("run", seeds.name, "--remote", "--run-id", "r2", *quick())
    lease.release()
    assert held.returncode == 4, held.stderr
    assert "error: the run shop/other is alive" in held.stderr


def test_what_is_wrong_here_is_told_before_anything_is_sent(cluster, tmp_path):
    cluster.listed(1)
    (cluster.folder / "rules.py").write_text("def items(document):\n    return []\n")
    (cluster.folder / "own.toml").write_text(
        'seeds = ["http://a.org/"]\n[[sites]]\nname = "a"\nhosts = ["a.org"]\n'
        'extractor = "rules:items"\n[sites.fields.x]\ncss = "h1"\n'
    )
    cases = [
        (("run", "none.txt"), "none.txt: can't be opened: No such file"),
        (("run", "shop.txt", "--set", "throttle.delay=1"), "unknown setting throttle.delay"),
        (("run", "own.toml"), "the extractor rules:items is in "),
        (("retry", "shop"), "no such crawl: shop"),
    ]
    for words, problem in cases:
        done = cluster.run(*words, "--remote")
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert problem in done.stderr
    local = subprocess.run(
        [SCRAPER, "run", "shop.txt", "--remote", "--store", tmp_path / "crawls"],
        cwd=cluster.folder,
        capture_output=True,
        text=True,
    )
    assert local.returncode == 2
    assert "a cluster can't reach this folder: name an object store" in local.stderr
    assert not (tmp_path / "crawls").exists()
    alone = cluster.run("run", "shop.txt", "--detach")
    assert alone.returncode == 2
    assert "--detach is for a run on a cluster" in alone.stderr
    assert cluster.served.submission.runs == []
    assert cluster.opened.list("") == []


def test_without_a_cluster_it_is_told_how_to_get_one(cluster, monkeypatch):
    cluster.listed(1)
    monkeypatch.delenv("FLYTECTL_CONFIG")
    done = cluster.run("run", "shop.txt", "--remote", *quick())
    assert done.returncode == 2
    assert "no Flyte cluster is configured" in done.stderr
    assert "`flyte start devbox`" in done.stderr
    assert cluster.opened.list("") == []


def test_a_cluster_that_does_not_take_a_run_leaves_nothing(cluster):
    cluster.listed(1)
    cluster.served.submission.refusal = ConnectError(Code.INVALID_ARGUMENT, "no such domain")
    done = cluster.run("run", "shop.txt", "--remote", *quick())
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: the cluster didn't take the run: no such domain"
    assert cluster.opened.list("") == []
