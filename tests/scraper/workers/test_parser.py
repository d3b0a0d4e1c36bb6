"""The parser beside a session: real processes, really killed, over real archives."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest

from scraper.errors import StoreError
from scraper.parse import parse_inline
from scraper.poll import poll
from scraper.rules import SiteRule
from scraper.session import open_session
from scraper.submit import submit
from scraper.workers import parser as parser_module
from scraper.workers.messages import Setup
from scraper.workers.parser import open_parser
from tests.processes import is_running, until
from tests.scraper.batches import (
    jobs,
    outcomes,
    page,
    part_of,
    plan,
    reasons,
    response,
    store_in,
    website,
)

pytestmark = [pytest.mark.anyio, pytest.mark.sockets]

ROWS = [f"http://a.test/{n}" for n in range(20)]
FOREVER = "<b>" + "a" * 60 + "!</b>"
"""With the rule below its expression needs longer than the universe has."""

SLOW_RULE = SiteRule.model_validate(
    {"name": "a", "hosts": ["a.test"], "fields": {"x": {"css": "b", "regex": "(a+)+$"}}}
)


@asynccontextmanager
async def parsing(info, store, *, deadline_s=30.0):
    setup = Setup(store=store.url, sites=info.sites, deadline_s=deadline_s)
    async with open_parser(setup) as parser:
        yield parser


async def run(site, info, store, *, deadline_s=30.0, meanwhile=None):
    """Both phases of the one batch, its pages parsed beside the loop."""
    (job,) = jobs(info, store)
    async with (
        parsing(info, store, deadline_s=deadline_s) as parser,
        open_session(info, store, transport=site.transport, parse=parser.parse) as session,
    ):
        await submit(session, job)
        polling = asyncio.create_task(poll(session, job))
        try:
            if meanwhile is not None:
                await meanwhile(parser)
            return job, await polling
        finally:
            polling.cancel()
            await asyncio.wait([polling])


def slow_site(slow):
    found = {url: response(200, f"<b>a{n}a</b>") for n, url in enumerate(ROWS)}
    return website(found | {url: response(200, FOREVER) for url in slow})


async def test_the_lines_are_those_of_the_inline_way_to_the_byte(tmp_path):
    odd = {
        ROWS[1]: response(404),
        ROWS[2]: response(200, ""),
        ROWS[3]: response(200, "<p>" * 2000),
        ROWS[4]: response(503),
    }
    site = website({url: page(url) for url in ROWS} | odd)
    store = store_in(tmp_path)
    info = plan(store, [{"url": url, "n": n} for n, url in enumerate(ROWS)])
    (job,) = jobs(info, store)
    found = {}
    async with (
        parsing(info, store) as parser,
        open_session(info, store, transport=site.transport) as session,
    ):
        await submit(session, job)

        async def both(taken):
            taken = list(taken)
            found["inline"] = [row async for row in parse_inline(store, info.sites, taken)]
            found["beside"] = [row async for row in parser.parse(iter(taken))]
            for row in found["beside"]:
                yield row

        session.parse = both
        await poll(session, job)
    assert len(found["inline"]) == len(ROWS)
    assert found["beside"] == found["inline"]
    assert [line["row"] for line in part_of(store, job, "outcomes")] == list(range(1, 21))


async def test_a_page_that_takes_too_long_costs_that_page_only(tmp_path):
    store = store_in(tmp_path)
    info = plan(store, ROWS, sites=[SLOW_RULE])
    job, result = await run(slow_site(ROWS[3:5]), info, store, deadline_s=0.5)
    found = reasons(store, job)
    assert {url for url, reason in found.items() if reason == "parse"} == set(ROWS[3:5])
    assert (result.outcomes, result.items) == (20, 18)
    slow = outcomes(store, job)[ROWS[3]]
    assert slow["detail"] == "parsing took longer than 0.5 s (batch.parse_deadline_s)"
    assert (slow["http_status"], slow["attempts"], slow["status"]) == (200, 1, "failed")


async def test_the_loop_has_its_turns_while_a_page_takes_too_long(tmp_path):
    store = store_in(tmp_path)
    info = plan(store, ROWS[:1], sites=[SLOW_RULE])
    turns = 0

    async def count(_parser):
        nonlocal turns
        while turns < 50:
            await asyncio.sleep(0.005)
            turns += 1

    await run(slow_site(ROWS[:1]), info, store, deadline_s=1, meanwhile=count)
    assert turns == 50


async def killed(parser, former):
    """Kill the parser's process, once there is another one than those."""
    await until(lambda: parser.pid not in {None, *former})
    os.kill(parser.pid, signal.SIGKILL)
    return [*former, parser.pid]


