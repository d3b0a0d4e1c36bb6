"""A crawl on a real S3 server that runs again: compacted archives are read by all that comes."""

from dataclasses import dataclass

import duckdb
import pytest

from scraper.again import spec_of
from scraper.asked import Asked
from scraper.crawl import Again
from scraper.layout import is_archive
from scraper.plan.again import prepare_again
from scraper.plan.cut import load_wave
from scraper.publish.commit import publish
from scraper.publish.summary import Summary
from scraper.reparse import reparse
from scraper.run import begin_life
from scraper.store import Store
from tests.scraper.batches import AT, jobs, response, session_on
from tests.scraper.recurring import DAY, Crawl, product

pytestmark = [pytest.mark.anyio, pytest.mark.sockets]

A, B, C = (f"http://a.org/{name}" for name in "abc")


@dataclass
class Remote(Crawl):
    """The same in an object store; tables are read from copies."""

    url: str = ""

    @property
    def store(self) -> Store:
        return Store(self.url)

    def table(self, columns, name="items", run=None):
        path = self.store.local_file(f"shop/{run or f'r{self.runs}'}/{name}.parquet", self.folder)
        return duckdb.sql(f"SELECT {columns} FROM '{path}'").fetchall()

    def archives(self, run):
        found = filter(is_archive, self.store.list(f"shop/{run}/batches"))
        return [key.rsplit("/", 1)[1] for key in found]

    async def reparse(self, former: str) -> Summary:
        """A run that parses the pages of a former one again."""
        self.runs += 1
        store, at = self.store, AT + self.runs * DAY
        asked = Asked(seeds="", again=Again(kind="reparse", former=former))
        info = prepare_again(spec_of(asked, store), store, f"r{self.runs}", at=at)
        begin_life(store, info.run)
        async with session_on(self.site, info, store) as session:
            for job in jobs(info, store):
                await reparse(session, job)
        waves = [load_wave(store, info.run, 1)]
        return publish(info, store, waves, now=at)


async def test_a_part_is_put_read_and_deleted_once_and_a_page_is_no_request(
    s3, tmp_path, monkeypatch
):
    asked: list[tuple[str, str]] = []

    def counted(name: str) -> None:
        real = getattr(Store, name)

        def call(store: Store, *keys: object, **more: object) -> object:
            asked.extend((name, key) for key in keys if isinstance(key, str) and is_archive(key))
            return real(store, *keys, **more)

        monkeypatch.setattr(Store, name, call)

    for name in ("put", "put_file", "get", "stream", "get_range", "delete"):
        counted(name)
    crawl = Remote(tmp_path, [A, B, C], ["archive.flush_bytes=1"], url=s3)
    await crawl.run({A: product("Chair", 1), B: product("Table", 2), C: product("Lamp", 3)})
    folder = "shop/r1/batches/1-0001-00001/archive"
    parts = [f"{folder}-0000{n}.warc.gz" for n in (1, 2, 3)]
    whole = f"{folder}-00001-00003.warc.gz"
    assert asked == [
        *(("put", part) for part in parts),
        *(("stream", part) for part in parts),
        ("put_file", whole),
        ("put", whole),
        *(("delete", part) for part in parts),
    ]


async def test_compacted_archives_are_read_by_the_next_run_and_by_a_reparse(
    s3, tmp_path, monkeypatch
):
    # Nor is one when it is parsed again.
    monkeypatch.setattr(Store, "get_range", None)
    # Each page is a part: whoever adds one flushes it.
    crawl = Remote(tmp_path, [A, B, C], ["archive.flush_bytes=1"], url=s3)
    pages = {A: product("Chair", 1, etag='"a"'), B: product("Table", 2), C: product("Lamp", 3)}
    first = await crawl.run(pages)
    assert crawl.archives("r1") == ["archive-00001-00003.warc.gz"]
    assert (first.outcomes["ok"], first.items) == (3, 3)

    second = await crawl.run({A: response(304), C: product("Lamp", 4)})
    assert crawl.asked[A] == {"if-none-match": '"a"'}
    assert crawl.reasons() == {A: "not_modified", B: "same_content", C: "ok"}
    expected = [("Chair", 1.0), ("Lamp", 4.0), ("Table", 2.0)]
    assert sorted(crawl.table("name, price")) == expected
    assert crawl.archives("r2") == ["archive-00001-00003.warc.gz"]

    asked = len(crawl.site.log)
    third = await crawl.reparse("shop/r2")
    assert len(crawl.site.log) == asked
    assert sorted(crawl.table("name, price")) == expected
    assert (second.items, third.items, third.balanced) == (3, 3, True)
