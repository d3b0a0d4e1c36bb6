"""A command → what it took: wall time, CPU and memory of its whole process tree.

The tree is the command's session: children that outlive their parent count too. CPU is what the
system says of it and its waited-for children (user and system); memory is the sum of the
proportional set sizes (shared pages once), looked at every 50 ms, or of the resident sizes where
the system has no PSS. Seconds and bytes. Linux only.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import IO

__all__ = ["Failed", "Taken", "pinned", "run_measured", "split_cores"]

_SAMPLE_S = 0.05
_PROC = Path("/proc")


class Failed(Exception):
    """A command ended with another code than 0; its last words are the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a run of a command took."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def split_cores() -> tuple[set[int], set[int]]:
    """The core for the tools, and those for the origin and the harness: others, if there are."""
    cores = sorted(os.sched_getaffinity(0))
    return {cores[0]}, set(cores[1:]) or {cores[0]}


def pinned(cpus: set[int]) -> Callable[[], None]:
    """What a new process does first to stay on these cores."""
    return lambda: os.sched_setaffinity(0, cpus)


def run_measured(command: Sequence[str | Path], *, cpus: set[int]) -> Taken:
    """Run a command to its end on these cores.

    Raises:
        Failed: it didn't end well.
    """
    with Path(os.devnull).open() as nothing:
        start = perf_counter()
        process = subprocess.Popen(
            command,
            stdin=nothing,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=pinned(cpus),
        )
        said: list[bytes] = []
        reader = threading.Thread(target=_keep_tail, args=(process.stdout, said))
        reader.start()
        with _peak_of(process.pid) as peak:
            _, status, usage = os.wait4(process.pid, 0)
            wall_s = perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        reader.join()
    if process.returncode != 0:
        raise Failed(f"exit code {process.returncode}: {b''.join(said).decode(errors='replace')}")
    return Taken(wall_s=wall_s, cpu_s=usage.ru_utime + usage.ru_stime, peak_bytes=peak[0])


def _keep_tail(stream: IO[bytes] | None, said: list[bytes]) -> None:
    """Drain what a command prints, and keep the last lines."""
    assert stream is not None
    with stream:
        for line in stream:
            said.append(line)
            del said[:-20]


@contextmanager
def _peak_of(session: int) -> Iterator[list[int]]:
    """Look at a session's memory until the block ends."""
    peak, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(_SAMPLE_S):
            peak[0] = max(peak[0], sum(_bytes_of(pid) for pid in _members(session)))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def _members(session: int) -> Iterator[str]:
    """The processes of a session."""
    for entry in os.listdir(_PROC):  # noqa: PTH208  # a path an entry costs too much here
        if entry.isdigit() and int(entry) >= session:
            # The name before the last bracket may hold anything.
            fields = _read(entry, "stat").rpartition(")")[2].split()
            if len(fields) > 3 and fields[3] == str(session):
                yield entry


def _bytes_of(pid: str) -> int:
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    resident = _read(pid, "statm").split()[1:2]
    return int(resident[0]) * os.sysconf("SC_PAGESIZE") if resident else 0


def _read(pid: str, name: str) -> str:
    """A file of a process; empty if it has ended meanwhile."""
    try:
        return (_PROC / pid / name).read_text(errors="replace")
    except OSError:
        return ""
