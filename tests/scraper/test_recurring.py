"""A crawl that runs again: what it asks for, its dataset, what changed, what it remembers."""

import pytest

from scraper.archive.warc import read_records
from scraper.plan.part import read_seeds_part
from scraper.publish.commit import publish
from scraper.rules import FieldRule, SiteRule
from scraper.runs import latest_run_id
from scraper.store import Store
from tests.scraper.batches import moved, page, response
from tests.scraper.recurring import Crawl, product

pytestmark = pytest.mark.anyio

A, B, C, D = (f"http://a.org/{name}" for name in "abcd")
NOT_MODIFIED = response(304)


async def test_what_is_unchanged_is_asked_conditionally_and_carried(tmp_path):
    crawl = Crawl(tmp_path, [A, B, C])
    first = await crawl.run(
        {
            A: product("Chair", 1, etag='"a1"'),
            B: product("Table", 2, last_modified="Thu, 01 Jan 2026 00:00:00 GMT"),
            C: product("Lamp", 3, "one"),
        }
    )
    assert (first.outcomes["ok"], first.changes) == (3, None)
    second = await crawl.run({A: NOT_MODIFIED, B: NOT_MODIFIED, C: product("Lamp", 3, "two")})
    assert crawl.asked == {
        A: {"if-none-match": '"a1"'},
        B: {"if-modified-since": "Thu, 01 Jan 2026 00:00:00 GMT"},
        C: {},
    }
    assert crawl.reasons() == {A: "not_modified", B: "not_modified", C: "same_content"}
    assert sorted(crawl.table("url, name, price, stale, site, kind")) == [
        (A, "Chair", 1.0, False, "shop", "product"),
        (B, "Table", 2.0, False, "shop", "product"),
        (C, "Lamp", 3.0, False, "shop", "product"),
    ]
    assert (second.outcomes["unchanged"], second.items, second.changes["changed"]) == (3, 3, 0)
    assert crawl.changes() == []


async def test_the_six_kinds_of_changes(tmp_path):
    crawl = Crawl(tmp_path, [A, B, C, D, "http://a.org/e"])
    await crawl.run(
        {
            A: product("Chair", 1),
            B: product("Table", 2),
            C: product("Lamp", 3),
            D: product("Desk", 4),
            "http://a.org/e": response(500),
        }
    )
    crawl.rows = [A, B, C, "http://a.org/e", "http://a.org/f"]
    second = await crawl.run(
        {
            A: product("Chair", 1.5),
            B: response(404),
            C: response(500),
            "http://a.org/e": product("Bed", 5),
            "http://a.org/f": product("Sofa", 6),
        }
    )
    assert crawl.changes() == [
        (A, "changed", "price", "1", "1.0", "1.5"),
        (B, "gone", None, None, None, None),
        (C, "failing", None, None, None, None),
        (D, "removed", None, None, None, None),
        ("http://a.org/e", "recovered", None, None, None, None),
        ("http://a.org/f", "added", None, None, None, None),
    ]
    assert second.changes == {
        "added": 1, "changed": 1, "gone": 1, "removed": 1, "failing": 1, "recovered": 1,
    }  # fmt: skip
    assert sorted(crawl.table("name, stale")) == [
        ("Bed", False), ("Chair", False), ("Lamp", True), ("Sofa", False),
    ]  # fmt: skip
    assert crawl.table("DISTINCT run_before, run_after", "changes") == [("r1", "r2")]


async def test_carried_items_say_when_they_were_really_fetched(tmp_path):
    crawl = Crawl(tmp_path, [A, B])
    await crawl.run({A: product("Chair", 1, etag='"a"'), B: product("Table", 2)})
    await crawl.run({A: NOT_MODIFIED, B: product("Table", 2)})
    await crawl.run({B: product("Table", 3)})
    was = dict(crawl.table("url, fetched_at", run="r1"))
    now = dict(crawl.table("url, fetched_at"))
    assert now[A] == was[A]
    assert now[B] > was[B]
    assert crawl.state("url, fetched_run, unchanged_streak, not_modified_streak") == [
        (A, "r1", 2, 2),
        (B, "r3", 0, 0),
    ]


