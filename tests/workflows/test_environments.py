"""The tasks' specs as the backend would get them, made offline."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from flyte._internal.runtime.task_serde import translate_task_to_wire
from flyte.models import CodeBundle, SerializationContext

from workflows.batch import scrape_batch
from workflows.crawl import crawl
from workflows.environments import _cores, batch_env, crawl_env

ROOT = Path(__file__).resolve().parents[2]


def template(task):
    bundle = CodeBundle(tgz="s3://bucket/code.tgz", computed_version="v", destination=".")
    context = SerializationContext(
        org="o", project="p", domain="d", version="v1", root_dir=ROOT, code_bundle=bundle
    )
    return translate_task_to_wire(task, context).task_template


def resources(found):
    return [(entry.name, entry.value) for entry in found.container.resources.requests]


def environment(found):
    return {entry.key: entry.value for entry in found.container.env}


def test_batches_run_in_a_warm_pool_of_3_to_10_replicas_5_at_once():
    found = template(scrape_batch)
    policy = found.reuse_policy
    assert found.type == "actor"
    assert (policy.min_replicas, policy.max_replicas) == (3, 10)
    assert policy.concurrency == 5
    assert policy.idle_ttl.seconds == 300
    assert resources(found) == [(1, "1"), (3, "2Gi")]


def test_a_crashed_batch_is_tried_again_with_backoff():
    retries = template(scrape_batch).metadata.retries
    assert retries.retries == 3
    assert (retries.backoff.base.seconds, retries.backoff.factor) == (1, 2)


def test_the_orchestrator_has_its_own_container_and_is_never_in_the_pool():
    found = template(crawl)
    assert found.type == "python"
    assert not found.HasField("reuse_policy")
    assert resources(found) == [(1, "1"), (3, "4Gi")]
    assert found.metadata.retries.retries >= 2
    assert crawl_env.depends_on == [batch_env]


def test_both_tasks_have_one_image_and_no_telemetry():
    batch, orchestrator = template(scrape_batch), template(crawl)
    assert batch.container.image == orchestrator.container.image
    assert environment(batch)["DO_NOT_TRACK"] == "1"


@pytest.mark.parametrize(
    ("cpu", "cores"), [("1", 1), ("4", 4), ("0.5", 1), ("1500m", 2), ("2.0", 2), ("100m", 1)]
)
def test_a_replica_gets_workers_for_the_cores_that_it_asked_for(cpu, cores):
    assert _cores(cpu) == cores
    assert environment(template(scrape_batch))["PYTHON_CPU_COUNT"] == "1"
    assert "PYTHON_CPU_COUNT" not in environment(template(crawl))


def test_tasks_are_loaded_by_module_and_name():
    args = list(template(crawl).container.args)
    assert args[-4:] == ["mod", "workflows.crawl", "instance", "crawl"]


@pytest.mark.parametrize("name", ["unionai-reuse", "flyte"])
def test_the_image_holds_what_the_backend_needs(name):
    lock = (ROOT / "requirements.txt").read_text()
    assert f"\n{name}==" in f"\n{lock}"


def test_sizes_come_from_the_environment_and_are_handed_on(monkeypatch):
    script = (
        "from tests.workflows.test_environments import *\n"
        "found = template(scrape_batch)\n"
        "print(found.type, found.container.image, resources(found))\n"
        "print(environment(found)['SCRAPER_CLUSTER__REUSE'])\n"
        "for each in (found, template(crawl)):\n"
        "    secrets = each.security_context.secrets\n"
        "    print([(each.key, each.env_var) for each in secrets])\n"
    )
    settings = {
        "SCRAPER_CLUSTER__REUSE": "false",
        "SCRAPER_CLUSTER__IMAGE": "registry.example.org/scraper:abc",
        "SCRAPER_CLUSTER__BATCH_MEMORY": "4Gi",
        "SCRAPER_CLUSTER__SECRETS": "SHOP_TOKEN,SHOP_CLIENT",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert found.stdout.splitlines() == [
        "python registry.example.org/scraper:abc [(1, '1'), (3, '4Gi')]",
        "false",
        *["[('SHOP_TOKEN', 'SHOP_TOKEN'), ('SHOP_CLIENT', 'SHOP_CLIENT')]"] * 2,
    ]


def test_timeouts_spot_machines_and_logs_are_set_from_the_same_place(monkeypatch):
    script = (
        "from tests.workflows.test_environments import *\n"
        "batch, run = template(scrape_batch), template(crawl)\n"
        "print(batch.metadata.timeout.seconds, run.metadata.timeouts.deadline.seconds)\n"
        "print(batch.metadata.interruptible, run.metadata.interruptible)\n"
        "print([environment(each).get('LOG_FORMAT') for each in (batch, run)])\n"
        "print([environment(each).get('DO_NOT_TRACK') for each in (batch, run)])\n"
    )
    settings = {
        "SCRAPER_CLUSTER__BATCH_TIMEOUT_S": "600",
        "SCRAPER_CLUSTER__CRAWL_TIMEOUT_S": "7200",
        "SCRAPER_CLUSTER__INTERRUPTIBLE": "true",
        "SCRAPER_CLUSTER__LOG_FORMAT": "console",
        "SCRAPER_CLUSTER__DO_NOT_TRACK": "false",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert found.stdout.splitlines() == [
        "600 7200",
        "True False",
        "['console', 'console']",
        "[None, None]",
    ]


def test_a_wrong_cluster_setting_is_told_with_its_name(monkeypatch, tmp_path):
    monkeypatch.setenv("SCRAPER_CLUSTER__REPLICA_MAX", "3")
    scraper = Path(sys.executable).parent / "scraper"
    command = [scraper, "run", "seeds/practice-sites.txt", "--store", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert found.returncode == 2
    assert "error: environment: unknown setting cluster.replica_max" in found.stderr
    assert "'replicas_max'" in found.stderr


def test_only_async_tasks_run_side_by_side_in_a_replica():
    assert asyncio.iscoroutinefunction(scrape_batch.func)
