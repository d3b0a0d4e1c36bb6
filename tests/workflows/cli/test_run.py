"""The command line as a stranger uses and misuses it: real processes, real sockets."""

import json

import duckdb
import pytest

from scraper.demo import serve_demo
from scraper.demo.crawl import list_rows
from scraper.models import Reason
from tests.workflows.cli.command import scraper

pytestmark = pytest.mark.sockets

LOCAL = ["--set", "network.allow=127.0.0.0/8", "--set", "throttle.delay_s=0"]


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
