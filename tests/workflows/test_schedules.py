"""Triggers as the backend would get them; their input decoded as the runtime would, and run."""

import asyncio
import json
from pathlib import Path

import flyte
import pytest
from flyte._internal.runtime import convert
from flyte._internal.runtime.task_serde import translate_task_to_wire
from flyte._internal.runtime.trigger_serde import to_task_trigger
from flyte.models import CodeBundle, SerializationContext

import workflows.crawl
from scraper.errors import ConfigError, LeaseHeld
from scraper.lease import take_lease
from scraper.scheduling import scheduled_crawls
from scraper.store import Store
from tests.workflows.cli.command import scraper
from tests.workflows.cli.slow_site import slow_site
from workflows.batch import scrape_batch
from workflows.crawl import crawl
from workflows.runtime import new_run
from workflows.schedules import trigger_of

ROOT = Path(__file__).resolve().parents[2]
CRAWL = """
seeds = [{seeds}]
[settings.network]
allow = ["127.0.0.0/8"]
[settings.robots]
obey = false
[schedule]
cron = "0 6 * * 1-5"
timezone = "Europe/London"
overlap = "{overlap}"
"""
STORE = "s3://bucket/crawls"


@pytest.fixture(autouse=True)
def _unstopped():
    """A deadline sets the flag of this process: what comes after has one of its own."""
    yield
    new_run()


def written(folder, *seeds, overlap="skip", name="shop"):
    path = folder / f"{name}.toml"
    text = ", ".join(json.dumps(seed) for seed in seeds or ["https://example.org/"])
    path.write_text(CRAWL.format(seeds=text, overlap=overlap))
    return path


def trigger(path, store=STORE, environ=None):
    (found,) = scheduled_crawls([path], environ or {})
    return trigger_of(found, store=store, environ=environ or {})


def on_the_wire(one):
    """A trigger in the form in which it is deployed, and the input that each fire gets."""
    bundle = CodeBundle(tgz="s3://bucket/code.tgz", computed_version="v", destination=".")
    context = SerializationContext(
        org="o", project="p", domain="d", version="v1", root_dir=ROOT, code_bundle=bundle
    )
    task = translate_task_to_wire(crawl, context).task_template

    async def sent():
        defaults = await convert.convert_upload_default_inputs(crawl.interface)
        found = await to_task_trigger(one, crawl.name, task.interface.inputs, defaults)
        inputs = convert.Inputs(found.spec.inputs)
        return found, await convert.convert_inputs_to_native(inputs, crawl.interface)

    return asyncio.run(sent())


def fire(request):
    new_run()
    return flyte.with_runcontext(mode="local", disable_run_cache=True).run(crawl, request=request)


def test_a_schedule_becomes_a_trigger_with_one_frozen_input(tmp_path):
    path = written(tmp_path, overlap="queue")
    environ = {"SCRAPER_THROTTLE__DELAY_S": "2", "HOME": "/nowhere"}
    sent, native = on_the_wire(trigger(path, environ=environ))
    cron = sent.automation_spec.schedule.cron
    assert (sent.name, cron.expression, cron.timezone) == ("shop", "0 6 * * 1-5", "Europe/London")
    request = native["request"]
    assert request.crawl_file == path.read_text()
    assert (request.crawl, request.store, request.overlap) == ("shop", STORE, "queue")
    assert request.environment == {"SCRAPER_THROTTLE__DELAY_S": "2"}


@pytest.mark.sockets
def test_what_a_trigger_was_given_runs(tmp_path, monkeypatch):
    """The crawl file is gone by then, as it is in a container; the store is a folder here."""
    with slow_site() as site:
        site.hangs = False
        path = written(tmp_path, f"{site.url}/1", f"{site.url}/2")
        _, native = on_the_wire(trigger(path, environ={"SCRAPER_THROTTLE__DELAY_S": "0"}))
        path.unlink()
        store = str(tmp_path / "store")
        monkeypatch.setenv("SCRAPER_BATCH__WORKERS", "1")
        request = native["request"].model_copy(update={"store": store})
        first = fire(request).outputs()[0]
        again = fire(request).outputs()[0]
    assert first.run != again.run
    assert (first.summary.crawl, first.summary.outcomes["ok"]) == ("shop", 2)
    assert again.summary.outcomes["unchanged"] == 2


