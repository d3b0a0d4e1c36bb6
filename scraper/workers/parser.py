"""The parser beside a session: pages are parsed in a process that can be stopped.

Rows in, their lines out in the same order, several in flight; bodies don't pass through here. A
page that takes too long, or that the parser dies of, costs that page: it is `failed/parse`, the
rest goes to a new process. One that the parser died of is first tried once more, alone.
"""

import asyncio
import signal
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from scraper.parse import parse_failed, without_page
from scraper.parsing import Parsed, ParseJob
from scraper.workers.messages import Setup
from scraper.workers.process import Child, ChildEnded, start_child

__all__ = ["Parser", "open_parser"]

_IN_FLIGHT = 16
"""Pages of one batch that are at the parser, or wait for those before them."""

_SILENCE_S = 60.0
"""What a parser may be late beyond a page's deadline: it ends itself, unless it is halted."""


@dataclass(slots=True)
class _Page:
    job: ParseJob
    parsed: "asyncio.Future[Parsed]"
    deaths: int = 0


class Parser:
    """A parser process and the pages that wait for it. Made by `open_parser`."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._child: Child | None = None
        self._waiting: deque[_Page] = deque()
        self._sent = 0
        self._has_work = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The id of the parser's process, while there is one."""
        return self._child.pid if self._child is not None else None

    @property
    def waiting(self) -> int:
        """How many pages wait for their lines."""
        return len(self._waiting)

    async def parse(self, jobs: Iterable[ParseJob]) -> AsyncGenerator[Parsed, None]:
        """Parse rows; see `scraper.parsing.Parse`.

        Raises:
            StoreError: the archive can't be read.
            OSError: no process can be started.
        """
        window: deque[asyncio.Future[Parsed]] = deque()
        try:
            for job in jobs:
                window.append(self._take(job))
                if len(window) < _IN_FLIGHT:
                    continue
                # Half of them go in one write: each one wakes the process.
                self._send()
                while len(window) > _IN_FLIGHT // 2:
                    yield await _turn(window)
            self._send()
            while window:
                yield await _turn(window)
        finally:
            for parsed in window:
                # One that failed meanwhile is told by the one that failed first.
                if not parsed.cancel():
                    parsed.exception()

    async def work(self) -> None:
        """Keep a process for the pages that come, until cancelled."""
        try:
            while True:
                await self._serve()
                if not self._waiting:
                    self._has_work.clear()
                    await self._has_work.wait()
        finally:
            self._fail(RuntimeError("the parser was closed"))
            if self._child is not None:
                await self._child.end()

    def _take(self, job: ParseJob) -> "asyncio.Future[Parsed]":
        page = _Page(job, asyncio.get_running_loop().create_future())
        if job.place is None:
            page.parsed.set_result(without_page(job))
        else:
            self._waiting.append(page)
            self._has_work.set()
        return page.parsed

    def _send(self) -> None:
        """Send what may be sent: a page that a parser died of goes alone."""
        if self._child is None:
            return
        is_suspect = bool(self._waiting) and self._waiting[0].deaths > 0
        due = list(islice(self._waiting, self._sent, 1 if is_suspect else None))
        self._child.send(*(page.job for page in due))
        self._sent += len(due)

    async def _serve(self) -> None:
        """Have a process, and take its answers until nothing waits or it is gone."""
        try:
            if self._child is None:
                self._child = await start_child("scraper.workers.parser_main")
                self._child.send(self._setup)
                self._send()
            while self._waiting:
                answer = await self._answer(self._child)
                _settle(self._waiting.popleft(), answer)
                self._sent -= 1
                self._send()
        except ChildEnded as ended:
            self._child, self._sent = None, 0
            self._judge(ended)
        except OSError as error:
            self._fail(error)

    async def _answer(self, child: Child) -> object:
        try:
            return await child.receive(within_s=self._setup.deadline_s + _SILENCE_S)
        except TimeoutError:
            await child.end()
            raise ChildEnded(-signal.SIGALRM) from None

    def _judge(self, ended: ChildEnded) -> None:
        """Pages are parsed in turn: the first one that waits is the one that it ended over."""
        page = self._waiting[0]
        page.deaths += 1
        if ended.code == -signal.SIGALRM:
            limit = f"{self._setup.deadline_s:g} s (batch.parse_deadline_s)"
            detail = f"parsing took longer than {limit}"
        elif page.deaths > 1:
            detail = f"the parser died of this page, twice: {ended}"
        else:
            return
        _settle(self._waiting.popleft(), parse_failed(page.job, detail))

    def _fail(self, error: Exception) -> None:
        while self._waiting:
            _settle(self._waiting.popleft(), error)


async def _turn(window: "deque[asyncio.Future[Parsed]]") -> Parsed:
    """The next row in order; the loop gets its turn also where nothing has to be waited for."""
    await asyncio.sleep(0)
    return await window.popleft()


def _settle(page: _Page, answer: object) -> None:
    if page.parsed.done():
        return
    if isinstance(answer, Exception):
        page.parsed.set_exception(answer)
    else:
        assert isinstance(answer, Parsed)
        page.parsed.set_result(answer)


@asynccontextmanager
async def open_parser(setup: Setup) -> AsyncIterator[Parser]:
    """A parser for the rows of one run; its process starts at once, beside the fetching."""
    parser = Parser(setup)
    work = asyncio.create_task(parser.work())
    try:
        yield parser
    finally:
        work.cancel()
        await asyncio.wait([work])
