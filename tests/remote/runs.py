"""Runs of the project's own tasks on the stand-in for a control plane."""

import asyncio
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import orjson
from flyte._internal.runtime import convert
from flyte._internal.runtime.task_serde import translate_task_to_wire
from flyte._task import TaskTemplate
from flyte.models import SerializationContext
from flyteidl2.common.identifier_pb2 import ActionIdentifier, RunIdentifier

from scraper.archive.warc import read_records
from scraper.layout import is_archive
from scraper.store import Store
from tests.remote.actions import Action
from tests.remote.control_plane import ControlPlane
from tests.scraper.fetch.origin import Origin
from workflows.crawl import crawl
from workflows.request import CrawlRequest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90.0
SETTINGS = [
    "network.allow=127.0.0.0/8",
    "robots.obey=false",
    "throttle.delay_s=0",
    "retry.max_wait_s=0.01",
    "archive.flush_s=0.05",
    "batch.workers=1",
]
PAGE = b"<title>A page</title><h1>A page</h1>"
BATCH = "scraper-batch.scrape_batch"


def pages_of(origin: Origin, count: int, *, hosts: int) -> str:
    """A list of so many pages that a website has from now on, spread over so many hosts."""
    for n in range(count):
        origin.add(f"/{n}", PAGE, content_type="text/html")
    return "".join(origin.url(f"/{n}", f"h{n % hosts}.localhost") + "\n" for n in range(count))


def flushed_in(store: Store, run: str) -> list[str]:
    """The URLs whose attempts stand in a run's archive, whole."""
    parts = [key for key in store.list(run) if is_archive(key)]
    records = [record for part in parts for record in read_records(store.stream(part))]
    found = [record.metadata for record in records if record.metadata is not None]
    return [str(metadata["url"]) for metadata in found if "row" in metadata]


@dataclass
class Remote:
    """A website, a folder with a list and a store, the control plane that runs its crawls."""

    folder: Path
    plane: ControlPlane
    origin: Origin

    @property
    def store(self) -> Store:
        return Store(str(self.folder / "store"))

    def listed(self, count: int, *, hosts: int = 1) -> Path:
        """A list of so many pages that the website has, spread over so many hosts."""
        seeds = self.folder / "shop.txt"
        seeds.write_text(pages_of(self.origin, count, hosts=hosts))
        return seeds

    def asked(self) -> Counter[str]:
        """How often each page was asked for."""
        return Counter(self.origin.paths)

    def flushed(self, run: str) -> list[str]:
        """The URLs whose attempts stand in a run's archive, whole."""
        return flushed_in(self.store, run)

    def begin(
        self, seeds: Path, *, settings: tuple[str, ...] = (), run_id: str = "r1", life: int = 1
    ) -> "Future[Action]":
        """Submit a crawl; what comes is its root action when it is over.

        Another life of a run is another run to the backend.
        """
        request = CrawlRequest(
            seeds=str(seeds),
            store=str(self.folder / "store"),
            run_id=run_id,
            settings=[*SETTINGS, *settings],
        )
        return self.plane.launch(
            self._root(run_id if life == 1 else f"{run_id}-{life}", crawl, request=request)
        )

    def run(
        self, seeds: Path, *, settings: tuple[str, ...] = (), run_id: str = "r1", life: int = 1
    ) -> dict[str, object]:
        """Run a crawl to its end; its summary."""
        root = self.begin(seeds, settings=settings, run_id=run_id, life=life)
        action = root.result(PATIENCE_S)
        assert action.error is None, self.told(action)
        return self.summary(f"{seeds.stem}/{run_id}")

    def summary(self, run: str) -> dict[str, object]:
        found: dict[str, object] = orjson.loads(self.store.get(f"{run}/summary.json") or b"{}")
        return found

    def told(self, action: Action) -> str:
        """What an action's last attempt said, for a test that fails."""
        folder = self.plane.containers.base_of(action.id) / action.id.name
        return (folder / str(len(action.attempts)) / "log").read_text()

    def _root(self, run: str, task: TaskTemplate, **inputs: object) -> Action:
        """The action that the backend makes of a submitted task."""
        run_id = RunIdentifier(org="o", project="p", domain="d", name=f"run-{run}")
        context = SerializationContext(org="o", project="p", domain="d", version="v", root_dir=ROOT)
        found = asyncio.run(convert.convert_from_native_to_inputs(task.native_interface, **inputs))
        name = f"a0-{run}"
        path = self.plane.containers.folder / run_id.name / name / "inputs.pb"
        path.parent.mkdir(parents=True)
        path.write_bytes(found.proto_inputs.SerializeToString(deterministic=True))
        return Action(
            id=ActionIdentifier(run=run_id, name=name),
            parent="",
            what=task.name,
            input_uri=str(path),
            spec=translate_task_to_wire(task, context),
        )
