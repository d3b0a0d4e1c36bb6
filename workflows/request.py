"""What goes into the orchestrator and what comes out: small, and told apart from how it runs."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from scraper.publish.summary import Summary

__all__ = ["CrawlRequest", "CrawlResult"]


class CrawlRequest(BaseModel):
    """What a run is asked to do: what the command line says, as one input.

    `seeds` is a list or a crawl file, `crawl` overrides its name, `crawl_file` is the file's text
    where its path can't be read, `settings` are `group.field=value`, `environment` holds the
    `SCRAPER_…` variables of the submitter. The store is `SCRAPER_STORE` or `crawls` unless it is
    given. Without `run_id` the run gets one of its own; with
    that of a run that is there, it goes on.
    """

    model_config = ConfigDict(extra="forbid")

    seeds: str
    store: str | None = None
    crawl: str | None = None
    run_id: str | None = None
    url_column: str | None = None
    crawl_file: str | None = None
    settings: list[str] = []
    environment: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlResult:
    """How a run ended; without a summary it was stopped and can go on."""

    run: str
    summary: Summary | None
