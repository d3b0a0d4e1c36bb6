"""Schedules as Flyte triggers: a crawl with a `[schedule]` is one trigger with one frozen input.

In: crawl files with a schedule, the store, the environment. Out: triggers of the orchestrator. Each
input holds the crawl file's text and the settings of the environment as they are now: what fires
later is what was deployed. Flyte's triggers know no jitter and no overlap: the lease in the store
settles who runs, and the orchestrator skips its turn or waits for it.

Raises `ConfigError` for what a cluster can't do: a local store, a list on this machine, `cancel`.
"""

import os
from collections.abc import Mapping, Sequence

import flyte

from scraper.asked import Asked
from scraper.errors import ConfigError
from scraper.listsource import ListSource
from scraper.scheduling import ScheduledCrawl
from scraper.seeds import is_list_url
from workflows.cluster import check_extractors_bundled, check_reachable, code_options, connect
from workflows.crawl import crawl
from workflows.environments import crawl_env
from workflows.request import CrawlRequest

__all__ = ["deploy", "scheduled_request", "trigger_of"]


def trigger_of(
    crawl: ScheduledCrawl, *, store: str, environ: Mapping[str, str] = os.environ
) -> flyte.Trigger:
    """The trigger of one crawl.

    Args:
        crawl: with its schedule.
        store: URL of the object store.
        environ: the `SCRAPER_…` variables in it are settings of the crawl.

    Raises:
        ConfigError: a cluster can't run it so.
    """
    schedule = crawl.schedule
    return flyte.Trigger(
        name=crawl.crawl,
        automation=flyte.Cron(
            schedule.cron,
            timezone=schedule.timezone,  # type: ignore[arg-type]  # checked with the file
        ),
        description=f"The crawl {crawl.crawl}, into {store}"[:255],
        inputs={"request": scheduled_request(crawl, store=store, environ=environ)},
    )


def scheduled_request(
    crawl: ScheduledCrawl, *, store: str, environ: Mapping[str, str] = os.environ
) -> CrawlRequest:
    """What each fire of a crawl's trigger asks for. Raises: see `trigger_of`."""
    check_reachable(store)
    if crawl.schedule.overlap == "cancel":
        raise ConfigError(f'{crawl.file}: schedule.overlap: "cancel" is for `scraper schedule`')
    asked = Asked(seeds=str(crawl.file), environment=dict(environ))
    spec = asked.spec()
    check_extractors_bundled(spec.sites)
    for given in spec.lists:
        source = given.source if isinstance(given, ListSource) else given
        if isinstance(source, str) and not is_list_url(source):
            raise ConfigError(f"{crawl.file}: {source} is on this machine: name a list by its URL")
    kept = asked.as_kept(crawl.crawl)
    return CrawlRequest(
        seeds=crawl.file.name,
        crawl=crawl.crawl,
        crawl_file=kept.crawl_file,
        environment=kept.environment,
        store=store,
        overlap="queue" if crawl.schedule.overlap == "queue" else "skip",
        deadline_s=crawl.schedule.deadline_s,
    )


def deploy(triggers: Sequence[flyte.Trigger]) -> list[str]:
    """Register the environments, and these triggers in the place of all former ones.

    Returns: a line about each environment that was deployed.

    Raises:
        ConfigError: no cluster is configured.
    """
    connect()
    crawl.triggers = tuple(triggers)
    deployments = flyte.deploy(crawl_env, **code_options())
    return [found.summary_repr() for one in deployments for found in one.envs.values()]
