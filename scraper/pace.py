"""The pace of a host: what its answers make of its delay, its failures and its retries.

In: a host's state, an attempt, the settings. Out: the next state. A 429, a 503 or a silence
doubles the delay, up to `throttle.max_delay_s`; a good answer takes a tenth off again, never below
what is set or what robots.txt asks for. A burst counts once: what was asked before the last
widening says nothing new. Times are seconds since the epoch. Pure; no errors.

Source: additive increase, multiplicative decrease (of the rate), RFC 5681; Scrapy's AutoThrottle.
"""

from dataclasses import replace

from scraper.models import Attempt, HostState, Reason, Status
from scraper.settings_table import Retry, Throttle

__all__ = ["delay_of", "learned", "may_retry"]

_WIDER, _NARROWER = 2.0, 0.9
_FIRST_DELAY_S = 0.25
"""What a host without a delay is widened to, and narrowed from to none."""
_SERVICE_UNAVAILABLE = 503
_SILENCE = frozenset({Reason.TIMEOUT, Reason.DEADLINE})


def delay_of(state: HostState) -> float:
    """The seconds between two request starts: as set or asked for, or as widened."""
    return max(state.delay_s, state.widened_s)


def learned(state: HostState, attempt: Attempt, settings: Throttle) -> HostState:
    """A host's state after an attempt: failures in a row, retries spent, and its pace."""
    counted = replace(
        state,
        failures=_failures(state, attempt),
        asked=state.asked + (attempt.number > 0),
        retries=state.retries + (attempt.number > 1),
    )
    if _is_unwilling(attempt):
        return _widened(counted, attempt, settings.max_delay_s)
    return _narrowed(counted) if _is_good(attempt) else counted


def may_retry(state: HostState, retry: Retry) -> bool:
    """Whether a host has retries left in this run: some always, and a share of its requests."""
    return state.retries < retry.budget_min + retry.budget * state.asked


def _failures(state: HostState, attempt: Attempt) -> int:
    if attempt.carry_to is not None:
        return 0
    if attempt.reason.blames_host or attempt.reason is Reason.DEFERRED:
        return state.failures + 1
    return state.failures if attempt.reason.status is Status.SKIPPED else 0


def _is_unwilling(attempt: Attempt) -> bool:
    busy = attempt.reason is Reason.HTTP_429 or attempt.http_status == _SERVICE_UNAVAILABLE
    return busy or attempt.reason in _SILENCE


def _is_good(attempt: Attempt) -> bool:
    return attempt.reason.status in {Status.OK, Status.UNCHANGED}


def _widened(state: HostState, attempt: Attempt, max_delay_s: float) -> HostState:
    if attempt.at.timestamp() < state.widened_at:
        return state
    wider = min(max(delay_of(state) * _WIDER, _FIRST_DELAY_S), max_delay_s)
    if wider <= delay_of(state):
        return state
    ended_at = attempt.at.timestamp() + attempt.elapsed_s
    return replace(state, widened_s=wider, widened_at=ended_at)


def _narrowed(state: HostState) -> HostState:
    narrower = state.widened_s * _NARROWER
    is_back = narrower <= max(state.delay_s, _FIRST_DELAY_S / _WIDER)
    return replace(state, widened_s=0.0 if is_back else narrower)
