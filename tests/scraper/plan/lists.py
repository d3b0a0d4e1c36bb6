"""Plans for tests: lists planned into a folder, and all that was written read back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scraper.crawl import CrawlSpec, InlineRows
from scraper.layout import INVALID_BATCH, batch_key
from scraper.models import Seed
from scraper.parts import read_part
from scraper.plan.cut import Wave, load_wave
from scraper.plan.lists import Inputs
from scraper.plan.part import read_seeds_part
from scraper.plan.prepare import prepare
from scraper.rules import SiteRule
from scraper.run import RunInfo
from scraper.settings import flag_layer, load_settings
from scraper.store import Store

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN_ID = "20260102T030405Z-abcdef"


@dataclass(frozen=True)
class Planned:
    """A planned run: its info and its store."""

    info: RunInfo
    store: Store

    def wave(self, number: int = 1) -> Wave:
        wave = load_wave(self.store, self.info.run, number)
        assert wave is not None
        return wave

    def parts(self, number: int = 1) -> dict[str, list[Seed]]:
        """The seeds of each batch of a wave, by batch."""
        ids = [batch for partition in self.wave(number).partitions() for batch in partition]
        return {batch: read_seeds_part(self.store, self.info.run, batch) for batch in ids}

    def seeds(self, number: int = 1) -> list[Seed]:
        """All seeds of a wave, in the order of the list."""
        found = [seed for part in self.parts(number).values() for seed in part]
        return sorted(found, key=lambda seed: seed.row)

    def invalid(self) -> list[tuple[object, object, object]]:
        key = batch_key(self.info.run, INVALID_BATCH, "outcomes.jsonl.gz")
        return [(o["row"], o["url"], o["reason"]) for o in read_part(self.store, key)]

    def values(self) -> dict[str, bytes | None]:
        """Every value of the store, by key."""
        return {key: self.store.get(key) for key in self.store.list("")}


def spec_of(
    *lists: str | Path | Sequence[str | Mapping[str, object]],
    flags: Sequence[str] = (),
    sites: Sequence[SiteRule] = (),
    url_column: str | None = None,
) -> CrawlSpec:
    """A crawl of paths and of rows, with a contact."""
    sources: list[str | InlineRows] = [
        str(source) if isinstance(source, str | Path) else tuple(source) for source in lists
    ]
    return CrawlSpec(
        crawl="shop",
        lists=tuple(sources),
        settings=load_settings(flag_layer(["http.contact=tests@example.org", *flags])),
        sites=tuple(sites),
        url_column=url_column,
    )


def plan(folder: Path, spec: CrawlSpec, **more: object) -> Planned:
    """Plan a crawl into a store below a folder; `more` is what comes from outside."""
    store = Store(str(folder / "store"))
    inputs = Inputs(**more)  # type: ignore[arg-type]
    return Planned(prepare(spec, store, RUN_ID, at=AT, inputs=inputs), store)


def plan_rows(
    folder: Path,
    rows: Sequence[str | Mapping[str, object]],
    *flags: str,
    sites: Sequence[SiteRule] = (),
) -> Planned:
    """Plan rows that stand in a crawl file."""
    return plan(folder, spec_of(rows, flags=flags, sites=sites))


def columns_of(planned: Planned) -> list[dict[str, object]]:
    """The columns of each planned seed, in the order of the list."""
    return [seed.columns for seed in planned.seeds()]
