"""What Ctrl-C and SIGTERM do: stop a run in good order, or end a command without a traceback.

The first signal sets the stop flag that all loops of a run look at; the second one ends the
process at once. So does a watchdog when the end takes too long, whatever hangs: a run can be
killed at any instant. A run on a cluster goes on when who follows it leaves. The exit code is
always 130. Times in seconds.

Source: signal(7); Python runs handlers in the main thread, between two instructions.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from scraper.stopping import DRAIN_S, StopFlag

__all__ = ["INTERRUPTED", "ending_at_once", "leaving_run", "orderly_end", "stopping_run"]

INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ONE_INTERRUPT_S = 0.3
_AFTER_DRAIN_S = 5.0
"""What flushing, a last step of publishing, Flyte's own end may take beyond the drain."""

Handler = Callable[[int, FrameType | None], object]


@contextmanager
def ending_at_once() -> Iterator[None]:
    """While nothing is to be finished, while modules are imported, a signal ends the process."""
    with _handled(lambda _number, _frame: os._exit(INTERRUPTED)):
        yield


@contextmanager
def orderly_end() -> Iterator[None]:
    """A signal ends the command, with all that it does at its end, and says nothing."""
    with _handled(_exit):
        yield


@contextmanager
def stopping_run(stop: StopFlag, *, go_on: str) -> Iterator[None]:
    """The first signal asks a run to stop, the second one ends the process at once.

    Args:
        stop: the flag of the run.
        go_on: the line that says how to go on, for when the run can't say it itself.
    """
    asked_at: list[float] = []
    watchdog = threading.Timer(DRAIN_S + _AFTER_DRAIN_S, _leave, args=(go_on,))
    watchdog.daemon = True

    def handle(_number: int, _frame: FrameType | None) -> None:
        if asked_at:
            # A terminal or `timeout` may send one interrupt twice.
            if time.monotonic() - asked_at[0] > _ONE_INTERRUPT_S:
                _leave(go_on)
            return
        asked_at.append(time.monotonic())
        _write("\nstopping: what is under way is finished; once more to end at once")
        stop.set()
        watchdog.start()

    with _handled(handle):
        try:
            yield
        finally:
            watchdog.cancel()


@contextmanager
def leaving_run(line: str) -> Iterator[None]:
    """A signal ends the command at once, with this line; what it waits for runs elsewhere."""
    with _handled(lambda _number, _frame: _leave(line)):
        yield


def _exit(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(INTERRUPTED)


def _leave(go_on: str) -> NoReturn:
    _write(go_on)
    os._exit(INTERRUPTED)


def _write(line: str) -> None:
    """Write to stderr past its buffer, whose lock the interrupted thread may have."""
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, known in former.items():
            signal.signal(number, known)
