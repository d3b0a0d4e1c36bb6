"""The estimate, checked against a plan that is counted by hand, and against the plan of a run."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from scraper.plan.estimate import Estimate, SlowHost, estimate_crawl
from scraper.plan.lists import Inputs
from scraper.store import Store
from tests.scraper.plan.lists import plan, spec_of
from tests.scraper.plan.test_past import publish
from tests.scraper.recurring import Crawl, product

ONE_SECOND = ("throttle.delay_s=1", "throttle.jitter=0", "robots.obey=false")


def pages(host, count):
    return [f"http://{host}/{n}" for n in range(count)]


def planned_of(rows, *flags, store=None):
    return estimate_crawl(spec_of(rows, flags=flags), store=store, inputs=Inputs())


def estimate_of(rows, *flags, store=None):
    return planned_of(rows, *flags, store=store).estimate


def test_a_plan_in_figures():
    rows = [*pages("a.example", 4), *pages("b.example", 2), "http://a.example/0#x", "nonsense"]
    flags = ("batch.size=2", "batch.max_in_flight=2")
    assert estimate_of(rows, *ONE_SECOND, *flags) == Estimate(
        rows=8,
        duplicates=1,
        invalid=1,
        hosts=2,
        partitions=2,
        batches=3,
        seconds_expected=4.0,
        bytes_expected=None,
        disk_bytes_expected=None,
        slowest_hosts=(
            SlowHost(host="a.example", rows=4, seconds=4.0),
            SlowHost(host="b.example", rows=2, seconds=2.0),
        ),
    )


TIMES = {
    "one_host": (pages("a.example", 3), [], 3.0),
    "hosts_side_by_side": (pages("a.example", 3) + pages("b.example", 5), [], 5.0),
    "jitter": (pages("a.example", 3), ["throttle.jitter=0.5"], 3.75),
    "robots": (pages("a.example", 3), ["robots.obey=true"], 4.0),
    "robots_but_once": (pages("a.example", 4), ["robots.obey=true", "batch.size=2"], 5.0),
    "no_delay": (pages("a.example", 3), ["throttle.delay_s=0"], 0.0),
    "a_slow_host": (
        pages("a.example", 3) + pages("b.example", 5),
        ["hosts.a.example.throttle.delay_s=10"],
        30.0,
    ),
    "a_host_without_robots": (
        pages("a.example", 3), ["robots.obey=true", "hosts.a.example.robots.obey=false"], 3.0,
    ),
    # Batches follow one another: each takes as long as its slowest host.
    "batch_after_batch": (
        pages("a.example", 2) + pages("b.example", 2),
        ["batch.size=2", "batch.max_in_flight=1", "hosts.b.example.throttle.delay_s=3"],
        6.0,
    ),
    "hosts_of_one_domain": (pages("a.x.example", 2) + pages("b.x.example", 2), [], 2.0),
    "a_domain_as_one": (
        pages("a.x.example", 2) + pages("b.x.example", 2), ["throttle.unit=domain"], 4.0,
    ),
    "nothing_to_fetch": (["nonsense"], [], 0.0),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "flags", "seconds"), TIMES.values(), ids=TIMES.keys())
def test_how_long_it_takes(rows, flags, seconds):
    assert estimate_of(rows, *ONE_SECOND, *flags).seconds_expected == seconds


def test_the_longest_partition_tells():
    rows = pages("a.example", 4) + pages("b.example", 4) + pages("c.example", 4)
    flags = ("batch.size=4", "batch.max_in_flight=3", "hosts.c.example.throttle.delay_s=2")
    found = estimate_of(rows, *ONE_SECOND, *flags)
    assert (found.partitions, found.batches, found.seconds_expected) == (3, 3, 8.0)


def test_the_ten_slowest_are_told_the_slowest_first():
    rows = [url for n in range(12) for url in pages(f"h{n:02}.example", n + 1)]
    found = estimate_of(rows, *ONE_SECOND).slowest_hosts
    assert [slow.host for slow in found] == [f"h{n:02}.example" for n in range(11, 1, -1)]
    assert found[0] == SlowHost(host="h11.example", rows=12, seconds=12.0)


def test_without_a_delay_the_largest_hosts_come_first():
    rows = pages("a.example", 1) + pages("b.example", 2)
    found = estimate_of(rows, *ONE_SECOND, "throttle.delay_s=0")
    assert [(slow.host, slow.seconds) for slow in found.slowest_hosts] == [
        ("b.example", 0.0),
        ("a.example", 0.0),
    ]


def test_a_domain_is_told_where_the_limit_counts_by_it():
    rows = pages("a.x.example", 2) + pages("b.x.example", 1) + pages("y.example", 1)
    found = estimate_of(rows, *ONE_SECOND, "hosts.x.example.throttle.unit=domain")
    assert [(slow.host, slow.rows) for slow in found.slowest_hosts] == [
        ("x.example", 3),
        ("y.example", 1),
    ]


PACES = {
    "slower_than_the_delay": ("a.example", [], 3 * 1.0),
    "faster_than_the_delay": ("a.example", ["throttle.delay_s=2"], 3 * 2.0),
    "several_at_once": ("b.example", ["throttle.concurrency=2"], 3 * 2.0),
    "not_known": ("z.example", [], 3 * 0.1),
}


@pytest.mark.parametrize(("host", "flags", "seconds"), PACES.values(), ids=PACES.keys())
def test_the_last_run_tells_how_fast_a_host_answers(tmp_path, host, flags, seconds):
    """There `a.example` took 1 s a page, `b.example` 4 s."""
    found = estimate_of(
        pages(host, 3), *ONE_SECOND, "throttle.delay_s=0.1", *flags, store=publish(tmp_path)
    )
    assert found.seconds_expected == pytest.approx(seconds)


def test_the_last_run_tells_how_large_pages_are(tmp_path):
    rows = [*pages("a.example", 3), "nonsense", "http://a.example/0"]
    planned = planned_of(rows, store=publish(tmp_path))
    assert (planned.estimate.bytes_expected, planned.last_run) == (3 * 2000, "shop/r1")


@pytest.mark.parametrize(
    ("flags", "refused"),
    [(["http.contact=none"], True), ([], False)],
    ids=["nobody", "somebody"],
)
def test_that_a_run_would_be_refused_is_told_and_no_error(flags, refused):
    planned = planned_of(pages("a.example", 1), *flags)
    assert planned.estimate.rows == 1
    assert (planned.refusal or "").startswith("http.contact is not set") is refused


def test_it_is_the_plan_that_a_run_makes(tmp_path):
    rows = [url for n in range(30) for url in pages(f"h{n}.d{n % 7}.example", n % 5 + 1)]
    flags = ("batch.size=4", "batch.max_in_flight=5", *ONE_SECOND)
    found = estimate_of([*rows, "nonsense", rows[0]], *flags)
    made = plan(tmp_path, spec_of([*rows, "nonsense", rows[0]], flags=flags))
    assert (found.rows, found.duplicates, found.invalid) == (made.info.rows, 1, 1)
    assert (found.partitions, found.batches) == (
        len(made.wave().batches), sum(made.wave().batches),
    )  # fmt: skip
    by_partition: Counter[str] = Counter()
    for batch, seeds in made.parts().items():
        partition = batch.rpartition("-")[0]
        by_partition[partition] += max(Counter(seed.host for seed in seeds).values())
    assert found.seconds_expected == max(by_partition.values())


def test_columns_and_types_do_not_matter(tmp_path):
    rows = [{"url": "http://a.example/", "n": 1, "N": "x", "m": [1, {"a": None}]}]
    assert estimate_of(rows).rows == 1


def test_nothing_is_written(tmp_path):
    store = Store(str(tmp_path / "store"))
    planned_of(pages("a.example", 3), store=store)
    assert store.list("") == []


@pytest.mark.anyio
async def test_rows_that_are_not_due_take_no_time(tmp_path):
    urls = [f"http://a.org/{n}" for n in range(3)]
    flags = ["recheck.adaptive=true", "throttle.delay_s=1"]
    crawl = Crawl(tmp_path, urls[:2], flags)
    await crawl.run({url: product("Chair", 1) for url in urls}, at=datetime.now(UTC))

    crawl.rows = [*urls, "no url"]
    planned = estimate_crawl(crawl.spec, store=crawl.store, inputs=Inputs())
    found = planned.estimate
    assert (planned.not_due, found.rows, found.invalid, found.batches) == (2, 4, 1, 1)
    assert [(slow.host, slow.rows, slow.seconds) for slow in found.slowest_hosts] == [
        ("a.org", 1, 1.0)
    ]
    crawl.flags = [*flags, "recheck.fresh=true"]
    assert estimate_crawl(crawl.spec, store=crawl.store, inputs=Inputs()).not_due == 0
