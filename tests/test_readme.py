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
from workflows.cli.shown import duration_text

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


ON_A_CLUSTER = [line for line in COMMANDS if "--remote --store" in line]
"""Those that `tests/remote` runs."""


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
    lines = [line for line in COMMANDS if "bin/scraper" in line and line not in ON_A_CLUSTER]
    asked = [re.search(r"bin/scraper (\w+)", line)[1] for line in lines]
    assert set(asked) == set(TOLD)
    for line, command in zip(lines, asked, strict=True):
        assert run_scraper(shlex.split(line), monkeypatch) in {0, None}, line
        out = capsys.readouterr().out
        assert any(words in out for words in TOLD[command]), line


@pytest.mark.parametrize("task", ["crawl.py crawl", "downstream.py crawl_and_count"])
def test_the_flyte_commands_run_the_same_tasks(task, web, monkeypatch, capsys, folder):
    from flyte.cli.main import main

    (line,) = [line for line in COMMANDS if "bin/flyte" in line and task in line]
    shutil.copytree(ROOT / "workflows", folder / "workflows", dirs_exist_ok=True)
    store = folder / task.partition(".")[0]
    monkeypatch.setenv("SCRAPER_STORE", str(store))
    main(shlex.split(line)[1:], standalone_mode=False)
    (run,) = store.glob("practice-sites/*/summary.json")
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


def test_the_cost_of_a_million_pages_adds_up():
    text = " ".join(README.split("**What a run costs", 1)[1].split("\n\n", 1)[0].split())
    batches, replicas, seconds = 1000, 10, 221
    assert f"{batches:,} batches in 50 partitions, 50 at once in {replicas} replicas" in text
    assert duration_text(seconds) in text
    assert f"the {1 + 3 * batches:,} actions" in text
    cpu_minutes = (round(1_000_000 * 0.0013 / 60), round(replicas * seconds / 60))
    assert "{} of the replicas' {} CPU minutes".format(*cpu_minutes) in text
    cpu_hours = (replicas * 9 + 6) / 60
    gib_hours = (replicas * 9 * 2 + 6 * 4) / 60
    assert f"{cpu_hours:.1f} CPU hours and {gib_hours:.1f} GiB hours" in text
    assert f"{100 * (cpu_hours * 0.04 + gib_hours * 0.005):.0f} cents" in text
    assert f"another {20 * batches * 5 / 1_000_000 * 100:.0f} cents" in text
    assert duration_text(10 * seconds).split(" min")[0] in {"36", "37"}


@pytest.mark.long
def test_the_plan_of_a_million_pages_is_as_it_says(tmp_path):
    seeds = tmp_path / "million.txt"
    with seeds.open("w") as file:
        file.writelines(f"https://shop-{n % 5000}.example/{n}\n" for n in range(1_000_000))
    words = ["plan", str(seeds), "--remote", "--set", "http.contact=you@example.org"]
    told = subprocess.run(
        [Path(sys.executable).parent / "scraper", *words],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "5,000 hosts in 50 partitions, 1,000 batches" in told
    assert told.splitlines()[-1] == (
        "on the cluster: 50 batches at once in 10 replicas, 1 round of partitions, "
        "time expected: 3 min 41 s"
    )


def test_the_table_of_speed_is_what_was_measured():
    text = (ROOT / "bench/results/readme.md").read_text()
    measured = {}
    for size in ("10", "50"):
        part = text.split(f" pages of {size} KB, 64 connections", 1)[1].split("\n- ", 1)[0]
        rows = [cells(line) for line in part.splitlines() if line.startswith("| ")]
        measured[size] = {row[0]: row for row in rows[1:]}
    told = README.split("## How fast\n", 1)[1].split("\n![", 1)[0]
    lines = [cells(line) for line in told.splitlines() if line.startswith("| ")][1:]
    assert len(lines) == 5
    for tool, *figures in lines:
        small, large = measured["10"][tool], measured["50"][tool]
        assert figures == [
            small[1].split(" ")[0], small[2], small[3],
            large[1].split(" ")[0], large[2], large[3], large[5].split(" ")[0],
        ]  # fmt: skip


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


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
