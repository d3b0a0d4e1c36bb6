"""A task of another environment goes on with a crawl's dataset."""

import flyte
import pytest

from tests.scraper.fetch.origin import serve_origin
from tests.workflows.runs import write_list
from workflows.downstream import crawl_and_count
from workflows.request import CrawlRequest
from workflows.runtime import new_run

SETTINGS = ["network.allow=127.0.0.0/8", "robots.obey=false", "throttle.delay_s=0"]


@pytest.fixture
def origin():
    with serve_origin() as found:
        for n in range(3):
            found.add(f"/{n}", b"<title>A page</title>", content_type="text/html")
        yield found


def counted(seeds, store):
    new_run()
    request = CrawlRequest(seeds=str(seeds), store=store, settings=[*SETTINGS, "batch.workers=1"])
    flyte.init()
    run = flyte.with_runcontext(mode="local", disable_run_cache=True)
    return run.run(crawl_and_count, request=request).outputs()[0]


def test_the_dataset_of_a_folder_is_counted(tmp_path, origin):
    hosts = ("h0.localhost", "h1.localhost", "h0.localhost")
    seeds = write_list(tmp_path, *(origin.url(f"/{n}", host) for n, host in enumerate(hosts)))
    assert counted(seeds, str(tmp_path / "store")) == {"h0.localhost": 2, "h1.localhost": 1}


def test_the_dataset_of_an_object_store_is_counted(tmp_path, origin, s3, s3_server, monkeypatch):
    # Flyte's own way to an object store that isn't the cloud's.
    monkeypatch.setenv("FLYTE_AWS_ENDPOINT", s3_server.environment["AWS_ENDPOINT"])
    seeds = write_list(tmp_path, origin.url("/0", "h0.localhost"))
    assert counted(seeds, s3) == {"h0.localhost": 1}
