"""What crosses a task or a trace, in the worst case: counts and references, never rows."""

import csv
import socket

import pytest

from tests.remote.runs import BATCH

pytestmark = pytest.mark.sockets

ROWS = 500
URL_CHARS = 8000
COLUMNS = 20
SMALL_BYTES = 4096
"""The law says 1 MiB; what is there to be said needs no more than this."""


def test_a_batch_of_long_urls_and_many_columns_that_all_fail_crosses_in_a_few_bytes(remote):
    seeds = remote.folder / "shop.csv"
    with socket.socket() as closed, seeds.open("w", newline="") as lines:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        writer = csv.writer(lines)
        writer.writerow(["url", *(f"column_{n}" for n in range(COLUMNS))])
        for n in range(ROWS):
            path = f"{n}/".ljust(URL_CHARS, "x")
            writer.writerow([f"http://127.0.0.1:{port}/{path}", *["a" * 100] * COLUMNS])
        lines.flush()
        summary = remote.run(seeds, settings=(f"batch.size={ROWS}",))
    assert (summary["outcomes"]["failed"], summary["balanced"]) == (ROWS, True)
    assert len(remote.plane.of(BATCH)) == 1
    sizes = {path: path.stat().st_size for path in remote.plane.containers.folder.rglob("*.pb")}
    assert sorted(path.name for path in sizes) == ["inputs.pb"] * 4 + ["outputs.pb"] * 4
    assert seeds.stat().st_size > 4 * 1024**2
    assert max(sizes.values()) < SMALL_BYTES, sizes
    # Undisturbed, each task is begun once.
    assert [len(each.attempts) for each in remote.plane.actions.values() if each.spec] == [1, 1]
