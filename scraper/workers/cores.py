"""How many cores this process may use, and how many workers a run gets.

Source: sched_getaffinity(2); the kernel's cgroup-v2 (`cpu.max`) and sched-bwc (v1) documents;
Python's `PYTHON_CPU_COUNT`, by which a container says what it asked for.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

from scraper.errors import ConfigError
from scraper.fetch.mocks import active_mocks

__all__ = ["usable_cores", "workers_of"]


def workers_of(setting: int | None) -> int:
    """The number of worker processes; 1 means none: the work is done in this process.

    Args:
        setting: `batch.workers`; none means as many as there are cores for us.

    Raises:
        ConfigError: worker processes were asked for under an active respx mock, which they would
            know nothing of.
    """
    if not active_mocks():
        return setting or usable_cores()
    if setting not in {None, 1}:
        raise ConfigError(
            f"batch.workers = {setting} under an active respx mock: worker processes would bypass "
            "it and ask the network: set batch.workers=1, or leave it out"
        )
    return 1


def usable_cores(*, root: Path = Path("/")) -> int:
    """The cores that this process may use, at least 1; a part of one is one. Raises: nothing."""
    told = os.environ.get("PYTHON_CPU_COUNT", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    # macOS has no affinity.
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, math.ceil(min([cores, *_limits(root)])))


def _limits(root: Path) -> Iterator[float]:
    """The CPU limits of our control groups and of all above them, in cores."""
    mounts = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers in {"", "cpu", "cpu,cpuacct", "cpuacct,cpu"}:
            mount = mounts / controllers
            for folder in _folders(mount, path):
                yield from _limit(_text(folder / "cpu.max").split())
                quota = _text(folder / "cpu.cfs_quota_us") + " "
                yield from _limit((quota + _text(folder / "cpu.cfs_period_us")).split())


def _folders(mount: Path, path: str) -> Iterator[Path]:
    """A control group's folder and those above it.

    Inside a container the path may be the machine's: then the mount itself is our group.
    """
    group = mount.joinpath(*(part for part in path.split("/") if part not in {"", ".."}))
    yield group
    while group != mount:
        group = group.parent
        yield group


def _limit(words: list[str]) -> Iterator[float]:
    """A quota and its period, in microseconds; `max` or -1 is no limit."""
    if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]):
        yield int(words[0]) / int(words[1])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
