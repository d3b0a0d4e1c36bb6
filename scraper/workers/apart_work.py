"""Work over a whole list as a value: done here, or sent to a process of its own.

Small and picklable: what it is about is in the store.
"""

from dataclasses import dataclass
from datetime import datetime

from scraper.crawl import CrawlSpec
from scraper.plan.cut import Wave
from scraper.plan.lists import Inputs
from scraper.plan.prepare import prepare
from scraper.plan.waves import next_wave
from scraper.publish.commit import publish
from scraper.publish.summary import Summary
from scraper.run import RunInfo
from scraper.stopping import StopFlag
from scraper.store import Store

__all__ = ["Done", "NextWave", "Plan", "Publish", "Work"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Plan a new run."""

    spec: CrawlSpec
    store: str
    run_id: str
    at: datetime

    def do(self, stop: StopFlag) -> RunInfo:
        """Do it. Raises: see `prepare`."""
        inputs = Inputs(stop=stop)
        return prepare(self.spec, Store(self.store), self.run_id, at=self.at, inputs=inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextWave:
    """Plan what a finished wave left over."""

    info: RunInfo
    store: str
    wave: Wave

    def do(self, _stop: StopFlag) -> Wave | None:
        """Do it. Raises: see `next_wave`."""
        return next_wave(self.info, Store(self.store), self.wave)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Publish a run whose waves are all at their end."""

    info: RunInfo
    store: str
    waves: list[Wave]

    def do(self, stop: StopFlag) -> Summary:
        """Do it. Raises: see `publish`."""
        return publish(self.info, Store(self.store), self.waves, stop=stop)


Work = Plan | NextWave | Publish


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of a work: what it gave, or what it raised."""

    value: RunInfo | Wave | Summary | None = None
    error: BaseException | None = None
