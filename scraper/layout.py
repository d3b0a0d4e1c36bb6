"""The keys of a run: where each of its files stands in the store.

`run` is `<crawl>/<run_id>`. A batch's id is `<wave>-<partition>-<number>`; ids sort in the order
in which the batches of a partition follow one another.

An archive is in parts, `archive-00003.warc.gz`. On an object store those of a batch that is at its
end become one, `archive-00001-00003.warc.gz`: what it covers doesn't count any more.
"""

import re
from collections.abc import Iterable

__all__ = [
    "FIRST_BATCH",
    "INVALID_BATCH",
    "NOT_DUE_BATCH",
    "archive_key",
    "archive_numbers",
    "archive_parts",
    "batch_id",
    "batch_key",
    "crawl_key",
    "hosts_key",
    "is_archive",
    "partition_of",
    "run_key",
    "state_key",
    "wave_key",
    "wave_of",
]


FIRST_BATCH = "-00001"
"""How the id of a partition's first batch ends."""

INVALID_BATCH = "0-0000-00000"
"""The batch that no task runs: rows whose URL can't be parsed."""

NOT_DUE_BATCH = "0-0000-00001"
"""The other one: rows that aren't asked for yet."""

_ARCHIVE = re.compile(r"/archive-(\d+)(?:-(\d+))?\.warc\.gz$")


def crawl_key(crawl: str, name: str) -> str:
    """A file beside the runs: `latest.json`."""
    return f"{crawl}/{name}"


def run_key(run: str, name: str) -> str:
    """A file of a run: `run.json`, `summary.json` and the like."""
    return f"{run}/{name}"


def state_key(crawl: str, run_id: str) -> str:
    """What a published run remembers of each URL."""
    return f"{crawl}/state/{run_id}.parquet"


def wave_key(run: str, wave: int) -> str:
    """The plan of a wave, written when all its batches' rows are."""
    return f"{run}/waves/{wave}.json"


def hosts_key(run: str, partition: str) -> str:
    """What a partition remembers of its hosts; for a wave's number, what all of it starts from."""
    return f"{run}/hosts/{partition}.jsonl.gz"


def batch_key(run: str, batch: str, name: str = "") -> str:
    """A file of a batch, or its folder: `seeds.parquet`, `outcomes.jsonl.gz` and the like."""
    return f"{run}/batches/{batch}/{name}".rstrip("/")


def batch_id(wave: int, partition: int, number: int) -> str:
    """The id of a batch; all three count from 1."""
    return f"{wave}-{partition:04d}-{number:05d}"


def partition_of(batch: str) -> str:
    """The partition that a batch belongs to."""
    return batch.rsplit("-", 1)[0]


def wave_of(batch: str) -> int:
    """The wave that a batch belongs to."""
    return int(batch.split("-", 1)[0])


def archive_key(folder: str, first: int, last: int | None = None) -> str:
    """A part of the archive in a batch's folder; with `last`, the one that covers all up to it."""
    covered = f"-{last:05d}" if last is not None else ""
    return f"{folder}/archive-{first:05d}{covered}.warc.gz"


def is_archive(key: str) -> bool:
    """Whether a key is that of an archive's part, in either form."""
    return _ARCHIVE.search(key) is not None


def archive_numbers(key: str) -> tuple[int, int]:
    """The first and the last number that a part stands for."""
    found = _ARCHIVE.search(key)
    assert found is not None, f"{key} is no part of an archive"
    return int(found[1]), int(found[2] or found[1])


def archive_parts(keys: Iterable[str]) -> tuple[list[str], list[str]]:
    """The parts of one batch among some keys: those that count, in order, and those covered.

    Only a crash leaves covered ones; all that is in them is in the part that covers them.
    """
    counted: list[str] = []
    covered: list[str] = []
    up_to = 0
    for key in sorted(filter(is_archive, keys), key=_widest_first):
        last = archive_numbers(key)[1]
        (counted if last > up_to else covered).append(key)
        up_to = max(up_to, last)
    return counted, covered


def _widest_first(key: str) -> tuple[int, int]:
    first, last = archive_numbers(key)
    return first, -last
