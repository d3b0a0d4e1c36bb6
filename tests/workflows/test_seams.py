"""At the seams: between the phases, the batches, the lives and the waves of a run."""

import time
from datetime import timedelta
from itertools import pairwise

import flyte
import flyte.errors
import httpx
import pytest
import respx

import scraper.poll
import scraper.submit
from scraper.errors import StoreError
from tests.workflows.runs import rows, run_crawl, write_list
from workflows.batch import scrape_batch

CONTACT = "http.contact=test@example.org"
AT_ONCE = flyte.RetryStrategy(count=1, backoff=flyte.Backoff(base=timedelta(milliseconds=1)))
DELAY_S = 0.15


@pytest.fixture
def web():
    """A mocked web that notes when each host was asked."""
    with respx.mock(using="httpx", assert_all_called=False) as router:
        router.starts = {}

        def note(request):
            router.starts.setdefault(request.url.host, []).append(time.time())

        router.note = note
        yield router


def answering(web, url, *answers):
    turns = list(answers)

    def answer(request):
        web.note(request)
        found = turns.pop(0) if len(turns) > 1 else turns[0]
        if isinstance(found, Exception):
            raise found
        return found

    return web.get(url).mock(side_effect=answer)


def no_robots(web, *hosts):
    for host in hosts:
        answering(web, f"http://{host}/robots.txt", httpx.Response(404))


def page():
    return httpx.Response(200, html="<title>x</title>")


def gaps(web, host):
    return [later - earlier for earlier, later in pairwise(web.starts[host])]


def test_poll_keeps_the_delay_to_what_submit_asked_without_an_answer(tmp_path, web):
    no_robots(web, "a.org")
    answering(web, "http://a.org/1", page())
    answering(web, "http://a.org/2", httpx.ReadError("lost"), page())
    seeds = write_list(tmp_path, "http://a.org/1", "http://a.org/2")
    result = run_crawl(tmp_path, seeds, settings=[CONTACT, f"throttle.delay_s={DELAY_S}"])
    assert result.summary.reasons == {"ok": 2}
    assert min(gaps(web, "a.org")) >= DELAY_S


def test_the_batch_after_a_crashed_one_keeps_the_delay(tmp_path, web, monkeypatch):
    no_robots(web, "a.org")
    for n in range(4):
        answering(web, f"http://a.org/{n}", page())
    poll = scraper.poll.poll

    async def broken(session, job):
        if job.batch.endswith("-00001"):
            raise RuntimeError("a bug")
        return await poll(session, job)

    monkeypatch.setattr(scraper.poll, "poll", broken)
    monkeypatch.setattr(scrape_batch, "retries", AT_ONCE)
    seeds = write_list(tmp_path, *(f"http://a.org/{n}" for n in range(4)))
    flags = [CONTACT, f"throttle.delay_s={DELAY_S}", "batch.size=2", "batch.max_in_flight=1"]
    result = run_crawl(tmp_path, seeds, settings=flags)
    assert result.summary.reasons == {"batch_crashed": 2, "ok": 2}
    assert min(gaps(web, "a.org")) >= DELAY_S


def test_a_robots_txt_that_leads_to_a_refused_host_ends_the_run(tmp_path, web):
    """Both hosts are one domain's; the one that is refused can't answer for the other."""
    away = httpx.Response(302, headers={"Location": "http://www.a.org/robots.txt"})
    answering(web, "http://a.org/robots.txt", away)
    answering(web, "http://www.a.org/robots.txt", httpx.Response(404))
    answering(web, "http://www.a.org/1", httpx.Response(503, headers={"Retry-After": "3600"}))
    answering(web, "http://a.org/1", page())
    seeds = write_list(tmp_path, "http://www.a.org/1", "http://a.org/1")
    result = run_crawl(tmp_path, seeds, settings=[CONTACT])
    assert result.summary.balanced
    assert not (tmp_path / "store" / result.run / "waves/3.json").exists()
    assert len(web.starts["a.org"]) <= 3


def test_a_carried_row_is_asked_for_whatever_it_has_spent_elsewhere(tmp_path, web):
    no_robots(web, "a.org", "b.org")
    moved = httpx.Response(302, headers={"Location": "http://b.org/2"})
    answering(web, "http://a.org/1", httpx.Response(503), moved)
    answering(web, "http://b.org/1", page())
    answering(web, "http://b.org/2", page())
    seeds = write_list(tmp_path, "http://a.org/1", "http://b.org/1")
    flags = [CONTACT, "batch.size=1", "hosts.b.org.retry.attempts=1"]
    result = run_crawl(tmp_path, seeds, settings=flags)
    assert rows(tmp_path, result, "SELECT url, host, reason FROM {table}") == [
        ("http://a.org/1", "a.org", "ok"),
        ("http://b.org/1", "b.org", "ok"),
    ]


def test_trouble_with_the_store_ends_the_run_once_and_leaves_it_resumable(
    tmp_path, web, monkeypatch
):
    no_robots(web, "a.org", "b.org")
    answering(web, "http://a.org/1", page())
    answering(web, "http://b.org/1", page())
    submit, lives = scraper.submit.submit, []

    async def full(session, job):
        if job.batch.startswith("1-0001"):
            lives.append(job.batch)
            raise StoreError("store: No space left on device")
        return await submit(session, job)

    monkeypatch.setattr(scrape_batch, "retries", AT_ONCE)
    seeds = write_list(tmp_path, "http://a.org/1", "http://b.org/1")
    with monkeypatch.context() as broken:
        broken.setattr(scraper.submit, "submit", full)
        with pytest.raises(flyte.errors.RuntimeUserError) as caught:
            run_crawl(tmp_path, seeds, settings=[CONTACT, "batch.size=1"])
    assert caught.value.code == "StoreError"
    assert len(lives) == 2
    result = run_crawl(tmp_path, seeds, settings=[CONTACT, "batch.size=1"])
    assert result.summary.reasons == {"ok": 2}


@pytest.mark.parametrize(
    ("lines", "settings", "told"),
    [
        (["http://a.org/2"], [], "rows in its list"),
        (["http://a.org/1"], ["throttle.delay_s=0.01"], "settings"),
    ],
    ids=["another list", "other settings"],
)
def test_a_run_id_is_not_used_for_another_run(tmp_path, web, lines, settings, told):
    no_robots(web, "a.org")
    answering(web, "http://a.org/1", page())
    run_crawl(tmp_path, write_list(tmp_path, "http://a.org/1"), settings=[CONTACT])
    with pytest.raises(flyte.errors.RuntimeUserError, match=told) as caught:
        run_crawl(tmp_path, write_list(tmp_path, *lines), settings=[CONTACT, *settings])
    assert caught.value.code == "ConfigError"
