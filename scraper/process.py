"""Who a process is, so that another one on the same machine can tell whether it is gone.

Out: `ThisProcess`, small enough for a lease. A process number is used again, and means something
else in another container or after a reboot: so boot, namespace and start time go with it.
Raises nothing. What a system doesn't tell is empty.

Source: proc(5), field 22 of /proc/PID/stat; machine-id(5).
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ThisProcess", "is_gone", "this_process"]

_PROC = Path("/proc")
_DEAD_STATES = {"Z", "X"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ThisProcess:
    """A process, as it can be told apart from all others."""

    host: str
    machine: str
    boot: str
    namespace: str
    pid: int
    started: str


def this_process() -> ThisProcess:
    """The process that asks. Raises: nothing."""
    _, started = _stat(os.getpid())
    return ThisProcess(
        host=socket.gethostname(),
        machine=_text(Path("/etc/machine-id")),
        boot=_text(_PROC / "sys/kernel/random/boot_id"),
        namespace=_namespace(),
        pid=os.getpid(),
        started=started,
    )


def is_gone(process: ThisProcess) -> bool:
    """Whether a process is known to be over; one of another machine never is. Raises: nothing."""
    here = this_process()
    if (process.host, process.machine) != (here.host, here.machine):
        return False
    if process.boot != here.boot:
        # Without a number of its own a machine's name alone may be that of many.
        return bool(here.machine and process.boot)
    if process.namespace != here.namespace:
        return False
    if not here.started:
        return not _exists(process.pid)
    state, started = _stat(process.pid)
    return state in _DEAD_STATES or started != process.started


def _stat(pid: int) -> tuple[str, str]:
    """A process's state and start time; both empty if there is none such."""
    # The name in parentheses may hold anything, parentheses too.
    fields = _text(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else ("", "")


def _namespace() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    """The same where there is no /proc: a number that is used again counts as alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
