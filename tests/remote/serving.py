"""The stand-in for a control plane, served on loopback: one port, as the SDK expects it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from flyteidl2.workflow.queue_service_connect import QueueServiceASGIApplication
from flyteidl2.workflow.state_service_connect import StateServiceASGIApplication

from tests.remote.containers import Containers
from tests.remote.control_plane import START_STOP_S, ControlPlane
from tests.remote.submission import Submission

__all__ = ["Served", "serve_plane"]

UPLOAD = "/upload/"


@dataclass(frozen=True)
class Served:
    """A control plane, what is submitted to it, and where it is."""

    plane: ControlPlane
    submission: Submission
    endpoint: str


@contextmanager
def serve_plane(folder: Path, *, replicas: int = 0) -> Iterator[Served]:
    """Serve a control plane on loopback while the block runs; its processes end with it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"localhost:{listener.getsockname()[1]}"
        folder.mkdir()
        containers = Containers(folder, endpoint=endpoint, replicas=replicas)
        ready: Future[Served] = Future()
        over = threading.Event()
        serving = _serve(containers, endpoint, listener, ready=ready, over=over)
        thread = threading.Thread(target=asyncio.run, args=(serving,), name="plane", daemon=True)
        thread.start()
        try:
            yield ready.result(START_STOP_S)
        finally:
            over.set()
            thread.join(START_STOP_S)


async def _serve(
    containers: Containers,
    endpoint: str,
    listener: socket.socket,
    *,
    ready: "Future[Served]",
    over: threading.Event,
) -> None:
    plane = ControlPlane(containers)
    submission = Submission(plane, endpoint=endpoint)
    services = [
        StateServiceASGIApplication(plane),
        QueueServiceASGIApplication(plane),
        *submission.applications(),
    ]

    async def route(scope, receive, send):
        if scope["path"].startswith(UPLOAD):
            await submission.take_upload(scope["path"], receive, send)
            return
        for service in services:
            if scope["path"].startswith(service.path):
                await service(scope, receive, send)
                return
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(route, lifespan="off", log_level="critical", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    ready.set_result(Served(plane, submission, endpoint))
    await asyncio.to_thread(over.wait)
    await plane.close()
    server.should_exit = True
    await serving
