from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.models import Attempt, HostState, Reason
from scraper.pace import delay_of, learned, may_retry
from scraper.settings_table import Retry, Throttle
from tests.scraper.throttles import AT, AT_S, ended

BUSY = {"reason": Reason.HTTP_5XX, "http_status": 503}
TOO_MANY = {"reason": Reason.HTTP_429, "http_status": 429}
GOOD = {"reason": Reason.OK, "http_status": 200}


def at(second: float, *, elapsed_s: float = 0.0, **fields: object) -> Attempt:
    reason = fields.pop("reason")
    assert isinstance(reason, Reason)
    return ended(reason, at=AT + timedelta(seconds=second), elapsed_s=elapsed_s, **fields)


def paced(*attempts: Attempt, delay_s: float = 1.0, max_delay_s: float = 60.0) -> HostState:
    state = HostState(host="a.test", delay_s=delay_s)
    for attempt in attempts:
        state = learned(state, attempt, Throttle(max_delay_s=max_delay_s))
    return state


WIDENS = {
    "429": (TOO_MANY, 2.0),
    "503": (BUSY, 2.0),
    "a silence": ({"reason": Reason.TIMEOUT}, 2.0),
    "an answer without end": ({"reason": Reason.DEADLINE}, 2.0),
    "503 that asks for too long a wait": (
        {"reason": Reason.DEFERRED, "http_status": 503, "retry_after_s": 999.0},
        2.0,
    ),
    "500": ({"reason": Reason.HTTP_5XX, "http_status": 500}, 1.0),
    "404": ({"reason": Reason.HTTP_4XX, "http_status": 404}, 1.0),
    "no connection": ({"reason": Reason.CONNECT}, 1.0),
    "robots.txt": ({"reason": Reason.ROBOTS_DISALLOWED}, 1.0),
    "a good answer": (GOOD, 1.0),
}


@pytest.mark.parametrize(("fields", "delay_s"), WIDENS.values(), ids=WIDENS)
def test_what_widens_the_delay(fields, delay_s):
    assert delay_of(paced(at(0, **fields))) == delay_s


def test_troubles_in_a_row_double_it_up_to_the_cap():
    troubles = [at(second, **BUSY) for second in range(8)]
    delays = [delay_of(paced(*troubles[:count])) for count in range(9)]
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_host_without_a_delay_gets_one():
    assert [delay_of(paced(*[at(n, **BUSY) for n in range(count)], delay_s=0))
            for count in range(4)] == [0, 0.25, 0.5, 1.0]  # fmt: skip


def test_a_cap_of_nothing_widens_nothing():
    assert delay_of(paced(at(0, **BUSY), delay_s=0, max_delay_s=0)) == 0


def test_a_cap_below_the_set_delay_never_shortens_it():
    assert delay_of(paced(at(0, **BUSY), delay_s=90)) == 90


def test_a_burst_counts_once():
    """Four that were under way together: the host said one thing four times."""
    burst = [at(n / 10, elapsed_s=2, **TOO_MANY) for n in range(4)]
    assert delay_of(paced(*burst)) == 2
    assert delay_of(paced(*burst, at(3, **TOO_MANY))) == 4


def test_good_answers_narrow_it_slowly_back_to_what_is_set():
    state, delays = paced(at(0, **BUSY), at(1, **BUSY)), []
    while state.widened_s:
        state = learned(state, at(2, **GOOD), Throttle())
        delays.append(delay_of(state))
    assert delays == sorted(delays, reverse=True)
    assert delays[0] == 3.6
    assert delays[-1] == 1.0
    assert 10 < len(delays) < 20


@pytest.mark.parametrize("fields", [
    {"reason": Reason.HTTP_4XX, "http_status": 403},
    {"reason": Reason.CONNECT},
    {"reason": Reason.ROBOTS_DISALLOWED},
    {"reason": Reason.DEFERRED, "http_status": 302, "carry_to": "http://b.test/"},
], ids=lambda fields: str(fields["reason"]))  # fmt: skip
def test_only_good_answers_narrow_it(fields):
    widened = paced(at(0, **BUSY))
    assert delay_of(learned(widened, at(1, **fields), Throttle())) == 2


@given(
    st.lists(st.sampled_from([BUSY, TOO_MANY, GOOD, {"reason": Reason.CONNECT}]), max_size=60),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_the_delay_is_never_below_the_set_one_nor_above_the_cap(answers, delay_s, max_delay_s):
    attempts = [at(second, **fields) for second, fields in enumerate(answers)]
    state = paced(*attempts, delay_s=delay_s, max_delay_s=max_delay_s)
    assert delay_s <= delay_of(state) <= max(delay_s, max_delay_s)


def test_when_it_was_widened_is_when_the_answer_came():
    state = paced(at(1, elapsed_s=2, **BUSY))
    assert state == HostState(
        host="a.test", delay_s=1, failures=1, asked=1, widened_s=2, widened_at=AT_S + 3
    )


@pytest.mark.parametrize(
    ("number", "asked", "retries"), [(0, 0, 0), (1, 1, 0), (2, 1, 1), (3, 1, 1)]
)
def test_attempts_after_the_first_are_retries(number, asked, retries):
    state = learned(HostState(host="a.test"), _numbered(number), Throttle())
    assert (state.asked, state.retries) == (asked, retries)


def _numbered(number: int) -> Attempt:
    return Attempt(row=1, url="http://a.test/", number=number, reason=Reason.OK, at=AT)


BUDGETS = {
    "a few are always allowed": (0, 9, 10, True),
    "and no more": (0, 10, 10, False),
    "a share of the requests": (1000, 209, 10, True),
    "and no more than that": (1000, 210, 10, False),
    "none at all": (0, 0, 0, False),
}


@pytest.mark.parametrize(("asked", "retries", "least", "left"), BUDGETS.values(), ids=BUDGETS)
def test_the_budget_of_retries(asked, retries, least, left):
    state = HostState(host="a.test", asked=asked, retries=retries)
    assert may_retry(state, Retry(budget=0.2, budget_min=least)) is left