async def test_the_same_bytes_are_neither_parsed_nor_archived_again(tmp_path):
    crawl = Crawl(tmp_path, [A])
    await crawl.run({A: product("Chair", 1)})
    await crawl.run()
    assert crawl.reasons() == {A: "same_content"}
    parts = [k for k in crawl.store.list("shop/r2/batches") if k.endswith(".warc.gz")]
    records = [r for part in parts for r in read_records([crawl.store.get(part)])]
    (revisit,) = [record for record in records if record.kind == "revisit"]
    assert revisit.fields["warc-profile"].endswith("/revisit/identical-payload-digest")
    assert revisit.fields["warc-refers-to-target-uri"] == A
    assert b"Chair" not in revisit.block
    assert crawl.table("name, stale") == [("Chair", False)]
    assert crawl.state("fetched_run") == [("r1",)]


async def test_stale_items_go_after_so_many_runs_and_healed_ones_are_unchanged(tmp_path):
    crawl = Crawl(tmp_path, [A, B], ["publish.stale_runs=2", "retry.attempts=1"])
    await crawl.run({A: product("Chair", 1, etag='"a"'), B: product("Table", 2)})
    down = {A: response(500), B: response(500)}
    seen = []
    for answers in (down, {B: product("Table", 2)}, {}, {}):
        await crawl.run(answers)
        seen.append((sorted(crawl.table("name, stale")), crawl.changes("url, kind")))
    assert seen == [
        ([("Chair", True), ("Table", True)], [(A, "failing"), (B, "failing")]),
        ([("Chair", True), ("Table", False)], [(B, "recovered")]),
        ([("Table", False)], [(A, "removed")]),
        ([("Table", False)], []),
    ]
    # Nothing is left to carry, so it is asked for whole; and it is as good as new.
    assert crawl.asked[A] == {}
    await crawl.run({A: product("Chair", 1)})
    assert crawl.changes("url, kind") == [(A, "recovered")]


async def test_a_page_that_is_gone_leaves_and_comes_back_as_added(tmp_path):
    crawl = Crawl(tmp_path, [A])
    await crawl.run({A: product("Chair", 1, etag='"a"')})
    await crawl.run({A: response(410)})
    assert (crawl.table("*"), crawl.changes("kind")) == ([], [("gone",)])
    await crawl.run()
    assert (crawl.asked, crawl.changes("kind")) == ({A: {}}, [])
    await crawl.run({A: product("Chair", 1, etag='"a"')})
    assert (crawl.table("name"), crawl.changes("kind")) == ([("Chair",)], [("added",)])


async def test_an_etag_that_changes_each_time_is_sent_no_more(tmp_path):
    crawl = Crawl(tmp_path, [A])
    sent = []
    for n in range(5):
        await crawl.run({A: product("Chair", 1, str(n), etag=f'"{n}"')})
        sent.append(crawl.asked[A].get("if-none-match"))
        assert crawl.reasons() == {A: "ok" if n == 0 else "same_content"}
    assert sent == [None, '"0"', '"1"', None, None]


async def test_a_server_that_always_says_304_is_found_out(tmp_path):
    crawl = Crawl(tmp_path, [A], ["recheck.verify_after=2"])
    await crawl.run({A: product("Chair", 1, etag='"a"')})
    await crawl.run({A: NOT_MODIFIED})
    await crawl.run()
    # Its price was another one all along.
    await crawl.run({A: product("Chair", 2, etag='"a"')})
    assert (crawl.asked, crawl.reasons()) == ({A: {}}, {A: "ok"})
    await crawl.run()
    assert (crawl.asked, crawl.reasons()) == ({A: {}}, {A: "same_content"})


async def test_a_304_that_was_not_asked_for_is_no_answer(tmp_path):
    crawl = Crawl(tmp_path, [A])
    await crawl.run({A: product("Chair", 1)})
    await crawl.run({A: NOT_MODIFIED})
    assert crawl.reasons() == {A: "http_other"}
    assert crawl.table("name, stale") == [("Chair", True)]


async def test_validators_that_may_not_be_kept_are_not_sent(tmp_path):
    crawl = Crawl(tmp_path, [A, B])
    answers = {
        A: product("Chair", 1, etag='"a"', cache_control="private, No-Store"),
        B: product("Table", 2, etag='"b"', vary="*"),
    }
    await crawl.run(answers)
    await crawl.run()
    assert crawl.asked == {A: {}, B: {}}
    assert crawl.reasons() == {A: "same_content", B: "same_content"}