async def test_a_parser_that_is_killed_once_costs_nothing(tmp_path):
    store = store_in(tmp_path)
    info = plan(store, ROWS)

    async def kill(parser):
        await killed(parser, [])

    job, result = await run(website({u: page(u) for u in ROWS}), info, store, meanwhile=kill)
    assert set(reasons(store, job).values()) == {"ok"}
    assert result.items == 20


async def test_a_page_that_the_parser_dies_of_twice_costs_that_page_only(tmp_path):
    store = store_in(tmp_path)
    info = plan(store, ROWS[:6], sites=[SLOW_RULE])

    async def kill(parser):
        await until(lambda: parser.waiting)
        await killed(parser, await killed(parser, []))

    job, _ = await run(slow_site([ROWS[0]]), info, store, meanwhile=kill)
    found = outcomes(store, job)
    assert [line["reason"] for line in found.values()] == ["parse"] + ["ok"] * 5
    assert found[ROWS[0]]["detail"] == "the parser died of this page, twice: SIGKILL"


async def test_a_parser_that_is_halted_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(parser_module, "_SILENCE_S", 0.2)
    store = store_in(tmp_path)
    info = plan(store, ROWS[:2])

    async def halt(parser):
        await until(lambda: parser.pid)
        os.kill(parser.pid, signal.SIGSTOP)

    site = website({url: page() for url in ROWS})
    job, _ = await run(site, info, store, deadline_s=2, meanwhile=halt)
    assert sorted(reasons(store, job).values()) in (["ok", "parse"], ["ok", "ok"])


async def test_trouble_with_the_store_is_no_outcome(tmp_path):
    site = website({url: page() for url in ROWS})
    store = store_in(tmp_path)
    info = plan(store, ROWS)
    (job,) = jobs(info, store)
    async with (
        parsing(info, store) as parser,
        open_session(info, store, transport=site.transport) as session,
    ):

        def lost(taken):
            for part in (tmp_path / "store").rglob("*.warc.gz"):
                part.unlink()
            return parser.parse(taken)

        session.parse = lost
        with pytest.raises(StoreError, match=r"archive-00001\.warc\.gz"):
            await poll(session, job)


async def test_a_parser_that_can_not_be_started_is_no_outcome(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    store = store_in(tmp_path)
    info = plan(store, ROWS)
    with pytest.raises(OSError, match="/nowhere/python"):
        await run(website({url: page() for url in ROWS}), info, store)


async def test_its_process_ends_with_it_whatever_it_does(tmp_path):
    store = store_in(tmp_path)
    info = plan(store, ROWS, sites=[SLOW_RULE])
    pids = []

    async def leave(parser):
        await until(lambda: parser.pid)
        pids.append(parser.pid)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run(slow_site(ROWS), info, store, meanwhile=leave)
    assert not is_running(pids[0])


async def test_who_leaves_early_leaves_nothing_behind(tmp_path):
    site = website({url: page(url) for url in ROWS})
    store = store_in(tmp_path)
    info = plan(store, ROWS)
    (job,) = jobs(info, store)
    async with (
        parsing(info, store) as parser,
        open_session(info, store, transport=site.transport) as session,
    ):
        await submit(session, job)

        async def twice(taken):
            taken = list(taken)
            first = parser.parse(iter(taken))
            seen = [await anext(first), await anext(first)]
            await first.aclose()
            again = [row async for row in parser.parse(iter(taken))]
            assert again[:2] == seen
            for row in again:
                yield row

        session.parse = twice
        assert (await poll(session, job)).outcomes == 20
