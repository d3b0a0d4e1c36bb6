"""`scraper try` as a person uses it: real processes, real sockets."""

import json

import pytest

from scraper.demo import serve_demo, write_demo
from scraper.demo.crawl import list_rows
from scraper.models import Reason
from tests.workflows.cli.command import scraper

pytestmark = pytest.mark.sockets

LOCAL = ["--set", "network.allow=127.0.0.0/8", "--set", "throttle.delay_s=0"]


@pytest.fixture(scope="module")
def site():
    with serve_demo(port=0) as server:
        yield server


@pytest.fixture
def folder(site, tmp_path):
    write_demo(tmp_path / "seeds", site.port)
    return tmp_path


def url_of(site, reason, part=""):
    return next(url for url, _, ends in list_rows(site.port) if ends is reason and part in url)


def test_one_screen_says_how_it_ended_and_why(site, folder):
    url = url_of(site, Reason.OK, "/p/")
    done = scraper("try", url, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"ok: ok  ({url})"
    labels = [line.split(" ")[0] for line in lines if not line.startswith(" ")]
    assert labels == ["ok:", "robots", "asked", "page", "charset", "rule", "parsed"]
    assert "rule     demo-shop of seeds/demo.toml: host localhost" in lines
    (name,) = [line for line in lines if line.startswith("  name ")]
    assert name.endswith("css 'h1'")
    (price,) = [line for line in lines if line.startswith("  price ")]
    assert price.endswith("json_ld offers.price")
    assert len(lines) < 30
    assert not (folder / "crawls").exists()


def test_json_has_whole_values(site, folder):
    done = scraper("try", url_of(site, Reason.OK, "/p/"), "--json", cwd=folder)
    found = json.loads(done.stdout)
    assert (found["status"], found["rule"], found["crawl_file"]) == (
        "ok", "demo-shop", "seeds/demo.toml",
    )  # fmt: skip
    assert found["robots"][0]["allowed"] is True
    assert found["steps"][-1]["http_status"] == 200
    assert found["items"][0]["currency"]["source"] == "json_ld offers.priceCurrency"


def test_without_a_crawl_file_the_generic_fields_are_shown(site, tmp_path):
    done = scraper("try", url_of(site, Reason.OK, "/p/"), *LOCAL, cwd=tmp_path)
    assert done.returncode == 0
    assert "rule     none: no rule covers the host" in done.stdout
    assert "  title " in done.stdout


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (Reason.ROBOTS_DISALLOWED, "robots   forbidden: line "),
        (Reason.HTTP_4XX, "asked    404"),
        (Reason.MISSING_FIELD, "field name: nothing found"),
        (Reason.REDIRECT_LOOP, "asked    30"),
    ],
    ids=str,
)
def test_a_page_without_items_is_exit_1_with_the_reason(site, folder, reason, told):
    done = scraper("try", url_of(site, reason), "--set", "throttle.delay_s=0", cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    assert f": {reason}" in done.stdout.splitlines()[0]
    assert told in done.stdout


def test_a_saved_fixture_is_replayed_by_check(site, folder):
    done = scraper("try", url_of(site, Reason.OK, "/p/"), "--save-fixture", "kept", cwd=folder)
    assert done.returncode == 0
    assert "saved    kept/" in done.stdout
    again = scraper("check", "kept", cwd=folder)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "1 fixture: 1 held, 0 differ")
    crawl_file = folder / "seeds/demo.toml"
    crawl_file.write_text(crawl_file.read_text().replace('css = "h1"', 'css = "title"'))
    changed = scraper("check", "kept", cwd=folder)
    assert changed.returncode == 1
    assert "items.1.name" in changed.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["example.org"], "'example.org' is no http(s) URL"),
        (["https://example.org/"], "http.contact is not set"),
        (["http://127.0.0.1/", "--crawl-file", "gone.toml"], "gone.toml"),
        (["http://127.0.0.1/", "--crawl-file", "seeds/demo.csv"], "a crawl file is a .toml"),
        (["http://127.0.0.1/", "--seed", "shelf"], "expected NAME=VALUE"),
        (["http://127.0.0.1/", "--set", "throttle.dely_s=1"], "did you mean 'delay_s'"),
    ],
    ids=["no url", "no contact", "no crawl file", "no toml", "seed", "setting"],
)
def test_misuse_is_one_error_and_exit_2(folder, words, told):
    done = scraper("try", *words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_two_crawl_files_for_one_host_must_be_told_apart(site, folder):
    twin = folder / "seeds/twin.toml"
    twin.write_text((folder / "seeds/demo.toml").read_text())
    url = url_of(site, Reason.OK, "/p/")
    done = scraper("try", url, cwd=folder)
    assert done.returncode == 2
    assert "seeds/demo.toml, seeds/twin.toml have rules for" in done.stderr
    assert scraper("try", url, "--crawl-file", "seeds/twin.toml", cwd=folder).returncode == 0


def test_a_private_address_is_refused(site, tmp_path):
    done = scraper("try", f"http://127.0.0.1:{site.port}/", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("skipped: blocked_address")
