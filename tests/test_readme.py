"""The README keeps its promises: its commands run, its examples too, its tables are the code's.

What needs the open network runs against respx, with pages in the sites' own structure.
"""

import ast
import asyncio
import gzip
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import respx

from scraper.crawlfile import parse_crawl_file
from scraper.models import Reason
from scraper.plan.columns import ITEM_COLUMNS, OUTCOME_COLUMNS
from scraper.publish.reasons import reasons_rows
from scraper.settings_table import settings_rows

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
SITEMAP = b"<urlset><url><loc>https://books.toscrape.com/</loc></url></urlset>"
PAGE = "<html><head><title>A page</title></head><body><h1>A page</h1></body></html>"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def table(heading):
    """The rows of the table under a heading, cell by cell."""
    part = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [tuple(cell.strip(" `") for cell in line.strip("|").split(" | ")) for line in lines]


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder as a reader has it, with lists of their own."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "seeds", folder / "seeds")
    (folder / "urls.txt").write_text("https://example.org/\n")
    (daily,) = [block for block in blocks("toml") if "[schedule]" in block]
    (folder / "seeds/daily.toml").write_text(daily)
    with gzip.open(folder / "shop.csv.gz", "wt") as file:
        file.write("link,shelf\nhttps://example.org/1,a\n")
    return folder


@pytest.fixture
def web(folder, monkeypatch):
    """The practice sites, mocked; waits between requests taken out of the lists' way."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SCRAPER_THROTTLE__DELAY_S", "0")
    pages = ROOT / "tests/data/sites/books.toscrape.com"
    book, catalogue = (next(pages.glob(name)) for name in ("*_999.html", "*page-1.html"))
    with respx.mock(using="httpx", assert_all_called=False) as router:
        router.get(url__regex=r".*/robots\.txt$").respond(404)
        router.get(url__regex=r"https?://books\.toscrape\.com/catalogue/.*_\d+/").respond(
            content=book.read_bytes(), content_type="text/html"
        )
        router.get("https://books.toscrape.com/catalogue/page-1.html").respond(
            content=catalogue.read_bytes(), content_type="text/html"
        )
        router.get("https://books.toscrape.com/sitemap.xml").respond(
            content=SITEMAP, content_type="application/xml"
        )
        router.get(url__regex=r"https://www\.scrapethissite\.com/.*").respond(404)
        router.get(url__regex=r"https?://.*").respond(html=PAGE)
        yield router


def run_scraper(words, monkeypatch):
    """Run the command line in this process, so that its network is mocked; give its exit code."""
    from workflows.cli.main import main

    if "|" in words:
        pipe = words.index("|")
        piped = io.BytesIO(Path(words[pipe - 1]).read_bytes())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(piped))
        words = words[pipe + 1 :]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


TOLD = {
    "run": [": balanced\n"],
    "plan": ["11 rows"],
    "try": ["ok: ok"],
    "check": ["1 fixture: 1 held", ": right\n"],
    "list": ["latest"],
    "resume": [""],
    "export": [""],
    "diff": ["nothing changed"],
    "retry": [""],
    "reparse": [": balanced\n"],
    "schedule": ["daily  20", ""],
    "prune": ["archives"],
    "deploy": ["trigger      daily: 0 6 * * * Europe/London\n"],
}
"""What each command prints to standard output, one of these."""


def test_the_scraper_commands_run_one_after_another(web, s3_server, monkeypatch, capsys):
    s3_server.make_bucket("bucket")
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    lines = [line for line in COMMANDS if "bin/scraper" in line]
    asked = [re.search(r"bin/scraper (\w+)", line)[1] for line in lines]
    assert set(asked) == set(TOLD)
    for line, command in zip(lines, asked, strict=True):
        assert run_scraper(shlex.split(line), monkeypatch) in {0, None}, line
        out = capsys.readouterr().out
        assert any(words in out for words in TOLD[command]), line


def test_the_flyte_command_runs_the_same_tasks(web, monkeypatch, capsys, folder):
    from flyte.cli.main import main

    (line,) = [line for line in COMMANDS if "bin/flyte" in line]
    shutil.copytree(ROOT / "workflows", folder / "workflows", dirs_exist_ok=True)
    monkeypatch.setenv("SCRAPER_STORE", str(folder / "by-flyte"))
    main(shlex.split(line)[1:], standalone_mode=False)
    (run,) = (folder / "by-flyte/practice-sites").glob("*/summary.json")
    assert json.loads(run.read_text())["balanced"]


def test_the_query_runs_on_published_files(web, folder, monkeypatch):
    words = "scraper run urls.txt --crawl query --set http.contact=you@example.org -q"
    assert run_scraper(shlex.split(words), monkeypatch) == 0
    (line,) = [line for line in COMMANDS if "duckdb" in line]
    found = subprocess.run(
        [sys.executable, *shlex.split(line)[1:]],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "ok" in found.stdout


def test_the_two_make_targets_are_there():
    for line in COMMANDS:
        if line.startswith("make "):
            dry = subprocess.run(
                [*shlex.split(line), "-n"], cwd=ROOT, capture_output=True, text=True, check=True
            )
            assert ".venv/bin/" in dry.stdout


def test_every_command_is_run_by_a_test():
    known = (".venv/bin/scraper", ".venv/bin/flyte", ".venv/bin/python -c", "make ", "export ")
    assert [line for line in COMMANDS if not any(word in line for word in known)] == []


def run_python(block, names):
    ran = eval(compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if ran is not None:
        asyncio.run(ran)


def test_the_python_example_runs(web, monkeypatch, capsys):
    monkeypatch.setenv("SCRAPER_HTTP__CONTACT", "you@example.org")
    run_python(blocks("python")[0], {})
    assert (
        capsys.readouterr().out
        == "ok A page\n[{'site': 'shop', 'kind': 'item', 'name': 'Chair'}]\n"
    )


def test_the_example_of_a_mocked_run_runs(monkeypatch):
    from scraper import scrape_page

    monkeypatch.setenv("SCRAPER_HTTP__CONTACT", "you@example.org")
    names: dict[str, object] = {"scrape_page": scrape_page}
    run_python(blocks("python")[1], names)
    assert names["scraped"].items[0]["title"] == "Hello"


def test_the_crawl_files_are_right():
    assert len(blocks("toml")) >= 2
    for block in blocks("toml"):
        crawl_file = parse_crawl_file(block, "README.md")
        assert {rule.name for rule in crawl_file.sites} <= {"shop"}


def test_the_table_of_reasons_is_the_code_s():
    rows = table("The reasons")
    assert rows == [tuple(str(cell) for cell in row) for row in reasons_rows()]
    assert {reason for _, reason, _, _ in rows} == {reason.value for reason in Reason}


def test_the_table_of_settings_is_the_code_s():
    assert table("The settings") == [tuple(row) for row in settings_rows()]


def test_the_columns_are_named():
    for name in (*OUTCOME_COLUMNS, *ITEM_COLUMNS):
        assert re.search(rf"\b{name}\b", README), name


def test_it_names_no_file_that_is_not_there():
    named = re.findall(r"`((?:scraper|workflows|tests|seeds)/[\w./-]+)`", README)
    assert [name for name in named if not (ROOT / name).exists()] == []
