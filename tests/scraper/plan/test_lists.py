"""Lists that have to be fetched, planned: their rows, their snapshots, what is known of hosts."""

import asyncio
import gzip
from dataclasses import replace
from itertools import pairwise

import orjson
import pytest

from scraper.errors import ConfigError, ScraperError
from scraper.hosts import load_hosts
from scraper.layout import hosts_key
from scraper.listsource import ListSource
from scraper.plan.lists import Inputs, Lists
from scraper.plan.prepare import check_same_run
from scraper.seeds import ListOptions, NeedsNetwork, RawRow, read_seeds
from scraper.stopping import StopFlag, Stopped
from scraper.store import Store
from tests.scraper.batches import jobs, robots_txt, run_batch, website
from tests.scraper.plan.lists import plan, spec_of
from tests.scraper.plan.test_snapshots import rows_of, snapshots, write

A, B, C = "http://a.example/", "http://b.example/", "http://c.example/"
LIST = "http://lists.example/x.txt"
QUICK = ("throttle.delay_s=0.01", "retry.attempts=2", "retry.max_wait_s=0.01")


def site_with(*lists):
    """A website of lists, by URL."""
    return website({url: robots_txt(text) for url, text in lists})


def planned_from(folder, site, *lists, flags=QUICK, **more):
    spec = spec_of(*lists, flags=flags, **more)
    return plan(folder, spec, transport=site.transport), spec


def as_lines(data):
    return [orjson.loads(line) for line in gzip.decompress(data).splitlines()]


def test_a_list_at_a_url_is_fetched_once_and_its_rows_are_kept(tmp_path):
    site = site_with((LIST, f"{A}\tn=1\n{B}\n{A}\nnonsense\n"))
    planned, _ = planned_from(tmp_path, site, LIST)
    assert site.urls == ["http://lists.example/robots.txt", LIST]
    assert rows_of(planned) == [(1, A), (2, B)]
    [(name, data)] = snapshots(planned).items()
    assert name == "list.jsonl.gz"
    assert as_lines(data) == [{"url": A, "n": "1"}, {"url": B}, {"url": A}, {"url": "nonsense"}]


def test_a_snapshot_of_rows_is_read_like_its_list(tmp_path):
    table = f"link,url,n\n{A},x,1\n{B},y\n{C},z,3,too,many\n"
    site = site_with(("http://lists.example/x.csv", table))
    flags = {"url_column": "Link"}
    planned, _ = planned_from(tmp_path, site, "http://lists.example/x.csv", **flags)
    [(name, data)] = snapshots(planned).items()
    again = plan(tmp_path / "again", spec_of(write(tmp_path, name, data), **flags))
    assert again.parts() == planned.parts()
    assert (again.info.rows, again.info.columns) == (planned.info.rows, planned.info.columns)
    assert [row for row, _, _ in planned.invalid()] == [row for row, _, _ in again.invalid()] == [3]


def test_lists_of_all_kinds_keep_their_order(tmp_path):
    site = site_with((LIST, f"{B}\n{A}\n"))
    local = write(tmp_path, "x.csv", f"url\n{C}\n{B}\n")
    planned, _ = planned_from(tmp_path, site, [A], LIST, local)
    assert rows_of(planned) == [(1, A), (2, B), (4, C)]
    assert (planned.info.rows, planned.info.duplicates) == (5, 2)
    assert sorted(snapshots(planned)) == ["list-1.jsonl", "list-2.jsonl.gz", "list-3.csv"]


def test_what_is_known_of_the_lists_hosts_goes_to_the_first_wave(tmp_path):
    site = site_with((LIST, A))
    planned, _ = planned_from(tmp_path, site, LIST, flags=(*QUICK, "throttle.delay_s=5"))
    [memory] = load_hosts(planned.store, hosts_key(planned.info.run, "1"), None)
    assert (memory.host, [answer.origin for answer in memory.robots]) == (
        "lists.example", ["http://lists.example"],
    )  # fmt: skip
    assert memory.state.next_at >= site.times_s("lists.example")[-1] + 5


@pytest.mark.anyio
async def test_law_3_holds_from_the_list_to_the_first_batch(tmp_path):
    """The page stands on the host that gave the list; robots.txt isn't asked for twice."""
    page = "http://lists.example/page"
    site = site_with((LIST, page), (page, "x"))
    flags = ("throttle.delay_s=0.5", "throttle.jitter=0")
    planned, _ = await asyncio.to_thread(planned_from, tmp_path, site, LIST, flags=flags)
    [job] = jobs(planned.info, planned.store)
    await run_batch(site, planned.info, planned.store, job)
    assert site.urls == ["http://lists.example/robots.txt", LIST, page]
    gaps = [later - earlier for earlier, later in pairwise(site.times_s("lists.example"))]
    assert min(gaps) >= 0.49


def test_a_list_on_this_machine_opens_no_network(tmp_path, monkeypatch):
    monkeypatch.setattr("scraper.plan.lists.ListFetcher", None)
    planned, _ = planned_from(tmp_path, website({}), write(tmp_path, "x.txt", A))
    assert load_hosts(planned.store, hosts_key(planned.info.run, "1"), None) == []