async def test_conditions_belong_to_the_url_where_the_page_stands(tmp_path):
    crawl = Crawl(tmp_path, [A])
    await crawl.run({A: moved("/b"), B: product("Chair", 1, etag='"b"')})
    await crawl.run({B: NOT_MODIFIED})
    assert crawl.asked == {A: {}, B: {"if-none-match": '"b"'}}
    assert crawl.table("url, final_url, reason, items", "outcomes") == [(A, B, "not_modified", 1)]
    await crawl.run({A: moved("/c"), C: product("Chair", 1, etag='"c"')})
    assert (crawl.asked, crawl.reasons()) == ({A: {}, C: {}}, {A: "same_content"})


async def test_a_redirect_to_another_partition_keeps_what_is_known(tmp_path):
    far = "http://b.org/x"
    crawl = Crawl(tmp_path, [A, "http://c.org/y"], ["batch.size=1", "batch.max_in_flight=2"], [])
    answers = {A: moved(far), far: page("Far"), "http://c.org/y": page("Near")}
    answers[far].headers["ETag"] = '"f"'
    await crawl.run(answers)
    await crawl.run({far: NOT_MODIFIED})
    assert crawl.asked[far] == {"if-none-match": '"f"'}
    assert crawl.reasons() == {A: "not_modified", "http://c.org/y": "same_content"}
    assert sorted(crawl.table("url, title")) == [(A, "Far"), ("http://c.org/y", "Near")]


async def test_fresh_asks_without_conditions(tmp_path):
    crawl = Crawl(tmp_path, [A])
    await crawl.run({A: product("Chair", 1, etag='"a"')})
    crawl.flags = ["recheck.fresh=true"]
    await crawl.run()
    assert (crawl.asked, crawl.reasons()) == ({A: {}}, {A: "same_content"})


async def test_other_rules_ask_for_pages_whole(tmp_path):
    crawl = Crawl(tmp_path, [A, B], ["retry.attempts=1"])
    await crawl.run({A: product("Chair", 1, etag='"a"'), B: product("Table", 2, etag='"b"')})
    fields = {"name": FieldRule(css="h1"), "price": FieldRule(css="b"), "more": FieldRule(css="i")}
    crawl.sites = [SiteRule(name="shop", hosts=["a.org"], kind="product", fields=fields)]
    await crawl.run({A: product("Chair", 1, "new", etag='"a"'), B: response(500)})
    assert crawl.asked == {A: {}, B: {}}
    assert sorted(crawl.table("name, price, more, stale")) == [
        ("Chair", "1", "new", False),
        ("Table", "2.0", None, True),
    ]


async def test_what_rides_along_is_todays(tmp_path):
    crawl = Crawl(tmp_path, [{"url": A, "shelf": "x"}])
    await crawl.run({A: product("Chair", 1, etag='"a"')})
    crawl.rows = [{"url": A.replace("a.org", "A.org"), "shelf": "y", "new": 1}]
    await crawl.run({A: NOT_MODIFIED})
    assert crawl.table("url, name, shelf, new") == [("http://A.org/a", "Chair", "y", 1)]
    assert crawl.changes() == []


async def test_items_of_a_page_are_told_apart_by_their_key(tmp_path):
    fields = {"sku": FieldRule(css=".s"), "price": FieldRule(css="b", type="int")}
    rule = SiteRule(name="shop", hosts=["a.org"], item="li", key="sku", fields=fields)
    crawl = Crawl(tmp_path, [A], sites=[rule])

    def shelf(*pairs):
        items = "".join(f"<li><i class=s>{sku}</i><b>{price}</b>" for sku, price in pairs)
        return response(200, f"<ul>{items}</ul>")

    await crawl.run({A: shelf(("x", 1), ("y", 2), ("z", 3))})
    await crawl.run({A: shelf(("z", 3), ("y", 2), ("x", 1))})
    assert (crawl.reasons(), crawl.changes()) == ({A: "same_content"}, [])
    await crawl.run({A: shelf(("y", 5), ("z", 3), ("w", 4))})
    assert sorted(crawl.changes("kind, field, item, before, after"), key=str) == [
        ("changed", "price", "y", "2", "5"),
        ("changed", None, "w", None, '{"sku":"w","price":4}'),
        ("changed", None, "x", '{"sku":"x","price":1}', None),
    ]


