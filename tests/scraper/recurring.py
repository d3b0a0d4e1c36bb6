"""A crawl that runs again and again, for tests: asked of a website whose table changes between."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from scraper.crawl import CrawlSpec
from scraper.layout import run_key
from scraper.plan.cut import load_wave
from scraper.plan.prepare import prepare
from scraper.plan.waves import next_wave
from scraper.publish.commit import publish
from scraper.publish.summary import Summary
from scraper.rules import FieldRule, SiteRule
from scraper.run import RunInfo, begin_life
from scraper.store import Store
from tests.scraper.batches import AT, Website, jobs, quick_settings, response, run_batch, website

DAY = timedelta(days=1)
SHOP = SiteRule(
    name="shop",
    hosts=["a.org"],
    kind="product",
    fields={"name": FieldRule(css="h1", required=True), "price": FieldRule(css="b", type="float")},
)


def product(name: str, price: float, noise: str = "", **headers: str):
    """A page of the shop; noise is no field of it."""
    return response(200, f"<h1>{name}</h1><b>{price}</b><i>{noise}</i>", **headers)


@dataclass
class Crawl:
    """One crawl in a folder: its runs follow one another, a day apart."""

    folder: Path
    rows: Sequence[object]
    flags: Sequence[str] = ()
    sites: Sequence[SiteRule] = (SHOP,)
    site: Website = field(default_factory=lambda: website({}))
    runs: int = 0

    @property
    def store(self) -> Store:
        return Store(str(self.folder / "store"))

    @property
    def spec(self) -> CrawlSpec:
        return CrawlSpec(
            crawl="shop",
            lists=(tuple(self.rows),),
            settings=quick_settings(*self.flags),
            sites=tuple(self.sites),
        )

    def plan(self, at: datetime | None = None) -> RunInfo:
        """Plan the next run, a day after the last one."""
        self.runs += 1
        at = at or AT + self.runs * DAY
        info = prepare(self.spec, self.store, f"r{self.runs}", at=at)
        begin_life(self.store, info.run)
        self.site.log.clear()
        return info

    async def fetch(self, info: RunInfo) -> list:
        """All waves of a planned run."""
        waves = [load_wave(self.store, info.run, 1)]
        while True:
            for job in jobs(info, self.store, waves[-1].number):
                await run_batch(self.site, info, self.store, job)
            wave = next_wave(info, self.store, waves[-1])
            if wave is None:
                return waves
            waves.append(wave)

    async def run(self, answers=None, at: datetime | None = None) -> Summary:
        """A whole run; what is answered anew is set before."""
        for url, answer in (answers or {}).items():
            self.site.answers[url] = list(answer) if isinstance(answer, list) else [answer]
        info = self.plan(at)
        waves = await self.fetch(info)
        return publish(info, self.store, waves, now=info.created_at + timedelta(minutes=1))

    @property
    def asked(self) -> dict[str, dict[str, str]]:
        """By URL: the conditions that the last run asked under."""
        names = ("if-none-match", "if-modified-since")
        return {
            one.url: {name: one.headers[name] for name in names if name in one.headers}
            for one in self.site.log
        }

    def table(self, columns: str, name: str = "items", run: str | None = None):
        """Rows of a table of the last run."""
        key = run_key("shop", run or f"r{self.runs}")
        path = self.folder / "store" / key / f"{name}.parquet"
        return duckdb.sql(f"SELECT {columns} FROM '{path}'").fetchall()

    def state(self, columns: str, run: str | None = None):
        path = self.folder / "store/shop/state" / f"{run or f'r{self.runs}'}.parquet"
        return duckdb.sql(f"SELECT {columns} FROM '{path}' ORDER BY url").fetchall()

    def reasons(self):
        return dict(self.table("url, reason", "outcomes"))

    def changes(self, columns: str = "url, kind, field, item, before, after"):
        return self.table(columns, "changes")