WRONG = {
    "missing": ({}, ConfigError, r"x\.txt: the list can't be fetched: http_4xx \(HTTP 404\)"),
    "empty": ({LIST: robots_txt("")}, ConfigError, r"x\.txt: the list is empty"),
    "no_list": ({LIST: robots_txt("<html>")}, ConfigError, "is no list: HTML"),
    "later": (
        {"http://lists.example/robots.txt": OSError("gone")}, OSError, "gone",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("answers", "kind", "told"), WRONG.values(), ids=WRONG.keys())
def test_trouble_while_planning_leaves_nothing_in_the_store(tmp_path, answers, kind, told):
    right = write(tmp_path, "right.txt", f"{A}\nnonsense\n")
    with pytest.raises(kind, match=told):
        planned_from(tmp_path, website(answers), right, LIST)
    assert Store(str(tmp_path / "store")).list("") == []


def test_a_list_that_cannot_be_had_now_is_no_wrong_input(tmp_path):
    site = website({LIST: website({}).answers.get("", [robots_txt("x")])})
    site.answers[LIST][0].status_code = 503
    with pytest.raises(ScraperError, match="try again later") as error:
        planned_from(tmp_path, site, LIST)
    assert type(error.value) is ScraperError
    assert Store(str(tmp_path / "store")).list("") == []


def test_a_stop_leaves_nothing_either(tmp_path):
    stop = StopFlag()
    stop.set()
    site = site_with((LIST, A))
    with pytest.raises(Stopped):
        plan(tmp_path, spec_of(LIST), transport=site.transport, stop=stop)
    assert (site.urls, Store(str(tmp_path / "store")).list("")) == ([], [])


def test_a_run_goes_on_without_asking_for_its_list_again(tmp_path):
    site = site_with((LIST, A))
    planned, spec = planned_from(tmp_path, site, LIST)
    asked = len(site.log)
    check_same_run(planned.info, spec)
    with pytest.raises(ConfigError, match="was made with other settings"):
        check_same_run(planned.info, spec_of(LIST, flags=["throttle.delay_s=9"]))
    assert len(site.log) == asked


OPTIONS = {
    "form": (ListSource(source=LIST, form="csv"), f"url,n\n{A},1\n", {"n": "1"}),
    "url_column": (
        ListSource(source="http://lists.example/x.csv", url_column="b"),
        f"b,link\n{A},c\n",
        {"link": "c"},
    ),
    "default_column": (
        ListSource(source="http://lists.example/x.csv"), f"b,link\nc,{A}\n", {"b": "c"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "text", "columns"), OPTIONS.values(), ids=OPTIONS.keys())
def test_a_list_is_read_by_its_own_options(tmp_path, source, text, columns):
    spec = spec_of(flags=QUICK, url_column="url" if source.form else "link")
    object.__setattr__(spec, "lists", (source,))
    with Lists(spec, tmp_path, Inputs(transport=site_with((source.source, text)).transport)) as all:
        [row] = all.rows()
    assert (row.url, row.columns) == (A, columns)


def test_settings_and_options_reach_the_reader(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "scraper.plan.lists.read_seeds", lambda *given, **more: calls.append((given, more)) or ()
    )
    flags = ["lists.max_bytes=7", "lists.max_sitemaps=3", "lists.encoding=cp1252"]
    spec = spec_of("x.csv", flags=flags)
    object.__setattr__(spec, "lists", ("x.csv", ListSource(source="y", encoding="utf-16")))
    with Lists(spec, tmp_path, None) as lists:
        assert list(lists.rows()) == []
    options = ListOptions(encoding="cp1252", max_bytes=7, max_sitemaps=3)
    outside = {"stdin": None, "fetch": None}
    assert calls == [
        (("x.csv", options), outside),
        (("y", replace(options, encoding="utf-16")), outside),
    ]


def test_without_the_outside_a_list_at_a_url_is_told(tmp_path):
    with Lists(spec_of(LIST), tmp_path, None) as lists, pytest.raises(NeedsNetwork):
        list(lists.rows())


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A list on this machine that leads to one at a URL, as a sitemap index does."""

    def read(source, options, *, fetch, **more):
        if not source.endswith("index.xml"):
            yield from read_seeds(source, options, fetch=fetch, **more)
            return
        if fetch is None:
            raise NeedsNetwork(source)
        text = fetch(LIST).path.read_text()
        yield from (RawRow(line=1, url=url, text=url) for url in text.split())

    monkeypatch.setattr("scraper.plan.lists.read_seeds", read)
    return write(tmp_path, "index.xml", "<sitemapindex/>")


def test_a_local_index_is_kept_as_its_rows_and_not_read_again(tmp_path, index):
    site = site_with((LIST, f"{A}\n{B}\n"))
    local = write(tmp_path, "x.txt", C)
    planned, spec = planned_from(tmp_path, site, index, local)
    assert rows_of(planned) == [(1, A), (2, B), (3, C)]
    kept = snapshots(planned)
    assert sorted(kept) == ["list-1.jsonl.gz", "list-2.txt"]
    assert as_lines(kept["list-1.jsonl.gz"]) == [{"url": A}, {"url": B}]
    asked = len(site.log)
    local.write_text("http://d.example/")
    check_same_run(planned.info, spec)
    assert len(site.log) == asked
