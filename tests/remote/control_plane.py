"""A stand-in for Flyte's control plane: what the SDK's remote controller asks for, and no more.

It keeps the actions of its runs, tells of them (`StateService.Watch`: the known ones, a sentinel,
then each change) and takes new ones (`QueueService.EnqueueAction`, `AbortQueuedAction`). A task
is run as its spec says by the SDK's own entrypoint, in a process of its own; a trace is only
written down. It is one reading of the protocol, not the protocol.

Source: `flyte._internal.controllers.remote` and the services of `flyteidl2.workflow`.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.request import RequestContext
from flyteidl2.common.phase_pb2 import ActionPhase
from flyteidl2.workflow.queue_service_connect import QueueService
from flyteidl2.workflow.queue_service_pb2 import (
    AbortQueuedActionRequest,
    AbortQueuedActionResponse,
    EnqueueActionRequest,
    EnqueueActionResponse,
)
from flyteidl2.workflow.state_service_connect import StateService
from flyteidl2.workflow.state_service_pb2 import ControlMessage, WatchRequest, WatchResponse

from tests.remote.actions import Action
from tests.remote.containers import Attempt, Containers

__all__ = ["START_STOP_S", "ControlPlane"]

START_STOP_S = 10.0


class ControlPlane(StateService, QueueService):
    """All actions by name.

    `on_change` is called in its loop, before anyone is told of a change. The next tasks are
    refused with `refusals`, one after another. `recorded` counts traces as they were written down.
    """

    def __init__(self, containers: Containers) -> None:
        self.containers = containers
        self.actions: dict[str, Action] = {}
        self.aborted: list[str] = []
        self.recorded: Counter[str] = Counter()
        self.refusals: list[Code] = []
        self.on_change: Callable[[Action], None] = lambda _action: None
        self._watchers: dict[str, list[asyncio.Queue[WatchResponse | None]]] = defaultdict(list)
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()

    def of(self, what: str) -> list[Action]:
        """The actions of a task or trace, in the order in which they were first asked for."""
        return [action for action in list(self.actions.values()) if action.what == what]

    def attempts(self, what: str) -> Counter[str]:
        """How often each action of a task was begun."""
        return Counter({action.id.name: len(action.attempts) for action in self.of(what)})

    def launch(self, action: Action) -> "Future[Action]":
        """Run an action that no other one asked for; from any thread."""
        return asyncio.run_coroutine_threadsafe(self._run_root(action), self.loop)

    def add_root(self, action: Action) -> None:
        """Begin an action that no other one asked for; from this loop."""
        self._add(action)
        action.job = asyncio.create_task(self._run(action))

    def abort(self, name: str) -> None:
        """Abort an action, then what it asked for, as a user may; from any thread."""
        asyncio.run_coroutine_threadsafe(self.abort_all(name), self.loop).result(START_STOP_S)

    async def watch(
        self, request: WatchRequest, ctx: RequestContext
    ) -> AsyncIterator[WatchResponse]:
        parent = request.parent_action_id.name
        updates: asyncio.Queue[WatchResponse | None] = asyncio.Queue()
        self._watchers[parent].append(updates)
        known = [action for action in self.actions.values() if action.parent == parent]
        try:
            for action in known:
                yield action.as_update()
            yield WatchResponse(control_message=ControlMessage(sentinel=True))
            while (update := await updates.get()) is not None:
                yield update
        finally:
            self._watchers[parent].remove(updates)

    async def enqueue_action(
        self, request: EnqueueActionRequest, ctx: RequestContext
    ) -> EnqueueActionResponse:
        name, parent = request.action_id.name, self.actions[request.parent_action_name]
        if parent.phase == ActionPhase.ACTION_PHASE_ABORTED:
            raise ConnectError(Code.ABORTED, f"the run of {name} was aborted")
        action = Action(
            id=request.action_id,
            parent=request.parent_action_name,
            what=request.trace.name or request.task.id.name,
            input_uri=request.input_uri,
            group=request.group,
        )
        if request.HasField("trace"):
            action.phase, action.output_uri = (
                request.trace.phase,
                request.trace.outputs.output_uri,
            )
            self.recorded[action.what] += 1
            self._add(action)
        elif name in self.actions:
            raise ConnectError(Code.ALREADY_EXISTS, name)
        elif self.refusals:
            raise ConnectError(self.refusals.pop(0), "refused")
        else:
            action.spec = request.task.spec
            self._add(action)
            action.job = asyncio.create_task(self._run(action))
        return EnqueueActionResponse()

    async def abort_queued_action(
        self, request: AbortQueuedActionRequest, ctx: RequestContext
    ) -> AbortQueuedActionResponse:
        await self._abort(self.actions[request.action_id.name])
        return AbortQueuedActionResponse()

    async def close(self) -> None:
        """End its processes, and those who watch."""
        jobs = [action.job for action in self.actions.values() if action.job is not None]
        for job in jobs:
            job.cancel()
        if jobs:
            await asyncio.wait(jobs)
        await self.containers.close()
        for updates in [each for watchers in self._watchers.values() for each in watchers]:
            updates.put_nowait(None)

    def _add(self, action: Action) -> None:
        self.actions[action.id.name] = action
        self._tell(action)

    def _tell(self, action: Action) -> None:
        self.on_change(action)
        for updates in self._watchers[action.parent]:
            updates.put_nowait(action.as_update())

    async def _run_root(self, action: Action) -> Action:
        self.add_root(action)
        assert action.job is not None
        await asyncio.wait([action.job])
        return action

    async def _run(self, action: Action) -> None:
        """Attempt a task until it succeeds, or fails for good."""
        assert action.spec is not None
        template = action.spec.task_template
        action.phase = ActionPhase.ACTION_PHASE_RUNNING
        for number in range(template.metadata.retries.retries + 1):
            attempt = Attempt(action=action.id, number=number)
            action.attempts.append(attempt)
            await self.containers.run(attempt, template, input_uri=action.input_uri)
            if attempt.is_final:
                break
        action.output_uri, action.error = attempt.output_uri, attempt.error
        failed = attempt.error is not None
        action.phase = (
            ActionPhase.ACTION_PHASE_FAILED if failed else ActionPhase.ACTION_PHASE_SUCCEEDED
        )
        self._tell(action)

    async def abort_all(self, name: str) -> None:
        """Abort an action, then what it asked for; from this loop."""
        children = [action for action in self.actions.values() if action.parent == name]
        for action in (self.actions[name], *children):
            await self._abort(action)

    async def _abort(self, action: Action) -> None:
        if action.is_over or action.job is None:
            return
        self.aborted.append(action.id.name)
        action.phase = ActionPhase.ACTION_PHASE_ABORTED
        action.job.cancel()
        await asyncio.wait([action.job])
        self._tell(action)