@pytest.mark.sockets
def test_a_fire_whose_former_run_is_alive_is_skipped(tmp_path):
    store = Store(str(tmp_path / "store"))
    _, native = on_the_wire(trigger(written(tmp_path)))
    request = native["request"].model_copy(update={"store": store.url})
    with take_lease(store, "shop/r0"):
        result = fire(request).outputs()[0]
    assert result.summary is None
    assert "shop/r0" in result.warnings[0]
    assert store.get("shop/latest.json") is None


@pytest.mark.sockets
def test_a_fire_that_is_queued_waits_for_its_turn(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRAPER_BATCH__WORKERS", "1")
    with slow_site() as site:
        site.hangs = False
        path = written(tmp_path, f"{site.url}/1", overlap="queue")
        _, native = on_the_wire(trigger(path))
        store = Store(str(tmp_path / "store"))
        take_up, asked = workflows.crawl._take_up, []

        def taking_up(*given):
            try:
                return take_up(*given)
            except LeaseHeld:
                asked.append(site.requests[:])
                lease.__exit__(None, None, None)
                raise

        monkeypatch.setattr("workflows.crawl._take_up", taking_up)
        monkeypatch.setattr("workflows.crawl._LOOK_S", 0.01)
        lease = take_lease(store, "shop/r0")
        lease.__enter__()
        request = native["request"].model_copy(update={"store": store.url})
        result = fire(request).outputs()[0]
    assert asked == [[]]
    assert result.summary.outcomes["ok"] == 1


@pytest.mark.sockets
def test_a_run_past_its_deadline_begins_nothing_new_and_can_go_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRAPER_BATCH__WORKERS", "1")
    with slow_site() as site:
        path = written(tmp_path, *(f"{site.url}/{name}" for name in ("hangs", "2", "3")))
        _, native = on_the_wire(trigger(path))
        store = str(tmp_path / "store")
        request = native["request"].model_copy(update={"store": store, "deadline_s": 0.5})
        result = fire(request).outputs()[0]
        assert result.summary is None
        site.hangs = False
        done = scraper("resume", result.run, "--store", store, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["outcomes"]["ok"] == 3


@pytest.mark.parametrize(
    ("seeds", "overlap", "store", "told"),
    [
        ([], "skip", "crawls", "crawls: a cluster can't reach this folder"),
        ([], "cancel", STORE, 'schedule.overlap: "cancel" is for `scraper schedule`'),
        (["list.txt"], "skip", STORE, "list.txt is on this machine: name a list by its URL"),
    ],
    ids=["store", "overlap", "list"],
)
def test_what_a_cluster_can_not_do_is_told(tmp_path, seeds, overlap, store, told):
    (tmp_path / "list.txt").write_text("https://example.org/\n")
    path = written(tmp_path, *seeds, overlap=overlap)
    with pytest.raises(ConfigError, match=r".*") as raised:
        trigger(path, store)
    assert told in str(raised.value)


def _is_what_the_backend_gets(env):
    task = {"scraper-batch": scrape_batch, "scraper-crawl": crawl}[env["name"]]
    context = SerializationContext(org="o", project="p", domain="d", version="v", root_dir=ROOT)
    sent = translate_task_to_wire(task, context).task_template
    policy = sent.reuse_policy
    reuse = [policy.min_replicas, policy.max_replicas] if sent.HasField("reuse_policy") else None
    assert env["task"] == sent.id.name
    assert (env["replicas"], env["retries"]) == (reuse, sent.metadata.retries.retries)
    assert {entry.value for entry in sent.container.resources.requests} == {
        env["cpu"],
        env["memory"],
    }
    assert {entry.key: entry.value for entry in sent.container.env} == env["env"]


def test_deploy_shows_what_it_would_do_and_needs_a_cluster(tmp_path):
    path = written(tmp_path)
    words = ("deploy", path, "--store", STORE)
    shown = scraper(*words, "--dry-run", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "trigger      shop: 0 6 * * 1-5 Europe/London\n" in shown.stdout
    pool = "scraper-batch: 1 CPU, 2Gi, 3 to 10 replicas, 5 batches at once in each, 3 retries"
    assert pool in shown.stdout
    told = json.loads(scraper(*words, "--dry-run", "--json", cwd=tmp_path).stdout)
    (about,) = told["triggers"]
    for env in told["environments"]:
        _is_what_the_backend_gets(env)
    assert about["request"]["crawl_file"] == path.read_text()
    deployed = scraper(*words, cwd=tmp_path)
    assert deployed.returncode == 2
    assert "no Flyte cluster is configured" in deployed.stderr
    assert "flyte start devbox" in deployed.stderr
