"""`scraper deploy`: the schedules of crawl files as Flyte triggers."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import rich_click as click

from workflows.cli.options import json_flag, store_option
from workflows.cli.told import errors_told

if TYPE_CHECKING:
    import flyte

__all__ = ["deploy"]


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--dry-run", is_flag=True, help="Only print what would be deployed.")
@store_option
@json_flag("Print it as a JSON object.")
def deploy(files: tuple[str, ...], *, dry_run: bool, store: str, as_json: bool) -> None:
    """Deploy the crawls that have a [schedule] to a cluster: its triggers run them.

    FILE is a crawl file; without any, those of seeds/ that have a [schedule]. The triggers take the
    place of all that were deployed before. The store is an object store, lists are at URLs.
    """
    with errors_told():
        # Flyte takes its time to import: not for `--help`.
        from scraper.scheduling import scheduled_crawls
        from workflows.schedules import deploy as deploy_triggers
        from workflows.schedules import trigger_of

        crawls = scheduled_crawls([Path(file) for file in files], os.environ)
        triggers = [trigger_of(crawl, store=store, environ=os.environ) for crawl in crawls]
        told = {"environments": _environments(), "triggers": [_told(one) for one in triggers]}
        if as_json:
            click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        else:
            _show(told)
        if not dry_run:
            for line in deploy_triggers(triggers):
                click.echo(line, err=True)


def _environments() -> list[dict[str, object]]:
    from workflows.batch import scrape_batch
    from workflows.crawl import crawl
    from workflows.environments import batch_env, cluster, crawl_env

    tasks = (
        (batch_env, scrape_batch, cluster.batch_timeout_s),
        (crawl_env, crawl, cluster.crawl_timeout_s),
    )
    return [
        {
            "name": env.name,
            "task": task.name,
            "image": cluster.image or "built from requirements.txt",
            "cpu": env.resources.cpu if env.resources is not None else None,
            "memory": env.resources.memory if env.resources is not None else None,
            "replicas": [cluster.replicas_min, cluster.replicas_max] if env.reusable else None,
            "concurrency": env.reusable.concurrency if env.reusable is not None else 1,
            "idle_s": cluster.idle_s if env.reusable is not None else None,
            "retries": getattr(task.retries, "count", task.retries),
            "timeout_s": timeout_s or None,
            "interruptible": env.interruptible,
            "secrets": list(cluster.secrets),
            "env": env.env_vars,
        }
        for env, task, timeout_s in tasks
    ]


def _told(trigger: "flyte.Trigger") -> dict[str, object]:
    import flyte

    cron, inputs = trigger.automation, trigger.inputs or {}
    assert isinstance(cron, flyte.Cron)
    return {
        "name": trigger.name,
        "cron": cron.expression,
        "timezone": cron.timezone,
        "request": inputs["request"].model_dump(exclude_defaults=True),
    }


def _show(told: dict[str, list[dict[str, object]]]) -> None:
    for env in told["environments"]:
        pool = ""
        if isinstance(env["replicas"], list):
            replicas = " to ".join(map(str, env["replicas"]))
            pool = f", {replicas} replicas, {env['concurrency']} batches at once in each"
        size = f"{env['cpu']} CPU, {env['memory']}{pool}, {env['retries']} retries"
        click.echo(f"environment  {env['name']}: {size}, image {env['image']}")
    for trigger in told["triggers"]:
        click.echo(f"trigger      {trigger['name']}: {trigger['cron']} {trigger['timezone']}")
