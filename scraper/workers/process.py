"""The outer side of a process that we start: spawned, never forked, spoken to by messages.

In: a module's name. Out: a process that runs it with our interpreter, our import path and our
stderr. It belongs to the running loop, and ends when this process does.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from scraper.workers.messages import HEAD_BYTES, frame_length, framed, unframed

__all__ = ["Child", "ChildEnded", "start_child"]

_START_S = 120.0
_DYING_S = 2.0
"""How long a process may take from the end of its pipe to its own."""

_BUFFER_BYTES = 1_048_576


class ChildEnded(Exception):
    """The process is gone; the message says how. `code` is negative for a signal."""

    def __init__(self, code: int) -> None:
        self.code = code
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        super().__init__(how)


class Child:
    """A process of ours. Made by `start_child`."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        reader: asyncio.StreamReader,
        pipes: tuple[asyncio.ReadTransport, asyncio.WriteTransport],
    ) -> None:
        self._process, self._reader = process, reader
        self._received, self._sent = pipes
        self._pending = bytearray()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, *messages: object) -> None:
        """Send messages, in one write; that nobody is there to take them is told by `receive`."""
        if messages and not self._sent.is_closing():
            self._sent.write(b"".join(map(framed, messages)))

    async def receive(self, *, within_s: float | None = None) -> object:
        """Wait for its next message; there are none after its end.

        Raises:
            ChildEnded: there won't be one.
            TimeoutError: there was none in so many seconds.
        """
        while (data := self._whole()) is None:
            async with asyncio.timeout(within_s):
                piece = await self._reader.read(_BUFFER_BYTES)
            if not piece:
                raise ChildEnded(await self.end(grace_s=_DYING_S))
            self._pending += piece
        return unframed(data)

    def _whole(self) -> bytes | None:
        """The next frame's data, taken from what has come, if it is there whole."""
        end = HEAD_BYTES + frame_length(bytes(self._pending[:HEAD_BYTES]))
        if len(self._pending) < max(end, HEAD_BYTES + 1):
            return None
        data = bytes(self._pending[HEAD_BYTES:end])
        del self._pending[:end]
        return data

    async def end(self, *, grace_s: float = 0.0) -> int:
        """Wait for its end, after `grace_s` seconds by force; give its exit code."""
        try:
            return await asyncio.shield(asyncio.to_thread(self._wait, grace_s))
        finally:
            # It closes by itself when the other end does.
            if not self._sent.is_closing():
                self._sent.abort()
            self._received.close()

    def _wait(self, grace_s: float) -> int:
        try:
            return self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


async def start_child(module: str) -> Child:
    """Start a process that runs a module, and wait for its first word.

    Raises:
        OSError: it can't be started; `ChildProcessError` when it ended, or said nothing in time.
    """
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=_BUFFER_BYTES)
    process = _spawn(module)
    received, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), process.stdout
    )
    sent, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, process.stdin)
    child, is_ready = Child(process, reader, (received, sent)), False
    try:
        await child.receive(within_s=_START_S)
        is_ready = True
    except (ChildEnded, TimeoutError) as error:
        raise ChildProcessError(f"{module} could not be started: {error}") from error
    finally:
        if not is_ready:
            await child.end()
    return child


def _spawn(module: str) -> "subprocess.Popen[bytes]":
    # As our own import path, whatever has been added to it; `-P`: no folder of the user's first.
    path = os.pathsep.join(folder or str(Path.cwd()) for folder in sys.path)
    # Blocked, so that a Ctrl-C can't hit it before it has said that it leaves that to us.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=os.environ | {"PYTHONPATH": path},
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
