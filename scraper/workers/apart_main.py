"""The process of its own in which work over a whole list is done: one work, one answer, its end.

It obeys the parent's stop message, and ends on the spot when the parent is gone.

    python -m scraper.workers.apart_main
"""

import os
import queue
from concurrent.futures import ThreadPoolExecutor

from scraper.stopping import StopFlag
from scraper.workers.apart_work import Done, NextWave, Plan, Publish, Work
from scraper.workers.child import take_pipes
from scraper.workers.messages import Ready, Stop, portable

__all__ = ["main"]


def main() -> None:
    """Do the work that comes and tell what became of it."""
    pipes, works, stop = take_pipes(), queue.SimpleQueue[Work](), StopFlag()

    def take(message: object) -> None:
        match message:
            case Stop():
                stop.set()
            case Plan() | NextWave() | Publish():
                works.put(message)

    pipes.listen(take)
    pipes.send(Ready())
    pipes.send(_done(works.get(), stop))
    # Nothing is left to be done, and the interpreter's own end takes its time.
    os._exit(0)


def _done(work: Work, stop: StopFlag) -> Done:
    """What became of it; whatever was raised is raised again where it belongs."""
    with ThreadPoolExecutor(1) as thread:
        doing = thread.submit(work.do, stop)
        error = doing.exception()
    return Done(error=portable(error)) if error is not None else Done(value=doing.result())


if __name__ == "__main__":
    main()
