"""A crawl that runs again, as a stranger does it: real processes, a real website that changes."""

import json

import pytest

from tests.scraper.fetch.origin import serve_origin
from tests.workflows.cli import command

pytestmark = pytest.mark.sockets

LOCAL = ["--set", "network.allow=127.0.0.0/8", "--set", "throttle.delay_s=0"]


def scraper(*words, cwd):
    done = command.scraper(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def origin(tmp_path):
    with serve_origin() as origin:
        rows = [origin.url(f"/{name}") for name in ("same", "noisy", "dear", "gone")]
        (tmp_path / "shop.txt").write_text("\n".join(rows))
        yield origin


def ran(origin, cwd, *words):
    """A run's summary, and the pages that it asked for with the tags that it sent."""
    origin.log.clear()
    done = scraper("run", "shop.txt", *LOCAL, *words, "--json", cwd=cwd)
    return json.loads(done), sorted(path for path in origin.paths if path != "/robots.txt")


def test_three_runs_cost_little_and_tell_what_changed(origin, tmp_path):
    body = b"<title>Same</title><p>as ever</p>"
    origin.add("/same", body, etag='"1"')
    origin.add("/same", b"", http_status=304, etag='"1"')
    origin.add("/same", body, etag='"1"')
    origin.add("/noisy", b"<title>Noisy</title><p>text</p><!-- 1 -->")
    origin.add("/noisy", b"<title>Noisy</title><p>text</p><!-- 2 -->")
    origin.add("/dear", b"<title>Dear</title><p>1 EUR</p>")
    origin.add("/dear", b"<title>Dear</title><p>2 EUR</p>")
    origin.add("/gone", b"<title>Gone</title><p>soon</p>")
    origin.add("/gone", b"", http_status=404)
    first, _ = ran(origin, tmp_path)
    second, asked = ran(origin, tmp_path)
    assert (first["changes"], first["items"]) == (None, 4)
    assert asked == ["/dear", "/gone", "/noisy", "/same"]
    assert second["reasons"] == {"http_4xx": 1, "not_modified": 1, "ok": 1, "same_content": 1}
    assert (second["items"], second["changes"]["changed"], second["changes"]["gone"]) == (3, 1, 1)
    told = scraper("diff", "shop", cwd=tmp_path)
    assert 'text: "1 EUR" → "2 EUR"' in told
    assert told.splitlines()[-1].endswith("/gone")
    report = (tmp_path / "crawls/shop" / second["run_id"] / "report.html").read_text()
    assert "What changed" in report
    assert "1 EUR" in report

    third, _ = ran(origin, tmp_path, "--fresh")
    assert third["reasons"] == {"same_content": 3, "http_4xx": 1}
    assert sum(third["changes"].values()) == 0
