"""What a run of the demo's crawl asked for, and what of it is safe: for tests that end runs."""

import time

from scraper.archive.warc import read_records
from scraper.demo.site import HOSTS, build_routes
from scraper.store import Store


def wait_for_requests(site, process, count):
    deadline = time.monotonic() + 60
    while len(site.requests) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def product_pages(port, requests):
    good = [r for r in requests if r.status == 200 and r.path.startswith("/p/")]
    return [f"http://{r.host}:{port}{r.path}" for r in good]


def archived(tmp_path):
    """The pages whose final answer is in the archive, whole."""
    store = Store(str(tmp_path / "crawls"))
    parts = [key for key in store.list("demo/r") if key.endswith(".warc.gz")]
    return {
        record.fields["warc-target-uri"]
        for part in parts
        for record in read_records(store.stream(part))
        if record.kind == "response"
    }


def redirects_of(port):
    """Where the site's redirects lead: such a page is asked for by two rows."""
    answers = [answer for turns in build_routes(port).values() for answer in turns]
    found = [value for answer in answers for name, value in answer.headers if name == "Location"]
    by_host = [f"http://{host}:{port}{path}" for path in found for host in HOSTS]
    return {*found, *by_host}
