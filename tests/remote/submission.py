"""What stands for the rest of a control plane: what a submitter speaks to.

It takes code and inputs, begins runs, tells how they stand and what they came to, and keeps the
tasks and triggers that are deployed. Runs are done by a `ControlPlane`. One reading of the
protocol, as that is.

Source: `flyte._run`, `flyte._deploy`, `flyte.remote`, and the services that they call.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.request import RequestContext
from flyteidl2.cluster.payload_pb2 import SelectClusterRequest, SelectClusterResponse
from flyteidl2.cluster.service_connect import ClusterService, ClusterServiceASGIApplication
from flyteidl2.common.identifier_pb2 import ActionIdentifier, RunIdentifier
from flyteidl2.common.phase_pb2 import ActionPhase
from flyteidl2.common.run_pb2 import OffloadedInputData
from flyteidl2.dataproxy.dataproxy_service_connect import (
    DataProxyService,
    DataProxyServiceASGIApplication,
)
from flyteidl2.dataproxy.dataproxy_service_pb2 import (
    CreateUploadLocationRequest,
    CreateUploadLocationResponse,
    GetActionDataRequest,
    GetActionDataResponse,
    UploadInputsRequest,
    UploadInputsResponse,
)
from flyteidl2.task.common_pb2 import Inputs, Outputs
from flyteidl2.task.task_service_connect import TaskService, TaskServiceASGIApplication
from flyteidl2.task.task_service_pb2 import DeployTaskRequest, DeployTaskResponse
from flyteidl2.workflow import run_definition_pb2 as definition
from flyteidl2.workflow.run_service_connect import RunService, RunServiceASGIApplication
from flyteidl2.workflow.run_service_pb2 import (
    AbortRunRequest,
    AbortRunResponse,
    CreateRunRequest,
    CreateRunResponse,
    GetActionDetailsRequest,
    GetActionDetailsResponse,
    GetRunDetailsRequest,
    GetRunDetailsResponse,
    WatchActionDetailsRequest,
    WatchActionDetailsResponse,
)

from tests.remote.actions import Action
from tests.remote.control_plane import ControlPlane

__all__ = ["ROOT_ACTION", "Submission"]

ROOT_ACTION = "a0"
_LOOK_S = 0.05


class Submission(ClusterService, DataProxyService, RunService, TaskService):
    """All that is submitted; `deployed` are the tasks, with their triggers, in their order."""

    def __init__(self, plane: ControlPlane, *, endpoint: str) -> None:
        self._plane, self._endpoint = plane, endpoint
        self.folder = plane.containers.folder / "submitted"
        self.runs: list[CreateRunRequest] = []
        self.deployed: list[DeployTaskRequest] = []
        self.refusal: ConnectError | None = None

    def applications(self):
        """The services, each with the path that leads to it."""
        return [
            ClusterServiceASGIApplication(self),
            DataProxyServiceASGIApplication(self),
            RunServiceASGIApplication(self),
            TaskServiceASGIApplication(self),
        ]

    async def take_upload(self, path: str, receive, send) -> None:
        """The body of a PUT becomes a file: what a signed URL of an object store is."""
        target = self.folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            more = True
            while more:
                message = await receive()
                file.write(message.get("body", b""))
                more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def select_cluster(
        self, request: SelectClusterRequest, ctx: RequestContext
    ) -> SelectClusterResponse:
        return SelectClusterResponse()

    async def create_upload_location(
        self, request: CreateUploadLocationRequest, ctx: RequestContext
    ) -> CreateUploadLocationResponse:
        name = f"{request.content_md5.hex()}/{request.filename}"
        return CreateUploadLocationResponse(
            signed_url=f"http://{self._endpoint}/upload/{name}",
            native_url=str(self.folder / "upload" / name),
        )

    async def upload_inputs(
        self, request: UploadInputsRequest, ctx: RequestContext
    ) -> UploadInputsResponse:
        path = self.folder / f"inputs-{len(self.runs)}" / "inputs.pb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(request.inputs.SerializeToString(deterministic=True))
        return UploadInputsResponse(offloaded_input_data=OffloadedInputData(uri=str(path)))

    async def create_run(self, request: CreateRunRequest, ctx: RequestContext) -> CreateRunResponse:
        if self.refusal is not None:
            raise self.refusal
        self.runs.append(request)
        project = request.project_id
        run = RunIdentifier(
            org=project.organization,
            project=project.name,
            domain=project.domain,
            name=f"r{len(self.runs)}",
        )
        action = Action(
            id=ActionIdentifier(run=run, name=f"{ROOT_ACTION}-{run.name}"),
            parent="",
            what=request.task_spec.task_template.id.name,
            input_uri=request.offloaded_input_data.uri,
            spec=request.task_spec,
        )
        # On a cluster the name of a run's first action is its own; here all runs share names.
        self._plane.add_root(action)
        return CreateRunResponse(run=definition.Run(action=_summary(action)))

    async def abort_run(self, request: AbortRunRequest, ctx: RequestContext) -> AbortRunResponse:
        await self._plane.abort_all(f"{ROOT_ACTION}-{request.run_id.name}")
        return AbortRunResponse()

    async def get_run_details(
        self, request: GetRunDetailsRequest, ctx: RequestContext
    ) -> GetRunDetailsResponse:
        action = self._action(f"{ROOT_ACTION}-{request.run_id.name}")
        return GetRunDetailsResponse(details=definition.RunDetails(action=_details(action)))

    async def get_action_details(
        self, request: GetActionDetailsRequest, ctx: RequestContext
    ) -> GetActionDetailsResponse:
        return GetActionDetailsResponse(details=_details(self._action(request.action_id.name)))

    async def watch_action_details(
        self, request: WatchActionDetailsRequest, ctx: RequestContext
    ) -> AsyncIterator[WatchActionDetailsResponse]:
        action = self._action(request.action_id.name)
        while True:
            yield WatchActionDetailsResponse(details=_details(action))
            if action.is_over:
                return
            await asyncio.sleep(_LOOK_S)

    async def get_action_data(
        self, request: GetActionDataRequest, ctx: RequestContext
    ) -> GetActionDataResponse:
        action = self._action(request.action_id.name)
        outputs = Outputs()
        if action.output_uri:
            outputs = Outputs.FromString((Path(action.output_uri) / "outputs.pb").read_bytes())
        inputs = Inputs.FromString(Path(action.input_uri).read_bytes())
        return GetActionDataResponse(inputs=inputs, outputs=outputs)

    async def deploy_task(
        self, request: DeployTaskRequest, ctx: RequestContext
    ) -> DeployTaskResponse:
        self.deployed.append(request)
        return DeployTaskResponse()

    def _action(self, name: str) -> Action:
        if name not in self._plane.actions:
            raise ConnectError(Code.NOT_FOUND, name)
        return self._plane.actions[name]


def _status(action: Action) -> definition.ActionStatus:
    return definition.ActionStatus(phase=action.phase, attempts=len(action.attempts))


def _summary(action: Action) -> definition.Action:
    return definition.Action(id=action.id, status=_status(action))


def _details(action: Action) -> definition.ActionDetails:
    found = definition.ActionDetails(id=action.id, status=_status(action), task=action.spec)
    if action.phase == ActionPhase.ACTION_PHASE_ABORTED:
        found.abort_info.reason = "aborted"
    elif action.error is not None:
        kind = definition.ErrorInfo.Kind.KIND_USER
        found.error_info.CopyFrom(
            definition.ErrorInfo(code=action.error.code, message=action.error.message, kind=kind)
        )
    return found
