"""The inner side of a process that we started: its pipes, and its end when its parent is gone.

Stdin brings messages and stdout takes them; whatever else prints goes to stderr. The reader is a
thread: it sees the end of the pipe also while the loop is busy, and then ends the process on the
spot, so that a killed parent leaves nobody who writes on.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from typing import BinaryIO

from scraper.workers.messages import framed, read_frame

__all__ = ["Pipes", "take_pipes"]

ORPHANED = 70
"""Exit code of a process whose parent is gone (EX_SOFTWARE)."""


class Pipes:
    """The two pipes to the parent. Made by `take_pipes`."""

    def __init__(self, received: BinaryIO, sent: BinaryIO) -> None:
        self._received, self._sent = received, sent

    def send(self, message: object) -> None:
        """Send a message whole. Ends the process if the parent is gone."""
        try:
            self._sent.write(framed(message))
            self._sent.flush()
        except BrokenPipeError:
            os._exit(ORPHANED)

    def listen(self, take: Callable[[object], object]) -> None:
        """Hand on each message from now on, in a thread; end the process with the pipe."""

        def read() -> None:
            # The other end may be gone in the middle of a message.
            with contextlib.suppress(EOFError, OSError):
                while True:
                    take(read_frame(self._received))
            os._exit(ORPHANED)

        threading.Thread(target=read, name="parent", daemon=True).start()


def take_pipes() -> Pipes:
    """Reserve stdin and stdout for messages, and leave a terminal's Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    received, sent = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return Pipes(received, sent)
