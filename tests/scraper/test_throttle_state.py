import time

import pytest

from scraper.models import Hop, HostState, Reason
from tests.scraper.throttles import (
    AT_S,
    EARLY_S,
    ended,
    gaps,
    make_throttle,
    make_throttles,
    start_times,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("unpaused")]


async def test_the_hosts_of_a_batch_share_one_throttle_each():
    throttles = make_throttles()

    assert throttles.of("a.test") is throttles.of("a.test")
    assert throttles.of("a.test") is not throttles.of("b.test")
    assert [state.host for state in throttles.states()] == ["a.test", "b.test"]


async def test_unit_domain_limits_all_hosts_of_a_registrable_domain_together():
    throttles = make_throttles("throttle.unit=domain")

    assert throttles.of("a.shop.co.uk") is throttles.of("shop.co.uk")
    assert throttles.of("a.github.io") is not throttles.of("b.github.io")
    assert [state.host for state in throttles.states()] == [
        "a.github.io",
        "b.github.io",
        "shop.co.uk",
    ]


async def test_a_hosts_own_settings_count():
    throttles = make_throttles("hosts.slow.test.throttle.delay_s=7")

    assert throttles.of("www.slow.test").state == HostState(host="www.slow.test", delay_s=7)
    assert throttles.of("quick.test").state == HostState(host="quick.test", delay_s=0)


async def test_retry_after_holds_the_host_from_the_end_of_the_answer():
    throttle = make_throttle()

    throttle.observe(ended(Reason.HTTP_429, elapsed_s=2.5, retry_after_s=40))

    assert throttle.state == HostState(host="a.test", next_at=AT_S + 42.5, failures=1, asked=1)


async def test_a_shorter_retry_after_doesnt_shorten_a_hold():
    throttle = make_throttle()
    throttle.observe(ended(Reason.HTTP_5XX, retry_after_s=40))
    throttle.observe(ended(Reason.HTTP_5XX, retry_after_s=3))

    assert throttle.state == HostState(host="a.test", next_at=AT_S + 40, failures=2, asked=2)


@pytest.mark.parametrize(
    ("wait_s", "refused"),
    [(10.0, None), (10.01, Reason.DEFERRED)],
    ids=["at the cap", "over the cap"],
)
async def test_a_retry_after_over_the_cap_refuses_the_host(wait_s, refused):
    throttle = make_throttle(max_retry_after_s=10)

    throttle.observe(ended(Reason.DEFERRED, retry_after_s=wait_s))

    assert throttle.refused is refused
    assert throttle.state.next_at == (0.0 if refused else AT_S + wait_s)


FAILURES = {
    Reason.DNS: 3,
    Reason.CONNECT: 3,
    Reason.TLS: 3,
    Reason.TIMEOUT: 3,
    Reason.DEADLINE: 3,
    Reason.CONNECTION_LOST: 3,
    Reason.HTTP_429: 3,
    Reason.HTTP_5XX: 3,
    Reason.DEFERRED: 3,
    Reason.ROBOTS_DISALLOWED: 2,
    Reason.ROBOTS_UNREACHABLE: 2,
    Reason.CRAWL_DELAY: 2,
    Reason.OUT_OF_SCOPE: 2,
    Reason.BLOCKED_ADDRESS: 2,
    Reason.OK: 0,
    Reason.HTTP_4XX: 0,
    Reason.HTTP_OTHER: 0,
    Reason.NO_CONTENT: 0,
    Reason.NOT_READY: 0,
    Reason.TOO_LARGE: 0,
    Reason.DECODING: 0,
    Reason.TRUNCATED: 0,
    Reason.PROTOCOL: 0,
    Reason.REDIRECT_LOOP: 0,
    Reason.BAD_REDIRECT: 0,
}


@pytest.mark.parametrize(("reason", "failures"), FAILURES.items(), ids=str)
async def test_what_counts_as_a_failure_of_the_host(reason, failures):
    throttle = make_throttle(state=HostState(host="a.test", failures=2))

    throttle.observe(ended(reason))

    assert throttle.state == HostState(host="a.test", failures=failures, asked=1)


@pytest.mark.parametrize(
    ("reasons", "refused"),
    [
        ("timeout timeout", None),
        ("timeout connect http_5xx", Reason.HOST_GIVEN_UP),
        ("timeout timeout http_4xx timeout timeout", None),
        ("http_4xx http_4xx http_4xx http_4xx", None),
        ("timeout timeout ok timeout timeout timeout", Reason.HOST_GIVEN_UP),
        ("timeout timeout timeout ok ok", Reason.HOST_GIVEN_UP),
        ("timeout robots_disallowed timeout robots_disallowed timeout", Reason.HOST_GIVEN_UP),
    ],
)
async def test_a_host_is_given_up_after_failures_in_a_row(reasons, refused):
    throttle = make_throttle(give_up_after=3)

    for reason in reasons.split():
        throttle.observe(ended(Reason(reason)))

    assert throttle.refused is refused


