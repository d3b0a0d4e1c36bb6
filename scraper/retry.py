"""The retry policy of attempts: tenacity decides whether a seed is asked again, and how long after.

Only what is transient is tried again, after an exponential backoff with full jitter. Where the
server said when, its word wins: the host's throttle holds everybody back, and nothing is added.
"""

from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt, wait_random_exponential

from scraper.models import Attempt
from scraper.settings_table import Retry

__all__ = ["retrying"]


def retrying(
    retry: Retry,
    *,
    calls: int,
    may_retry: Callable[[], bool],
    sleep: Callable[[float], Awaitable[None]],
) -> AsyncRetrying:
    """A policy that gives the last attempt, whatever it ended in.

    Args:
        retry: how long the longest wait is.
        calls: attempts that may be made in all.
        may_retry: whether its host allows it; asked once for each attempt that would be made.
        sleep: waits; the stop flag's own.
    """

    def is_worth_another(state: RetryCallState) -> bool:
        assert state.outcome is not None
        if state.outcome.failed:
            return False
        is_last = state.attempt_number >= calls
        return not is_last and _result(state).is_pending and may_retry()

    return AsyncRetrying(
        retry=is_worth_another,
        stop=stop_after_attempt(calls),
        wait=_Backoff(retry.max_wait_s),
        sleep=sleep,
        retry_error_callback=_result,
    )


class _Backoff:
    def __init__(self, max_wait_s: float) -> None:
        self._wait = wait_random_exponential(multiplier=1, max=max_wait_s)

    def __call__(self, state: RetryCallState) -> float:
        return 0.0 if _result(state).retry_after_s is not None else self._wait(state)


def _result(state: RetryCallState) -> Attempt:
    assert state.outcome is not None
    result = state.outcome.result()
    assert isinstance(result, Attempt)
    return result
