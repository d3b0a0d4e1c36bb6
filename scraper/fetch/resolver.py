"""Names looked up in threads of our own, remembered for a while, checked before they are given out.

In: a name. Out: those of its addresses that the guard allows. One look-up serves all that want
the same name; answers are kept for a minute, that there is none for a few seconds, at most so
many of both. What takes too long is an error of DNS: a dead name server hangs nobody.

Source: RFC 2308 (negative caching); RFC 6761, section 6.3 (localhost).
"""

import asyncio
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

from scraper.fetch.addresses import (
    LOOPBACK,
    AddressGuard,
    BlockedAddress,
    Verdict,
    is_localhost,
    plain_host,
)

__all__ = ["GuardedResolver", "LookUp"]

LookUp = Callable[[str, int, int, int, int, int], list[tuple[int, int, int, str, tuple[str, int]]]]
Name = tuple[str, int]

_THREADS = 64
_MOST_KEPT = 10_000
_KEPT_S, _KEPT_FAILED_S = 60.0, 5.0


class GuardedResolver(AbstractResolver):
    """Looks names up and returns only those addresses that the guard allows.

    Args:
        guard: decides.
        timeout_s: of one look-up.
        look_up: `socket.getaddrinfo`, run in threads of its own: the loop's are few, and one slow
            name server would hold all others up.
        clock: seconds, for how long answers are kept.
    """

    def __init__(
        self,
        guard: AddressGuard,
        *,
        timeout_s: float = 10.0,
        look_up: LookUp = socket.getaddrinfo,  # type: ignore[assignment]  # IPv6 has four parts
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guard, self._timeout_s, self._look_up = guard, timeout_s, look_up
        self._clock = clock
        self._threads: ThreadPoolExecutor | None = None
        self._asking: dict[Name, asyncio.Task[list[str]]] = {}
        self._kept: dict[Name, tuple[float, list[str] | OSError]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The allowed addresses of a host; `localhost` is answered here, without asking DNS.

        Raises:
            BlockedAddress: it has addresses, but none that may be asked.
            OSError: it has none, or no name server answered in time.
        """
        is_here = is_localhost(plain_host(host))
        found = [str(LOOPBACK)] if is_here else await self._found((host, family))
        verdicts = {ip: self._guard.address_verdict(host, ip) for ip in found}
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        if "ok" not in verdicts.values():
            refused: Verdict = "blocked" if "blocked" in verdicts.values() else "out_of_scope"
            raise BlockedAddress(host, refused)
        return [_result(host, ip, port) for ip, verdict in verdicts.items() if verdict == "ok"]

    async def close(self) -> None:
        """End the threads as soon as their look-ups do. Raises: nothing."""
        for task in self._asking.values():
            task.cancel()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _found(self, name: Name) -> list[str]:
        ends_at, kept = self._kept.get(name, (0.0, []))
        if self._clock() >= ends_at:
            task = self._asking.get(name) or self._ask(name)
            # Who is cancelled takes the answer from nobody else.
            kept = await asyncio.shield(task)
        if isinstance(kept, OSError):
            # An error that is raised twice would gather the traces of both.
            raise type(kept)(*kept.args)
        return kept

    def _ask(self, name: Name) -> "asyncio.Task[list[str]]":
        task = asyncio.create_task(self._answer(name))
        self._asking[name] = task
        task.add_done_callback(lambda done: self._keep(name, done))
        return task

    def _keep(self, name: Name, done: "asyncio.Task[list[str]]") -> None:
        del self._asking[name]
        if done.cancelled():
            return
        error = done.exception()
        if error is not None and not isinstance(error, OSError):
            return
        self._kept.pop(name, None)
        while len(self._kept) >= _MOST_KEPT:
            # The oldest answer ends first, or has ended already.
            del self._kept[next(iter(self._kept))]
        kept_s = _KEPT_S if error is None else _KEPT_FAILED_S
        self._kept[name] = (self._clock() + kept_s, done.result() if error is None else error)

    async def _answer(self, name: Name) -> list[str]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="dns")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                rows = await loop.run_in_executor(self._threads, self._rows, *name)
        except TimeoutError:
            # Not its cause: that would be told from it, and a timeout is another reason.
            raise socket.gaierror(socket.EAI_AGAIN, "no name server answered in time") from None
        return [row[4][0] for row in rows]

    def _rows(self, host: str, family: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        try:
            return self._look_up(host, 0, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        except UnicodeError as error:
            # A label that is empty or too long for DNS.
            raise socket.gaierror(socket.EAI_NONAME, "not a name of DNS") from error


def _result(host: str, ip: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=flags)
