from dataclasses import replace
from datetime import UTC, datetime

import pytest

from scraper.hosts import load_hosts, save_hosts
from scraper.layout import batch_key, hosts_key
from scraper.models import Hop, HostMemory, HostState, Reason, RobotsAnswer, Seed
from scraper.parts import PartWriter, packed
from scraper.plan.waves import next_wave
from tests.scraper.plan.lists import plan_rows

URLS = [f"http://{host}.example/{n}" for n in range(2) for host in "abc"]
HOPS = (Hop(url="http://a.example/0", status=302),)


def carried(row, fetch_url, *hops, attempts=0):
    redirects = [{"url": hop.url, "status": hop.status} for hop in hops]
    return {"row": row, "fetch_url": fetch_url, "redirects": redirects, "attempts": attempts}


def leave(planned, batch, *lines):
    """Write what a batch leaves to the next wave."""
    with PartWriter() as part:
        for line in lines:
            part.write(packed(line))
        part.put(planned.store, batch_key(planned.info.run, batch, "carried.jsonl.gz"))


def go_on(planned, number=1):
    return next_wave(planned.info, planned.store, planned.wave(number))


def memory(host, *robots, **state):
    return HostMemory(host=host, state=HostState(host=host, **state), robots=robots)


@pytest.fixture
def planned(tmp_path):
    """Three partitions of two batches each: a.example, b.example, c.example."""
    rows = [{"url": url, "n": n} for n, url in enumerate(URLS, 1)]
    return plan_rows(tmp_path, rows, "batch.size=1", "batch.max_in_flight=3")


def test_a_wave_that_leaves_nothing_over_is_the_last(planned):
    before = planned.values()
    assert go_on(planned) is None
    assert planned.values() == before


def test_carried_rows_keep_what_is_known_of_them(planned):
    leave(planned, "1-0001-00001", carried(1, "http://x.b.example/y", *HOPS, attempts=2))
    leave(planned, "1-0003-00002", carried(6, URLS[5], attempts=1))
    assert go_on(planned) == planned.wave(2)
    assert planned.seeds(2) == [
        Seed(
            row=1,
            url=URLS[0],
            fetch_url="http://x.b.example/y",
            host="x.b.example",
            domain="b.example",
            columns={"n": 1},
            redirects=HOPS,
            attempts=2,
        ),
        replace(planned.seeds()[5], attempts=1),
    ]


def test_carried_rows_are_planned_over_all_partitions(planned):
    leave(planned, "1-0001-00001", carried(1, "http://c.example/x"))
    leave(planned, "1-0002-00001", carried(2, "http://b.example/x"))
    leave(planned, "1-0003-00001", carried(3, "http://www.c.example/y"))
    leave(planned, "1-0003-00002", carried(6, "http://c.example/x"))
    go_on(planned)
    hosts = {batch: [seed.row for seed in part] for batch, part in planned.parts(2).items()}
    assert hosts == {
        "2-0001-00001": [1],
        "2-0001-00002": [3],
        "2-0001-00003": [6],
        "2-0002-00001": [2],
    }


def test_a_list_without_columns_goes_on_too(tmp_path):
    planned = plan_rows(tmp_path, URLS[:1])
    leave(planned, "1-0001-00001", carried(1, "http://z.example/", *HOPS))
    go_on(planned)
    assert [(seed.url, seed.columns) for seed in planned.seeds(2)] == [(URLS[0], {})]


def test_a_wave_is_planned_once(planned):
    leave(planned, "1-0001-00001", carried(1, "http://z.example/"))
    wave = go_on(planned)
    before = planned.values()
    leave(planned, "1-0001-00001", carried(1, "http://elsewhere.example/"), carried(4, "http://q/"))
    changed = planned.values()
    assert go_on(planned) == wave
    assert planned.values() == changed
    assert changed.keys() == before.keys()