async def test_a_redirect_that_is_carried_on_is_no_failure():
    throttle = make_throttle(state=HostState(host="a.test", failures=4))

    throttle.observe(
        ended(
            Reason.DEFERRED,
            carry_to="http://b.test/",
            redirects=(Hop(url="http://a.test/", status=301),),
        )
    )

    assert throttle.state == HostState(host="a.test", asked=1)


async def test_the_first_word_on_why_a_host_is_refused_stands():
    throttle = make_throttle(give_up_after=2, max_retry_after_s=1)
    throttle.observe(ended(Reason.DEFERRED, retry_after_s=99))
    throttle.observe(ended(Reason.TIMEOUT))
    throttle.observe(ended(Reason.TIMEOUT))

    assert throttle.refused is Reason.DEFERRED


async def test_crawl_delay_counts_from_the_last_request_on():
    throttle = make_throttle()
    (first,) = await start_times(throttle, 1)

    throttle.slow_to(0.04)
    times = await start_times(throttle, 2)

    assert min(gaps([first, *times])) >= 0.04 - EARLY_S
    assert throttle.state.delay_s == 0.04


async def test_a_crawl_delay_below_our_own_changes_nothing():
    throttle = make_throttle(delay_s=5)
    await start_times(throttle, 1)
    before = throttle.state

    throttle.slow_to(4)

    assert throttle.state == before


async def test_what_others_asked_before_is_a_whole_delay_ago():
    throttles = make_throttles("hosts.a.test.throttle.delay_s=10")
    throttles.load([HostState(host="a.test", delay_s=10, next_at=AT_S + 3)], since_s=AT_S)

    assert throttles.of("a.test").state.next_at == AT_S + 10
    throttles.of("a.test").slow_to(20)
    assert throttles.of("a.test").state.next_at == AT_S + 20
    assert throttles.of("b.test").state.next_at == AT_S


async def test_the_state_survives_save_and_load():
    saved = make_throttles("throttle.give_up_after=9")
    saved.of("b.test").slow_to(3)
    saved.of("b.test").observe(ended(Reason.HTTP_429, retry_after_s=5))
    saved.of("a.test").wait_for(301, since_s=AT_S)
    states = saved.states()
    loaded = make_throttles("throttle.give_up_after=9")

    loaded.load(states)

    assert states == [
        HostState(host="a.test", refused=Reason.DEFERRED),
        HostState(host="b.test", delay_s=3, failures=1, next_at=AT_S + 5, asked=1),
    ]
    assert loaded.states() == states
    assert [loaded.of(state.host).state for state in states] == states


async def test_the_next_batch_starts_held():
    end = time.time() + 0.05
    throttles = make_throttles()
    throttles.load([HostState(host="a.test", next_at=end, delay_s=0.03)])

    times = await start_times(throttles.of("a.test"), 2)

    assert times[0] >= end - EARLY_S
    assert times[1] - times[0] >= 0.03 - EARLY_S


async def test_a_widened_delay_holds_from_the_last_request_on():
    throttle = make_throttle(delay_s=0.02, max_delay_s=0.05)
    (first,) = await start_times(throttle, 1)

    for _ in range(3):
        throttle.observe(ended(Reason.HTTP_429, http_status=429))
    times = await start_times(throttle, 2)

    assert min(gaps([first, *times])) >= 0.04 - EARLY_S
    assert throttle.state.delay_s == 0.02


async def test_a_widened_delay_is_narrowed_by_good_answers():
    throttle = make_throttle(delay_s=0.01, max_delay_s=0.02)
    throttle.observe(ended(Reason.HTTP_429, http_status=429))
    for _ in range(9):
        throttle.observe(ended(Reason.OK, http_status=200))

    times = await start_times(throttle, 2)

    assert throttle.state.widened_s == 0
    assert min(gaps(times)) >= 0.01 - EARLY_S


async def test_the_next_batch_starts_as_wide_as_the_former_ended():
    throttles = make_throttles("throttle.max_delay_s=9")
    throttles.load([HostState(host="a.test", widened_s=0.03)])

    times = await start_times(throttles.of("a.test"), 3)

    assert min(gaps(times)) >= 0.03 - EARLY_S
