"""The warm pool of a reusable environment: so many replicas, each with so many tasks at once.

In: the words of a task's container. Out: how its replica ended, if it ended under the task; it is
begun again for the next one, as a pod would be.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

GRACE_S = 5.0
"""What a task that was cancelled gets for its end."""

__all__ = ["Pool", "Replica"]


class Replica:
    """One process of the pool, begun when the first task comes."""

    def __init__(self, folder: Path, *, cwd: Path, environment: dict[str, str]) -> None:
        self._folder, self._cwd, self._environment = folder, cwd, environment
        self._process: asyncio.subprocess.Process | None = None
        self._answers: asyncio.Task[None] | None = None
        self._tasks: dict[str, asyncio.Future[int]] = {}
        self._beginning = asyncio.Lock()
        self.begun, self.most = 0, 0

    async def run(self, words: list[str], outputs: Path, started: Callable[[int], None]) -> int:
        """Run a task; 0, or what its process ended with under it."""
        async with self._beginning:
            if self._process is None:
                await self._begin()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        started(process.pid)
        over = self._tasks[str(outputs)] = asyncio.get_running_loop().create_future()
        self.most = max(self.most, len(self._tasks))
        process.stdin.write(json.dumps(words).encode() + b"\n")
        try:
            return await asyncio.shield(over)
        except asyncio.CancelledError:
            process.stdin.write(json.dumps(str(outputs)).encode() + b"\n")
            await asyncio.wait([over], timeout=GRACE_S)
            raise

    async def close(self) -> None:
        """End its process."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if self._answers is not None:
            await self._answers

    async def _begin(self) -> None:
        self.begun += 1
        with (self._folder / f"replica-{id(self)}-{self.begun}.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.remote.replica"),
                cwd=self._cwd,
                env=self._environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._answers = asyncio.create_task(self._listen(self._process))

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self._tasks.pop(line.decode().strip()).set_result(0)
        returncode = await process.wait()
        self._process = None
        under_way, self._tasks = self._tasks, {}
        for over in under_way.values():
            over.set_result(returncode)


class Pool:
    """Hands each task to the replica that has the most room."""

    def __init__(self, replicas: list[Replica], *, concurrency: int) -> None:
        self.replicas = replicas
        self._room = dict.fromkeys(replicas, concurrency)
        self._places = asyncio.Semaphore(concurrency * len(replicas))

    async def run(self, words: list[str], outputs: Path, started: Callable[[int], None]) -> int:
        """Run a task in one of the replicas. Out: see `Replica.run`."""
        async with self._places:
            replica = max(self._room, key=lambda each: self._room[each])
            self._room[replica] -= 1
            try:
                return await replica.run(words, outputs, started)
            finally:
                self._room[replica] += 1

    async def close(self) -> None:
        """End all replicas."""
        for replica in self.replicas:
            await replica.close()