def test_a_wave_is_planned_the_same_on_every_attempt(planned):
    lines = [carried(n, f"http://h{n % 3}.example/{n}") for n in (1, 4)]
    leave(planned, "1-0001-00001", lines[0])
    leave(planned, "1-0001-00002", lines[1])
    wave = go_on(planned)
    before = planned.values()
    planned.store.delete(f"{planned.info.run}/waves/2.json")
    assert go_on(planned) == wave
    assert planned.values() == before


def test_waves_follow_one_another(planned):
    leave(planned, "1-0001-00001", carried(1, "http://z.example/", *HOPS, attempts=1))
    go_on(planned)
    hop = Hop(url="http://z.example/", status=301)
    leave(planned, "2-0001-00001", carried(1, "http://y.example/", *HOPS, hop, attempts=2))
    wave = go_on(planned, 2)
    assert wave == planned.wave(3)
    assert [(s.url, s.redirects, s.attempts, s.columns) for s in planned.seeds(3)] == [
        (URLS[0], (*HOPS, hop), 2, {"n": 1})
    ]
    assert go_on(planned, 3) is None


ROBOTS = RobotsAnswer(
    origin="http://b.example",
    reason=Reason.OK,
    http_status=200,
    body=b"User-agent: *",
    content_encoding=None,
    at=datetime(2026, 1, 2, tzinfo=UTC),
)


def remembered(planned, partition):
    return load_hosts(planned.store, hosts_key(planned.info.run, partition), None)


def test_what_is_known_of_a_host_goes_with_its_rows(planned):
    known = [
        memory("b.example", ROBOTS, next_at=7.0, delay_s=2.0, failures=1),
        memory("www.b.example", refused=Reason.DEFERRED),
    ]
    save_hosts(planned.store, hosts_key(planned.info.run, "1-0001"), [memory("a.example")])
    save_hosts(planned.store, hosts_key(planned.info.run, "1-0002"), known)
    leave(planned, "1-0001-00001", carried(1, "http://b.example/x", *HOPS))
    go_on(planned)
    assert remembered(planned, "2") == known


def test_a_host_of_the_first_wave_is_known_in_the_third(planned):
    run = planned.info.run
    known = memory("b.example", ROBOTS, next_at=7.0, refused=Reason.HOST_GIVEN_UP)
    save_hosts(planned.store, hosts_key(run, "1-0002"), [known])
    leave(planned, "1-0001-00001", carried(1, "http://z.example/", *HOPS))
    go_on(planned)
    assert remembered(planned, "2") == []
    save_hosts(planned.store, hosts_key(run, "2-0001"), [memory("z.example", next_at=9.0)])
    leave(planned, "2-0001-00001", carried(1, "http://b.example/", *HOPS))
    go_on(planned, 2)
    assert remembered(planned, "3") == [known]


def test_a_newer_wave_knows_a_host_better(planned):
    run = planned.info.run
    older = memory("b.example", ROBOTS, next_at=7.0, delay_s=5.0, failures=4)
    newer = memory("b.example", next_at=8.0, delay_s=1.0)
    save_hosts(planned.store, hosts_key(run, "1-0002"), [older])
    leave(planned, "1-0001-00001", carried(1, "http://b.example/"))
    go_on(planned)
    save_hosts(planned.store, hosts_key(run, "2-0001"), [newer])
    leave(planned, "2-0001-00001", carried(1, "http://b.example/", attempts=1))
    go_on(planned, 2)
    assert remembered(planned, "3") == [memory("b.example", ROBOTS, next_at=8.0, delay_s=5.0)]


def test_a_host_that_gave_a_list_is_known_wherever_a_redirect_leads_to_it(planned):
    known = memory("lists.example", ROBOTS, next_at=7.0)
    save_hosts(planned.store, hosts_key(planned.info.run, "1"), [known])
    leave(planned, "1-0001-00001", carried(1, "http://lists.example/x", *HOPS))
    go_on(planned)
    assert remembered(planned, "2") == [known]
