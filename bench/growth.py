"""How cost grows with the list: rows against planning, running, publishing, memory and files.

    python bench/growth.py [--rows 10000,100000] [--plan 1000000] [--publish 1000000]

`--rows` are whole runs over pages of 10 KB from the origin of `compare.py` (a million rows take
half an hour and 5 GB of disk); `--plan` only plans lists of so many rows, on 10,000 hosts, and
`--publish` only publishes runs of so many outcomes and items of 1 KB, made beforehand. One run
each: what is looked for is whether a column stays level. The tool has one core, the origin the
other. Out: a table on stdout and in `bench/results/`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from measure import Taken, run_measured, split_cores
from origin import PORT, running_origin, url_of
from report import machine

__all__: list[str] = []

_HERE = Path(__file__).parent
_PLANNED_HOSTS = 10_000
_CONNECTIONS, _PER_HOST = "64", "4"
_RUN_HEAD = (
    "| rows | plan s | plan µs a row | run ms a page | publish s | publish µs a row "
    "| CPU ms a page | peak MiB | files | files a thousand rows | store MB |\n"
    f"{'|---' * 11}|"
)
_PLAN_HEAD = (
    "| rows, planned only | plan s | plan µs a row | peak MiB | files |\n|---|---|---|---|---|"
)

_PUBLISH_HEAD = (
    "| outcomes, published only | publish s | publish µs a row | CPU s | peak MiB |\n"
    "|---|---|---|---|---|"
)


def run_row(rows: int) -> str:
    """A whole run of so many rows, as a row of the table."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        taken, phases = _run(Path(folder), map(url_of, range(rows)))
        files = _files(Path(folder) / "store")
    running_s = taken.wall_s - sum(phases.values())
    return _cells(
        f"{rows:,}",
        f"{phases['plan']:.2f}",
        f"{phases['plan'] / rows * 1e6:.1f}",
        f"{running_s / rows * 1000:.3f}",
        f"{phases['publish']:.2f}",
        f"{phases['publish'] / rows * 1e6:.1f}",
        f"{taken.cpu_s / rows * 1000:.3f}",
        f"{taken.peak_bytes / 2**20:,.0f}",
        f"{len(files):,}",
        f"{len(files) / rows * 1000:.1f}",
        f"{sum(files) / 1e6:,.0f}",
    )


def plan_row(rows: int) -> str:
    """The planning of so many rows, as a row of the table."""
    urls = (f"http://h{n % _PLANNED_HOSTS}.localhost:{PORT}/p10/{n:08}" for n in range(rows))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        taken, phases = _run(Path(folder), urls, "--plan-only")
        files = _files(Path(folder) / "store")
    plan_s = phases["plan"]
    return _cells(
        f"{rows:,}",
        f"{plan_s:.2f}",
        f"{plan_s / rows * 1e6:.1f}",
        f"{taken.peak_bytes / 2**20:,.0f}",
        f"{len(files):,}",
    )


def publish_row(rows: int) -> str:
    """The publishing of so many outcomes, as a row of the table."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        script = str(_HERE / "tools/finished.py")
        words = [str(rows), str(_PLANNED_HOSTS), str(Path(folder) / "store")]
        run_measured([sys.executable, script, *words], cpus=split_cores()[0])
        taken, phases = _run(Path(folder), [], "--publish-only")
    publish_s = phases["publish"]
    return _cells(
        f"{rows:,}",
        f"{publish_s:.2f}",
        f"{publish_s / rows * 1e6:.1f}",
        f"{taken.cpu_s:.1f}",
        f"{taken.peak_bytes / 2**20:,.0f}",
    )


def _run(folder: Path, urls: Iterable[str], *words: str) -> tuple[Taken, dict[str, float]]:
    """What a run over a list took, and the seconds of its phases."""
    seeds, out = folder / "list.txt", folder / "phases.json"
    with seeds.open("w") as file:
        file.writelines(f"{url}\n" for url in urls)
    script = _HERE / "tools/phases.py"
    paths = [sys.executable, script, seeds, folder / "store", out]
    command = map(str, [*paths, _CONNECTIONS, _PER_HOST, *words])
    taken = run_measured([*command], cpus=split_cores()[0])
    return taken, json.loads(out.read_text())


def _files(store: Path) -> list[int]:
    """The sizes of all files of a store."""
    return [path.stat().st_size for path in store.rglob("*") if path.is_file()]


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _tables(rows: Sequence[int], planned: Sequence[int], published: Sequence[int]) -> Iterator[str]:
    yield f"Measured {machine()}; one run each, one core.\n"
    if rows:
        yield _RUN_HEAD
        yield from map(run_row, rows)
        yield ""
    if planned:
        yield _PLAN_HEAD
        yield from map(plan_row, planned)
        yield ""
    if published:
        yield _PUBLISH_HEAD
        yield from map(publish_row, published)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word.replace("_", "")) for word in text.split(",") if word)


def main() -> None:
    """Run what was asked for, print the tables and write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rows", type=_numbers, default=(10_000, 100_000), help="whole runs")
    parser.add_argument("--plan", type=_numbers, default=(1_000_000,), help="planned only")
    parser.add_argument("--publish", type=_numbers, default=(1_000_000,), help="published only")
    parser.add_argument("--name", default="growth", help="of the file in bench/results/")
    asked = parser.parse_args()
    lines: list[str] = []
    with running_origin(split_cores()[1]):
        for line in _tables(asked.rows, asked.plan, asked.publish):
            print(line, flush=True)
            lines.append(line)
    (_HERE / "results").mkdir(exist_ok=True)
    (_HERE / "results" / f"{asked.name}.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
