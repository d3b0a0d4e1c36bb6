"""One undisturbed run of the demo's crawl, to hold the killed ones against."""

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kills.lives import Lives, dataset, demo_at


class Undisturbed(NamedTuple):
    dataset: dict[str, object]
    port: int
    path: Path


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """Its dataset, and the port that it was served at: pages and URLs bear the port."""
    for name in [name for name in os.environ if name.startswith("SCRAPER_")]:
        del os.environ[name]
    with demo_at() as server:
        lives = Lives(tmp_path_factory.mktemp("undisturbed"), server, flags=FAST)
        lives.ended(lives.begin("-q"))
        return Undisturbed(dataset(lives), server.port, lives.path)


FAST = (
    "throttle.delay_s=0.02",
    "archive.flush_s=0.5",
    "archive.object_store_flush_s=0.5",
)


@pytest.fixture
def lives(undisturbed, tmp_path):
    """The same crawl again, with a website that begins anew at the same port."""
    with demo_at(undisturbed.port) as server:
        assert server.port == undisturbed.port, "another process took the port meanwhile"
        yield Lives(tmp_path, server, flags=FAST)
