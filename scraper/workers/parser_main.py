"""The parser's process: pages by their places in the archive come in, their lines go out.

One page at a time, in order. A page that takes longer than the deadline is ended by the kernel's
alarm, and this process with it: that works whoever holds the interpreter, and also when the
parent is gone. It reads the store, and never writes to it.

    python -m scraper.workers.parser_main
"""

import queue
import signal

from scraper.errors import ScraperError
from scraper.garbage import collect_rarely
from scraper.parse import parse
from scraper.parsing import Parsed, ParseJob
from scraper.store import Store
from scraper.workers.child import take_pipes
from scraper.workers.messages import Ready, Setup, portable

__all__ = ["main"]

_LONGEST_S = 604_800.0


def main() -> None:
    """Serve the parent until it is gone."""
    pipes, messages = take_pipes(), queue.SimpleQueue[object]()
    collect_rarely()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    pipes.listen(messages.put)
    pipes.send(Ready())
    setup = messages.get()
    assert isinstance(setup, Setup)
    store, deadline_s = Store(setup.store), min(setup.deadline_s, _LONGEST_S)
    while True:
        job = messages.get()
        assert isinstance(job, ParseJob)
        signal.setitimer(signal.ITIMER_REAL, deadline_s)
        try:
            answer: Parsed | BaseException = parse(store, setup.sites, job)
        except ScraperError as error:
            answer = portable(error)
        signal.setitimer(signal.ITIMER_REAL, 0)
        pipes.send(answer)


if __name__ == "__main__":
    main()
