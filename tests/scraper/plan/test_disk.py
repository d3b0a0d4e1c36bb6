"""The disk that is expected, against the disk that a run really takes."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from scraper.plan.disk import PlannedRows, disk_expected
from scraper.plan.estimate import estimate_crawl
from scraper.plan.lists import Inputs
from scraper.store import Store
from tests.scraper.batches import page
from tests.scraper.recurring import Crawl

SMALL = PlannedRows(rows=100, pages=80, partitions=2, batch_size=30, spool_bytes=10_000)
MANY = PlannedRows(rows=1_000_000, pages=800_000, partitions=50, batch_size=1000, spool_bytes=10**9)
NEEDS = {
    "the least": (SMALL, 1000, 100, 100.0, True, 12_000_000 + 26 * 1000),
    "planning": (MANY, 1000, 10**6, 100.0, True, 4 * 10**9 + 800_000 * 1200),
    "copies of archives": (MANY, 1000, 10**6, 200_000.0, True, 50 * 1000 * 201_000),
    "no copies of a folder": (MANY, 1000, 10**6, 200_000.0, False, 4 * 10**9 + 800_000 * 1200),
    "copies of no more than there is": (
        SMALL, 1000, 100, 10_000_000.0, True, 60 * 10_001_000,
    ),
    "publishing": (MANY, 10**9, 10**6, 100.0, False, 26 * 10**9 + 12_000_000),
    "more rows than last time": (MANY, 10**9, 500_000, 100.0, False, 52 * 10**9 + 12_000_000),
    "a last run of nothing": (SMALL, 1000, 0, None, True, 12_000_000 + 2_600_000),
}  # fmt: skip


@pytest.mark.parametrize(
    ("planned", "last_bytes", "last_rows", "mean_bytes", "is_far", "bytes"),
    NEEDS.values(),
    ids=NEEDS.keys(),
)
def test_the_largest_need_tells(planned, last_bytes, last_rows, mean_bytes, is_far, bytes):
    found = disk_expected(
        planned, last_bytes=last_bytes, last_rows=last_rows, mean_bytes=mean_bytes, is_far=is_far
    )
    assert found == bytes


class Near(Crawl):
    """In a folder."""


class Far(Crawl):
    """In an object store."""

    far = None

    @property
    def store(self):
        self.far = self.far or Store("memory://")
        return self.far


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [Near, Far])
async def test_a_run_takes_no_more_than_was_expected(tmp_path, monkeypatch, kind):
    taken: list[int] = []

    class Measured(TemporaryDirectory):
        def cleanup(self):
            files = [path for path in Path(self.name).rglob("*") if path.is_file()]
            taken.append(sum(path.stat().st_blocks * 512 for path in files))
            super().cleanup()

        def __exit__(self, *what):
            self.cleanup()

    for module in ("scraper.tables", "scraper.archive.archive"):
        monkeypatch.setattr(f"{module}.TemporaryDirectory", Measured)
    rows = [f"http://h{n % 7}.org/{n}" for n in range(600)]

    def pages(seed):
        texts = random.Random(seed)
        return {row: page(texts.randbytes(1000).hex()) for row in rows}

    crawl = kind(tmp_path, rows, sites=())
    await crawl.run(pages(1))
    expected = estimate_crawl(crawl.spec, store=crawl.store, inputs=Inputs())
    most = expected.estimate.disk_bytes_expected
    taken.clear()
    second = await crawl.run(pages(2))
    assert second.changes["changed"] == len(rows)
    assert max(taken) < most < 5 * max(taken)
