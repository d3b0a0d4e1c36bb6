"""`scraper retry` and `scraper reparse`, as a person at a terminal meets them."""

import json

import duckdb
import pytest

from scraper.demo import serve_demo
from tests.workflows.cli.slow_site import slow_site
from tests.workflows.cli.test_resume import LOCAL, SLOW, pages, scraper, started, wait_for

pytestmark = pytest.mark.sockets

MANY = 60
ANY_PORT = ["--set", "network.ports=1,1024-65535"]


@pytest.fixture
def site():
    with serve_demo(port=0) as server:
        yield server


def outcomes(tmp_path, run):
    path = tmp_path / f"crawls/shop/{run}/outcomes.parquet"
    return duckdb.sql(f"SELECT reason, count(*) FROM '{path}' GROUP BY ALL ORDER BY ALL").fetchall()


def test_a_crawl_with_nothing_to_retry_is_done(site, tmp_path):
    (tmp_path / "shop.txt").write_text("\n".join(pages(site, 2)))
    first = scraper("run", "shop.txt", *LOCAL, "--run-id", "r", "--json", cwd=tmp_path)
    done = scraper("retry", "shop", "--json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, first.stdout)
    assert done.stderr == "nothing to retry in shop/r\n"
    quiet = scraper("retry", "shop/r", "--only", "dns,timeout", "-q", cwd=tmp_path)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    assert [path.name for path in (tmp_path / "crawls/shop").glob("*/run.json")] == ["run.json"]


def test_a_killed_retry_goes_on_and_asks_nothing_twice(site, tmp_path):
    good = pages(site, MANY + 10)
    gone = [url.replace(f":{site.port}/", ":1/") for url in good[:MANY]]
    (tmp_path / "shop.txt").write_text("\n".join(gone + good[MANY:]))
    # Nobody is at that port: all hosts' rows fail, but for those of the good ones.
    once = [*ANY_PORT, "--set", "retry.attempts=1", "--set", "throttle.give_up_after=1000"]
    scraper("run", "shop.txt", *SLOW, *once, "--run-id", "r", "-q", cwd=tmp_path)
    assert outcomes(tmp_path, "r") == [("connect", MANY), ("ok", 10)]
    process = started("retry", "shop", cwd=tmp_path)
    process.kill()
    process.communicate()
    done = scraper("retry", "shop/r", "--json", cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["outcomes"]["failed"]) == (0, MANY)


@pytest.mark.long
def test_killed_at_work_a_retry_is_resumed_to_its_end(tmp_path):
    with slow_site() as site:
        site.hangs = False
        (tmp_path / "shop.txt").write_text(f"{site.url}/hangs\n{site.url}/2\n{site.url}/3\n")
        first = scraper(
            "run", "shop.txt", *LOCAL, "--set", "http.max_body_bytes=10", "--run-id", "r", "-q",
            cwd=tmp_path,
        )  # fmt: skip
        assert first.returncode == 0
        assert outcomes(tmp_path, "r") == [("too_large", 3)]
        asked, site.hangs = len(site.requests), True
        process = started("retry", "shop", "--set", "http.max_body_bytes=100000", cwd=tmp_path)
        wait_for(site, process, asked + 1)
        process.kill()
        process.communicate()
        site.hangs = False
        done = scraper("resume", "shop", "--json", cwd=tmp_path)
        summary = json.loads(done.stdout)
        assert (summary["outcomes"]["ok"], summary["resumed"]) == (3, 1)
        paths = [request.path for request in site.requests[asked:]]
        assert paths == ["/hangs", "/hangs", "/2", "/3"]
        latest = json.loads((tmp_path / "crawls/shop/latest.json").read_text())
        assert latest["run_id"] == summary["run_id"] != "r"


def test_a_reparse_asks_nobody_and_takes_the_crawl_file_of_today(tmp_path):
    with slow_site() as site:
        (tmp_path / "shop.txt").write_text(f"{site.url}/1\n")
        rules = 'seeds = ["shop.txt"]\n[settings.network]\nallow = ["127.0.0.0/8"]\n'
        (tmp_path / "shop.toml").write_text(rules)
        scraper("run", "shop.toml", "--run-id", "r", "-q", cwd=tmp_path)
    asked = len(site.requests)
    field = '[sites.fields]\nname = { css = "title", required = true }\n'
    (tmp_path / "shop.toml").write_text(
        rules + '[[sites]]\nname = "a"\nhosts = ["127.0.0.1"]\n' + field
    )
    done = scraper("reparse", "shop", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    run = json.loads(done.stdout)["run_id"]
    items = tmp_path / f"crawls/shop/{run}/items.parquet"
    assert duckdb.sql(f"SELECT site, name FROM '{items}'").fetchall() == [("a", "A page")]
    (tmp_path / "shop.toml").unlink()
    without = scraper("reparse", "shop/r", "--json", cwd=tmp_path)
    assert "shop.toml isn't there: parsing by the rules that shop/r has" in without.stderr
    assert json.loads(without.stdout)["items"] == 1
    assert len(site.requests) == asked


@pytest.fixture(scope="module")
def two_crawls(tmp_path_factory):
    """A folder with two finished crawls: one has a row to retry, the other no archive."""
    folder = tmp_path_factory.mktemp("two")
    with slow_site() as site:
        (folder / "shop.txt").write_text(f"{site.url}/1\nhttp://127.0.0.1:1/\n")
        (folder / "bare.txt").write_text(f"{site.url}/1\n")
        quick = [*SLOW, *ANY_PORT, "--set", "retry.attempts=1", "-q"]
        scraper("run", "shop.txt", *quick, "--run-id", "r", cwd=folder)
        scraper("run", "bare.txt", *quick, "--set", "archive.keep=false", cwd=folder)
    return folder


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["retry", "nowhere"], "no such crawl: nowhere"),
        (["retry", "shop", "--only", "dsn"], "--only dsn: no reason to retry; did you mean 'dns'?"),
        (["retry", "shop", "--set", "a.b=1"], "unknown settings group 'a'"),
        (["reparse", "shop/s"], "no such run: shop/s"),
        (["reparse", "shop", "--crawl-file", "x.toml"], "x.toml: can't be read as a crawl file"),
        (["reparse", "shop", "--store", "gone"], "the store gone: there is no such folder"),
        (["reparse", "bare"], "its archives are not in the store"),
    ],
    ids=["crawl", "reason", "setting", "run", "crawl file", "store", "no archive"],
)
def test_what_is_wrong_is_one_line_and_makes_nothing(two_crawls, words, told):
    runs = set((two_crawls / "crawls").glob("*/*/run.json"))
    done = scraper(*words, cwd=two_crawls)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert set((two_crawls / "crawls").glob("*/*/run.json")) == runs
