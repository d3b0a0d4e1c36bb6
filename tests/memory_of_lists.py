"""Prints the peak memory, in MB, of planning a list of so many rows, and of publishing its run.

    python -m tests.memory_of_lists plan|publish|plan-again|publish-again ROWS

What is measured is done in a process of its own: what had to be made for it doesn't count.
"""

import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from scraper.crawl import resolve_crawl
from scraper.plan.cut import load_wave
from scraper.plan.prepare import prepare
from scraper.publish.commit import publish
from scraper.run import RunInfo, load_run
from scraper.store import Store

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench/tools"))

from finished import AT, FLAGS, RUN, finished_run, write_batches, write_list


def peak_mb() -> int:
    # `ru_maxrss` would begin with what the process had that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def measure(what: str, folder: str) -> None:
    store = Store(f"{folder}/store")
    if what.startswith("plan"):
        plan(folder, store, "r" if what == "plan" else "r2")
    else:
        run = RUN if what == "publish" else f"{RUN}2"
        info, wave = load_run(store, run), load_wave(store, run, 1)
        assert info is not None
        assert wave is not None
        summary = publish(info, store, [wave])
        assert summary.rows == info.rows
        if what == "publish-again":
            assert summary.items == summary.outcomes["ok"] + summary.outcomes["unchanged"]
            assert summary.changes is not None
            assert summary.changes["changed"] == summary.outcomes["ok"] > 0
    print(peak_mb())


def plan(folder: str, store: Store, run_id: str) -> RunInfo:
    spec = resolve_crawl(f"{folder}/synthetic.txt", flags=FLAGS, environ={})
    return prepare(spec, store, run_id, at=AT + timedelta(days=run_id == "r2"))


def main(what: str, rows: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        if what == "plan":
            write_list(Path(name) / "synthetic.txt", rows, hosts=1000)
        else:
            store = Store(f"{name}/store")
            info, wave = finished_run(rows, 1000, folder=Path(name), store=store)
            if what.endswith("again"):
                publish(info, store, [wave])
            if what == "publish-again":
                write_batches(plan(name, store, "r2"), store)
        command = [sys.executable, "-m", "tests.memory_of_lists", f"measure-{what}", name]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    if sys.argv[1].startswith("measure-"):
        measure(sys.argv[1].removeprefix("measure-"), sys.argv[2])
    else:
        main(sys.argv[1], int(sys.argv[2]))
