"""The demo's crawl over real sockets: its outcome, and the laws, read from the site's own log."""

from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise

import pytest

from scraper.archive.warc import read_records
from scraper.demo import serve_demo, write_demo
from scraper.demo.crawl import DUPLICATES, EXPECTED, ROWS
from scraper.demo.site import HOSTS
from scraper.store import Store
from scraper.urls import host_of
from tests.workflows.runs import rows, run_crawl

pytestmark = pytest.mark.sockets

DELAY_S = 0.03


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    """One run of the demo's crawl in several partitions, and what the website saw of it."""
    tmp_path = tmp_path_factory.mktemp("demo")
    with serve_demo(port=0) as server:
        crawl_file = write_demo(tmp_path, server.port)
        settings = [f"throttle.delay_s={DELAY_S}", "batch.size=100", "retry.max_wait_s=0.1"]
        result = run_crawl(tmp_path, crawl_file, settings=settings)
        yield tmp_path, result, list(server.requests)


def test_law_1_every_row_is_accounted_for(crawled):
    _, result, _ = crawled
    summary = result.summary
    assert summary.balanced
    assert (summary.rows, summary.duplicates) == (ROWS, DUPLICATES)
    assert summary.rows == summary.duplicates + sum(summary.outcomes.values())


def test_its_outcome_is_the_same_each_time(crawled):
    _, result, _ = crawled
    assert {reason: n for reason, n in result.summary.reasons.items() if n} == {
        reason: n for reason, n in EXPECTED.items() if n
    }


def request_starts(tmp_path, result):
    """When each host was asked, by the archives of all batches: robots.txt and hops included."""
    starts = defaultdict(list)
    store = Store(str(tmp_path / "store"))
    for key in store.list(result.run):
        if key.endswith(".warc.gz"):
            for record in read_records(store.stream(key)):
                if record.kind == "request":
                    url = record.fields["warc-target-uri"]
                    at = datetime.fromisoformat(record.fields["warc-date"].replace("Z", "+00:00"))
                    starts[host_of(url)].append(at.timestamp())
    return {host: sorted(times) for host, times in starts.items()}


def test_law_3_requests_to_a_host_are_never_closer_than_its_delay(crawled):
    tmp_path, result, requests = crawled
    starts = request_starts(tmp_path, result)
    assert set(starts) == set(HOSTS)
    for host, times in starts.items():
        assert min(later - earlier for earlier, later in pairwise(times)) >= DELAY_S, host
    # All but those that ended in no answer are there.
    assert sum(map(len, starts.values())) >= len(requests) - 5


def test_law_3_robots_txt_is_asked_first_and_obeyed(crawled):
    _, _, requests = crawled
    paths = defaultdict(list)
    for request in requests:
        paths[request.host.partition(":")[0]].append(request.path)
    assert all(asked[0] == "/robots.txt" for asked in paths.values())
    assert not [path for asked in paths.values() for path in asked if path.startswith("/private/")]


def test_law_2_nothing_is_asked_for_twice_without_a_reason(crawled):
    tmp_path, result, requests = crawled
    asked = Counter((request.host, request.path) for request in requests if request.status == 200)
    again = {path for (_, path), count in asked.items() if count > 1}
    targets = rows(
        tmp_path, result, "SELECT final_url FROM {table} WHERE len(redirects) > 0 OR attempts > 1"
    )
    known = {"/" + url.split("/", 3)[3] for (url,) in targets} | {"/robots.txt"}
    assert again <= known


def test_items_are_typed_and_whole_whatever_the_charset(crawled):
    tmp_path, result, _ = crawled
    (counts,) = rows(
        tmp_path,
        result,
        "SELECT count(*), count(name), count(price), min(price) > 0, count(shelf) FROM {table}",
        "items.parquet",
    )
    items = result.summary.items
    assert counts == (items, items, items, True, items)
    charsets = rows(
        tmp_path, result, "SELECT DISTINCT charset FROM {table} WHERE reason = 'ok' ORDER BY ALL"
    )
    assert {"utf-8", "windows-1251", "shift_jis", "gbk"} <= {name for (name,) in charsets}


def test_hosts_of_one_run_are_in_one_partition_each(crawled):
    tmp_path, result, _ = crawled
    spread = rows(
        tmp_path,
        result,
        "SELECT host FROM {table} WHERE host IS NOT NULL AND batch LIKE '1-%' "
        "GROUP BY host HAVING count(DISTINCT substr(batch, 1, 6)) > 1",
    )
    assert spread == []
