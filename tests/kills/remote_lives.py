"""The same runs with an object store: what is left of a life is looked for there."""

import fnmatch
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scraper.archive.warc import read_records
from scraper.layout import is_archive
from scraper.store import Store
from tests.kills.lives import Lives


@dataclass
class RemoteLives(Lives):
    """One run in an object store. `path` is a copy of it, made by `bring`."""

    url: str = ""

    @property
    def store(self) -> Store:
        return Store(self.url)

    def started(self, *words: str, **more: object) -> subprocess.Popen[str]:
        return super().started(*words, "--store", self.url, **more)

    def ended(self, process: subprocess.Popen[str]) -> dict[str, object]:
        _, stderr = process.communicate(timeout=90)
        assert process.returncode == 0, stderr
        assert "Traceback" not in stderr
        self.bring()
        return self.summary()

    def bring(self) -> Path:
        """Copy what the store has of the run."""
        shutil.rmtree(self.path, ignore_errors=True)
        for key in self.store.list(self.run):
            path = self.folder / "crawls" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.store.get(key) or b"")
        return self.path

    def keys(self, pattern: str) -> list[str]:
        return fnmatch.filter(self.store.list(self.run), f"{self.run}/{pattern}")

    def has(self, pattern: str) -> Callable[[], bool]:
        return lambda: bool(self.keys(pattern))

    def _records(self):
        for key in filter(is_archive, self.keys("batches/*")):
            yield from read_records(self.store.stream(key))
