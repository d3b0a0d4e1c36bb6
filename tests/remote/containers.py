"""What stands for the containers of a cluster: a process an attempt, begun by its spec's words.

In: a task's template as the backend gets it. Out: an `Attempt` and what it left in its folder:
`outputs.pb`, `error.pb`, or neither if its process died.

Source: the templates in `flyte._internal.runtime.task_serde`; the environment in
`flyte._bin.runtime`.
"""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from flyteidl2.common.identifier_pb2 import ActionIdentifier
from flyteidl2.core.execution_pb2 import (
    ContainerError,
    ErrorDocument,
    ExecutionError,
)
from flyteidl2.core.tasks_pb2 import TaskTemplate

from tests.remote.pool import Pool, Replica

__all__ = ["AT_ONCE", "Attempt", "Containers"]

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 3
GRACE_S = 5.0
"""What a process that was told to end gets for it."""


class Written(NamedTuple):
    """A file as it stood, and when it was written."""

    data: bytes
    at_ns: int


@dataclass
class Attempt:
    """One process that ran a task, and what it left."""

    action: ActionIdentifier
    number: int
    pid: int | None = None
    returncode: int | None = None
    output_uri: str = ""
    error: ExecutionError | None = None
    is_final: bool = False
    inputs: dict[str, Written] = field(default_factory=dict)
    """The `inputs.pb` of each action of the run, as they stood when it ended."""

    def started(self, pid: int) -> None:
        """Note which process runs it."""
        self.pid = pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal to its process and all that this started."""
        assert self.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Containers:
    """Runs tasks below a folder.

    Those of a reusable environment have a pool of so many replicas; without one, each has a
    process of its own too, at most `AT_ONCE` side by side: one that can be killed alone. With
    `bare` it begins in an empty folder: the code comes as a bundle, or not at all.
    """

    def __init__(self, folder: Path, *, endpoint: str, replicas: int) -> None:
        self.folder, self._endpoint, self._replicas = folder, endpoint, replicas
        self.began_at = datetime.now(UTC)
        self.given: dict[str, str] = {}
        """What the cluster gives to all containers: credentials, above all."""
        self.bare = False
        self.pool: Pool | None = None
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self, attempt: Attempt, template: TaskTemplate, *, input_uri: str) -> None:
        """Run an attempt to its end, or end it when this is cancelled."""
        outputs = self.base_of(attempt.action) / attempt.action.name / str(attempt.number + 1)
        outputs.mkdir(parents=True, exist_ok=True)
        words = _substituted(template, self._values(attempt, input_uri, outputs))
        environment = self._environment_of(attempt, template)
        if template.type != "actor":
            await self._run_alone(attempt, words, outputs, environment)
        elif self._replicas:
            pool = self.pool = self.pool or self._made(template, environment)
            attempt.returncode = await pool.run(words, outputs, attempt.started)
        else:
            async with self._places:
                await self._run_alone(attempt, words, outputs, environment)
        _judge(attempt, outputs)
        attempt.inputs = {
            path.parent.name: Written(path.read_bytes(), path.stat().st_mtime_ns)
            for path in self.base_of(attempt.action).glob("*/inputs.pb")
        }

    async def close(self) -> None:
        """End the pool."""
        if self.pool is not None:
            await self.pool.close()

    async def _run_alone(
        self, attempt: Attempt, words: list[str], outputs: Path, environment: dict[str, str]
    ) -> None:
        """Run an attempt in a process of its own: the SDK's entrypoint, as the container says."""
        cwd = outputs / "home" if self.bare else ROOT
        cwd.mkdir(exist_ok=True)
        with (outputs / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "flyte._bin.runtime", *words),
                cwd=cwd,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        attempt.started(process.pid)
        try:
            attempt.returncode = await process.wait()
        except asyncio.CancelledError:
            await _ended(attempt, process)
            raise

    def _made(self, template: TaskTemplate, environment: dict[str, str]) -> Pool:
        replicas = [
            Replica(self.folder, cwd=ROOT, environment=environment) for _ in range(self._replicas)
        ]
        return Pool(replicas, concurrency=template.reuse_policy.concurrency)

    def base_of(self, action: ActionIdentifier) -> Path:
        """Where a run keeps what crosses its tasks and traces."""
        return self.folder / action.run.name

    def _values(self, attempt: Attempt, input_uri: str, outputs: Path) -> dict[str, str]:
        former = outputs.with_name(str(attempt.number))
        return {
            "input": input_uri,
            "outputPrefix": str(outputs),
            "rawOutputDataPrefix": str(outputs / "raw"),
            "checkpointOutputPrefix": str(outputs / "checkpoint"),
            "prevCheckpointPrefix": str(former / "checkpoint") if attempt.number else "",
            "runName": attempt.action.run.name,
            "actionName": attempt.action.name,
            "runStartTime": self.began_at.isoformat(),
        }

    def _environment_of(self, attempt: Attempt, template: TaskTemplate) -> dict[str, str]:
        run = attempt.action.run
        own = {entry.key: entry.value for entry in template.container.env}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            # fsspec makes no folders of itself where a bucket needs none.
            "FSSPEC_FILE_AUTO_MKDIR": "1",
            "_U_EP_OVERRIDE": self._endpoint,
            "_U_INSECURE": "1",
            "_U_ORG_NAME": run.org,
            "FLYTE_INTERNAL_EXECUTION_PROJECT": run.project,
            "FLYTE_INTERNAL_EXECUTION_DOMAIN": run.domain,
            "RUN_NAME": run.name,
            "ACTION_NAME": attempt.action.name,
            "_U_RUN_BASE": str(self.base_of(attempt.action)),
            "FLYTE_ATTEMPT_NUMBER": str(attempt.number),
            **self.given,
            **own,
        }


def _substituted(template: TaskTemplate, values: dict[str, str]) -> list[str]:
    words = list(template.container.args)
    for name, value in values.items():
        words = [word.replace("{{." + name + "}}", value) for word in words]
    return words


def _judge(attempt: Attempt, outputs: Path) -> None:
    """Say what an attempt came to, by what it left."""
    if (outputs / "error.pb").exists():
        document = ErrorDocument.FromString((outputs / "error.pb").read_bytes())
        error = document.error
        attempt.error = ExecutionError(code=error.code, message=error.message, kind=error.origin)
        attempt.is_final = error.kind == ContainerError.NON_RECOVERABLE
    elif (outputs / "outputs.pb").exists() and attempt.returncode == 0:
        attempt.output_uri, attempt.is_final = str(outputs), True
    else:
        attempt.error = ExecutionError(
            code="Crashed",
            message=f"ended with {attempt.returncode}",
            kind=ExecutionError.SYSTEM,
        )


async def _ended(attempt: Attempt, process: asyncio.subprocess.Process) -> None:
    """End a process as a node does: told to first, killed later."""
    attempt.send(signal.SIGTERM)
    try:
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    except TimeoutError:
        attempt.send(signal.SIGKILL)
        await process.wait()
    attempt.returncode = process.returncode