async def test_gates_that_fall_short_advance_nothing(tmp_path):
    crawl = Crawl(tmp_path, [A])
    await crawl.run({A: product("Chair", 1, etag='"a"')})
    crawl.flags = ["gates.min_items=2"]
    short = await crawl.run({A: product("Chair", 2, etag='"b"')})
    assert (short.gates_held, crawl.changes("kind")) == (False, [("changed",)])
    assert crawl.store.list("shop/state") == ["shop/state/r1.parquet"]
    crawl.flags = []
    await crawl.run()
    assert crawl.asked == {A: {"if-none-match": '"a"'}}
    assert crawl.changes("before, after, run_before, run_after") == [("1.0", "2.0", "r1", "r3")]


async def test_a_death_between_the_state_and_latest_leaves_the_old_state_in_force(
    tmp_path, monkeypatch
):
    crawl = Crawl(tmp_path, [A])
    await crawl.run({A: product("Chair", 1, etag='"a"')})
    crawl.site.answers[A] = [product("Chair", 2, etag='"b"')]
    info = crawl.plan()
    waves = await crawl.fetch(info)
    put = Store.put

    def dies(store, key, data):
        if key.endswith("summary.json"):
            raise RuntimeError("killed here")
        put(store, key, data)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", dies)
        with pytest.raises(RuntimeError):
            publish(info, crawl.store, waves)
    assert latest_run_id(crawl.store, "shop") == "r1"
    other = crawl.plan()
    (seed,) = read_seeds_part(crawl.store, other.run, "1-0001-00001")
    assert (other.baseline, seed.known.etag) == ("r1", '"a"')
    # Gone on with, it is published as if nothing had been.
    crawl.runs -= 1
    publish(info, crawl.store, waves)
    assert latest_run_id(crawl.store, "shop") == "r2"
    assert crawl.state("etag, unchanged_streak") == [('"b"', 0)]


async def test_rows_that_are_not_due_are_not_asked_for(tmp_path):
    flags = ["recheck.adaptive=true", "recheck.min_s=86400", "recheck.grow=1", "recheck.shrink=0.5"]
    crawl = Crawl(tmp_path, [A, B, C], flags)
    answers = {A: product("Chair", 1, etag='"a"'), B: product("Table", 1), C: response(404)}
    await crawl.run(answers)
    asked = []
    for n in range(2, 8):
        # One page changes with each look at it, the other never does.
        summary = await crawl.run({A: NOT_MODIFIED, B: product("Table", n)})
        asked.append(sorted(url[-1] for url in crawl.asked))
        assert (summary.items, sum(summary.outcomes.values())) == (2, 3)
    assert asked == [
        ["a", "b", "c"],
        ["b", "c"],
        ["a", "b", "c"],
        ["b", "c"],
        ["b", "c"],
        ["b", "c"],
    ]
    assert crawl.reasons() == {A: "not_due", B: "ok", C: "http_4xx"}
    assert crawl.state("url, interval_s, unchanged_streak")[0] == (A, 4 * 86400, 2)
    crawl.flags = [*flags, "recheck.fresh=true"]
    await crawl.run({A: product("Chair", 1, etag='"a"')})
    assert crawl.asked == {A: {}, B: {}, C: {}}


async def test_a_run_that_goes_on_keeps_to_what_it_was_planned_with(tmp_path):
    crawl = Crawl(tmp_path, [A])
    await crawl.run({A: product("Chair", 1, etag='"a"')})
    late = crawl.plan()
    await crawl.run({A: product("Chair", 2, etag='"b"')})
    crawl.site.log.clear()
    crawl.site.answers[A] = [NOT_MODIFIED]
    waves = await crawl.fetch(late)
    assert crawl.asked == {A: {"if-none-match": '"a"'}}
    publish(late, crawl.store, waves)
    assert crawl.table("name, price", run="r2") == [("Chair", 1.0)]
