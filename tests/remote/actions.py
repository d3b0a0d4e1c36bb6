"""The actions of a run, as a control plane knows them."""

import asyncio
import signal
from dataclasses import dataclass, field

from flyteidl2.common.identifier_pb2 import ActionIdentifier
from flyteidl2.common.phase_pb2 import ActionPhase
from flyteidl2.core.execution_pb2 import ExecutionError
from flyteidl2.task.task_definition_pb2 import TaskSpec
from flyteidl2.workflow.state_service_pb2 import ActionUpdate, WatchResponse

from tests.remote.containers import Attempt

__all__ = ["Action"]


@dataclass
class Action:
    """A task or a trace of a run, and what came of it; a trace has no spec."""

    id: ActionIdentifier
    parent: str
    what: str
    input_uri: str
    spec: TaskSpec | None = None
    group: str = ""
    phase: int = ActionPhase.ACTION_PHASE_QUEUED
    output_uri: str = ""
    error: ExecutionError | None = None
    attempts: list[Attempt] = field(default_factory=list)
    job: asyncio.Task[None] | None = None

    @property
    def is_over(self) -> bool:
        return self.phase not in {
            ActionPhase.ACTION_PHASE_QUEUED,
            ActionPhase.ACTION_PHASE_RUNNING,
        }

    def kill(self) -> None:
        """Kill the process of its latest attempt, and all that it started."""
        self.attempts[-1].send(signal.SIGKILL)

    def as_update(self) -> WatchResponse:
        return WatchResponse(
            action_update=ActionUpdate(
                action_id=self.id,
                phase=self.phase,  # type: ignore[arg-type]  # the enum is an int
                error=self.error,
                output_uri=self.output_uri,
            )
        )
