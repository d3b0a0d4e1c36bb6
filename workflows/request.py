"""What goes into the orchestrator and what comes out: small, and told apart from how it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from scraper.asked import Asked
from scraper.crawl import Again
from scraper.errors import ScraperError
from scraper.layout import run_key
from scraper.publish.summary import Summary
from scraper.seeds import crawl_name

__all__ = ["CrawlRequest", "CrawlResult", "NotSubmitted"]


class CrawlRequest(BaseModel):
    """What a run is asked to do: what the command line says, as one input.

    `seeds` is a list or a crawl file, `crawl` overrides its name, `crawl_file` is the file's text
    where its path can't be read, `settings` are `group.field=value`, `environment` holds the
    `SCRAPER_…` variables of the submitter, `uploads` tells where in the run the copies of lists
    are that can't be read from their paths. The store is `SCRAPER_STORE` or `crawls` unless it is
    given. Without `run_id` the run gets one of its own; with that of a run that is there, it goes
    on, if it was asked for in the same way.

    Without `seeds` the run `crawl`/`run_id` goes on as it was asked for: nothing else counts.

    A retry or a reparse makes a run over the rows of the run `former` (`CRAWL/RUN_ID`), with its
    settings and `settings` over them; `only` are the reasons to retry, `crawl_file` the rules to
    parse with, `seeds` where that text comes from.

    `overlap` says what becomes of a run while another one of its crawl is alive, `deadline_s`
    after how many seconds it begins nothing new: it can go on.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["run", "retry", "reparse"] = "run"
    former: str | None = None
    only: list[str] = []
    seeds: str | None = None
    store: str | None = None
    crawl: str | None = None
    run_id: str | None = None
    url_column: str | None = None
    crawl_file: str | None = None
    settings: list[str] = []
    environment: dict[str, str] = {}
    uploads: dict[str, str] = {}
    overlap: Literal["fail", "skip", "queue"] = "fail"
    deadline_s: float | None = None

    @model_validator(mode="after")
    def _names_a_run(self) -> "CrawlRequest":
        if self.kind != "run":
            if self.former is None or "/" not in self.former:
                raise ValueError(f"a {self.kind} needs the former run: CRAWL/RUN_ID")
        elif self.seeds is None and (self.crawl is None or self.run_id is None):
            raise ValueError("without seeds, crawl and run_id say which run goes on")
        return self

    def store_url(self, environ: Mapping[str, str]) -> str:
        """Where the run goes; `environ` is this process's own."""
        return self.store or environ.get("SCRAPER_STORE", "crawls")

    def asked(self, environ: Mapping[str, str]) -> Asked:
        """What is asked for, apart from where it goes; `environ` is this process's own."""
        again = None
        if self.kind != "run":
            again = Again(kind=self.kind, former=str(self.former), only=tuple(self.only))
        return Asked(
            seeds=self.seeds or "",
            crawl=self.crawl,
            url_column=self.url_column,
            crawl_file=self.crawl_file,
            settings=tuple(self.settings),
            environment={**environ, **self.environment},
            uploads=self.uploads,
            again=again,
        )

    def run(self, run_id: str) -> str:
        """The key of the run with this id: `<crawl>/<run_id>`.

        Raises:
            ConfigError: the name of the list is no name for a crawl.
        """
        if self.former is not None:
            return run_key(self.former.partition("/")[0], run_id)
        return run_key(crawl_name(self.crawl or self.seeds or ""), run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlResult:
    """How a run ended; without a summary it was stopped and can go on.

    `warnings` are lines for people: nothing that changes the dataset.
    """

    run: str
    summary: Summary | None
    warnings: tuple[str, ...] = ()


class NotSubmitted(ScraperError):
    """A run that the cluster didn't take: there is nothing to go on with."""
