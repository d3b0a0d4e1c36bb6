"""Imports run one way, down the flow, and `scraper` never imports Flyte."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FLOW = (
    # values and what everything stands on
    "errors garbage product process reason memory models stopping layout urls charsets",
    "notice settings_secrets settings_types settings_table settings credentials",
    "values rules",
    "store_folder store_trouble store store_open lease tables plain parts runs",
    # seeds → plan
    "schedule seeds listsource crawlfile crawlfile_schema crawl run state",
    # one polite request, which planning makes too, for lists at a URL
    "fetch.layers fetch.decoding fetch.ports fetch.addresses fetch.resolver",
    "fetch.answers fetch.reasons fetch.transport fetch.mocks",
    "fetch.conditions fetch.client",
    "pace throttle fetch.cookies fetch.polite robots_rules robots fetch.hops retry hosts",
    "fetch.alone fetch.lists",
    "plan.columns plan.cut plan.part plan.lists plan.rows plan.snapshots plan.known plan.prepare",
    "plan.waves plan.former plan.retry plan.reparse plan.again",
    "asked again uploads takeup plan.past plan.disk plan.estimate plan.capacity",
    # submit → poll
    "fetch.page archive.warc archive.told archive.reading archive.progress",
    "archive.parts archive.archive archive",
    "parsing session open_batch batch submit",
    "extract.declared extract.charset extract.text extract.links extract.json_ld extract.found",
    "extract.errors extract.clean extract.metas extract.page_tags extract.document extract.sources",
    "extract.generic extract.apply extract.extractor extract.page extract.explain extract",
    "conclude parse poll reparse",
    # processes beside this one
    "workers.cores workers.messages workers.child workers.process workers.parser_main",
    "workers.parser workers.sessions workers.worker_main workers.worker workers.pool workers",
    # publish → report
    "publish.summary publish.reasons publish.report_tables publish.report publish.former",
    "publish.dataset publish.streams publish.rowfacts publish.carry publish.remember",
    "publish.fields publish.changes publish.compare publish.gates publish.notify publish.commit",
    "workers.apart_work workers.apart_main workers.apart",
    "unfinished retriable prune scheduling scheduler export diff",
    # for people
    "demo.words demo.products demo.pages demo.site demo.server demo.crawl demo single",
    "explain check fixtures",
)
ORDER = [name for line in FLOW for name in line.split()]
WITHIN_ONE_STEP = ("seeds.", "values.", "rules.")


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


def name_of(path):
    parts = path.relative_to(ROOT / "scraper").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def step(name):
    """A module's place in the flow; a package whose files are one step has one place."""
    if name.startswith(WITHIN_ONE_STEP):
        name = name.split(".")[0]
    return ORDER.index(name)


def imported(path):
    """The modules that a file imports, at its top or later."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_module_has_its_place_in_the_flow():
    packages = {"", "fetch", "plan", "publish"}
    found = {name_of(path) for path in modules("scraper")} - packages
    found = {name.split(".")[0] if name.startswith(WITHIN_ONE_STEP) else name for name in found}
    assert sorted(found) == sorted(ORDER)


@pytest.mark.parametrize("path", modules("scraper"), ids=name_of)
def test_imports_run_down_the_flow(path):
    name = name_of(path)
    if name in {"", "fetch", "plan", "publish"}:
        return
    known = {name for name in (name_of(path) for path in modules("scraper")) if name}
    ours = {found.removeprefix("scraper.") for found in imported(path)} & known
    ours -= {"fetch", "plan", "publish"}
    against = [found for found in sorted(ours) if step(found) > step(name)]
    assert against == []


@pytest.mark.parametrize("path", modules("scraper"), ids=name_of)
def test_scraper_knows_nothing_of_flyte_or_the_command_line(path):
    roots = {found.split(".")[0] for found in imported(path)}
    assert roots.isdisjoint({"flyte", "flyteidl2", "workflows", "click", "rich_click"})


def test_importing_scraper_imports_no_flyte():
    code = "import scraper, sys; print([m for m in sys.modules if m.startswith('flyte')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_importing_scraper_does_not_pay_for_locales():
    code = "import scraper, sys; print(sorted({'babel', 'dateparser'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_only_the_command_line_knows_click():
    for path in modules("workflows"):
        roots = {found.split(".")[0] for found in imported(path)}
        assert "cli" in path.parts or roots.isdisjoint({"click", "rich_click"}), path


def test_public_names_are_sorted_and_there():
    import scraper

    assert scraper.__all__ == sorted(scraper.__all__)
    assert all(hasattr(scraper, name) for name in scraper.__all__)
