"""Processes under test: which there are, and when they are gone."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

DEADLINE_S = 60


def children_of(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    found: list[int] = []
    for thread in _threads_of(pid):
        try:
            children = [int(word) for word in (thread / "children").read_text().split()]
        except OSError:  # the thread, or all of it, is gone
            continue
        for child in children:
            found += [child, *children_of(child)]
    return found


def _threads_of(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:  # it is gone
        return []


def module_of(pid: int) -> str:
    """The module that a Python process was started with."""
    return command_of(pid).partition("-m\0")[2].strip("\0")


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, holds
        time.sleep(0.01)


async def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, holds
        await asyncio.sleep(0.01)
