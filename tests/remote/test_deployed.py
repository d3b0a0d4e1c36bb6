"""`scraper deploy`, as a person types it, and a fire of what it deployed."""

from flyteidl2.common.identifier_pb2 import ActionIdentifier, RunIdentifier

from tests.remote.actions import Action

CRAWL = """
seeds = [{{list = "{url}"}}]
[settings.network]
allow = ["127.0.0.0/8"]
[settings.robots]
obey = false
[settings.throttle]
delay_s = 0
[schedule]
cron = "0 6 * * 1-5"
timezone = "Europe/London"
"""


def test_a_schedule_is_deployed_and_its_fire_makes_a_dataset(cluster):
    cluster.origin.add("/a", b"<title>A page</title>", content_type="text/html")
    page = cluster.origin.url("/a", "h0.localhost")
    cluster.origin.add("/list.txt", f"{page}\n".encode(), content_type="text/plain")
    url = cluster.origin.url("/list.txt", "h0.localhost")
    (cluster.folder / "shop.toml").write_text(CRAWL.format(url=url))
    done = cluster.run("deploy", "shop.toml")
    assert done.returncode == 0, done.stderr
    assert "trigger      shop: 0 6 * * 1-5 Europe/London" in done.stdout
    deployed = {task.task_id.name: task for task in cluster.served.submission.deployed}
    assert set(deployed) == {"scraper-batch.scrape_batch", "scraper-crawl.crawl"}
    (trigger,) = deployed["scraper-crawl.crawl"].triggers
    cron = trigger.automation_spec.schedule.cron
    assert (trigger.name, cron.expression, cron.timezone) == (
        "shop",
        "0 6 * * 1-5",
        "Europe/London",
    )
    fire(cluster, deployed["scraper-crawl.crawl"].spec, trigger)
    done = cluster.run("export", "shop", "items", "--format", "csv")
    assert done.returncode == 0, done.stderr + cluster.log()
    assert page in done.stdout


def fire(cluster, spec, trigger):
    """What the backend does when the time has come: the task, with the input of its trigger."""
    run = RunIdentifier(org="o", project="p", domain="d", name="fired")
    action = Action(
        id=ActionIdentifier(run=run, name="a0-fired"),
        parent="",
        what=spec.task_template.id.name,
        input_uri=trigger.spec.offloaded_input_data.uri,
        spec=spec,
    )
    assert cluster.served.plane.launch(action).result(60).error is None, cluster.log()
