"""Tests against a real cluster, the one that Flyte's own configuration names: `make test-remote`.

    SCRAPER_TEST_STORE    an object store that this machine and the cluster can reach
    SCRAPER_TEST_SEEDS    a list that the cluster can reach; default: the public practice sites,
                          which need SCRAPER_HTTP__CONTACT

They are skipped, with what is missing, wherever they can't run.
"""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from flyte.config import auto

from scraper.seeds import read_seeds
from scraper.store import Store
from tests.workflows.cli.command import scraper

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 1800.0


@dataclass(frozen=True)
class Live:
    """A cluster, its store, a list for it, and a crawl that no one else has."""

    store: str
    seeds: Path
    crawl: str
    folder: Path

    @property
    def run(self) -> str:
        return f"{self.crawl}/r1"

    @property
    def opened(self) -> Store:
        return Store(self.store)

    @property
    def urls(self) -> list[str]:
        return [row.url for row in read_seeds(str(self.seeds)) if row.url is not None]

    def scraper(self, *words: object):
        """Type a command about its store; reports are saved in a folder of the test's own."""
        return scraper(*words, "--store", self.store, cwd=self.folder, timeout_s=PATIENCE_S)


@pytest.fixture(autouse=True)
def clean_environment() -> None:
    """The environment is what leads to the cluster: it stays as it is."""


@pytest.fixture(autouse=True)
def loopback_only() -> None:
    """The cluster is elsewhere."""


@pytest.fixture
def live(request, tmp_path, monkeypatch) -> Live:
    if not request.config.getoption("--live"):
        pytest.skip("for a real cluster: make test-remote")
    config = auto()
    if config.platform.endpoint is None:
        pytest.skip("no Flyte cluster is configured: flyte create config, or flyte start devbox")
    store = os.environ.get("SCRAPER_TEST_STORE")
    if store is None:
        pytest.skip("SCRAPER_TEST_STORE names no object store for it")
    seeds = Path(os.environ.get("SCRAPER_TEST_SEEDS", ROOT / "seeds/practice-sites.txt"))
    if config.source is not None:
        # It may have been found in this folder, where no command is typed.
        monkeypatch.setenv("FLYTECTL_CONFIG", str(Path(config.source).absolute()))
    crawl = f"live-{uuid.uuid4().hex[:8]}"
    return Live(store=store, seeds=seeds, crawl=crawl, folder=tmp_path)
