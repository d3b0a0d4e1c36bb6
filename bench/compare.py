"""Side by side, in turns, on one machine: `scraper run`, Scrapy, Crawlee, and the limit.

    python bench/compare.py [--pages N] [--rounds R] [--sizes 10,50] [--tools a,b] [--latency]

The same work for all: fetch N pages of 10 and 50 KB from a fast origin on loopback, 32 hosts, take
title, description, canonical, Open Graph, JSON-LD, links and text, write the dataset. Ours is the
real command with everything on (robots.txt, throttle objects, archive, accounting, Flyte's local
mode), its politeness delays at zero. How the peers are set up, as their documentation advises for
speed, stands in `bench/tools/`. In the first round it is checked that all took the same.

Each tool has one core, origin and harness the other; the tools take turns, in another order each
round. A run of ten URLs shows the start-up, which is taken off. With `--latency` the answers come
after 50 to 200 ms, over 256 connections: ours against the limit.
Out: a table on stdout; table and picture in `bench/results/`.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from check import Fingerprints, differences, fingerprints
from contenders import CONTENDERS, Task, default_tools
from figures import FEW, Figures, Round, figures
from measure import Taken, run_measured, split_cores
from origin import running_origin, url_of
from report import Tables, markdown, svg

__all__: list[str] = []

_RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One table: what is fetched, how, and by whom."""

    title: str
    size_kb: int
    pages: int
    connections: int
    per_host: int
    late: bool
    tools: tuple[str, ...]

    def urls(self, count: int) -> Iterator[str]:
        """The list; that of the start-up isn't late, or its waits would be taken for work."""
        late = self.late and count > FEW
        return (url_of(n, size_kb=self.size_kb, late=late) for n in range(count))

    def pages_of(self, name: str) -> int:
        """How many pages a tool fetches."""
        return self.pages * CONTENDERS[name].times_pages


def run_scenario(scenario: Scenario, rounds: int, notes: list[str]) -> dict[str, Figures]:
    """Run all rounds of a scenario; what differed goes into the notes."""
    taken: dict[str, list[Round]] = {name: [] for name in scenario.tools}
    seen: dict[str, Fingerprints] = {}
    for number in range(rounds):
        turn = number % len(scenario.tools)
        for name in (*scenario.tools[turn:], *scenario.tools[:turn]):
            few, _ = _run(scenario, name, FEW, check=False)
            pages = scenario.pages_of(name)
            all_, found = _run(scenario, name, pages, check=number == 0)
            taken[name].append(Round(few=few, all=all_))
            if found:
                # A tool that fetches more pages has fetched these among them.
                listed = set(scenario.urls(scenario.pages)) if pages > scenario.pages else found
                seen[name] = {url: found[url] for url in found if url in listed}
            rate = pages / all_.wall_s
            print(f"{scenario.title}: round {number + 1}: {name}: {rate:.0f}/s", file=sys.stderr)
    notes += _compared(scenario, seen)
    return {name: figures(taken[name], scenario.pages_of(name)) for name in scenario.tools}


def _run(scenario: Scenario, name: str, count: int, *, check: bool) -> tuple[Taken, Fingerprints]:
    """One run of one tool, in a folder of its own."""
    contender = CONTENDERS[name]
    tool_cores, other_cores = split_cores()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        task = Task(
            urls=Path(folder) / "list.txt",
            folder=Path(folder),
            connections=scenario.connections,
            per_host=scenario.per_host,
        )
        task.urls.write_text("\n".join(scenario.urls(count)) + "\n")
        cores = tool_cores | other_cores if contender.cores > 1 else tool_cores
        taken = run_measured(contender.command(task), cpus=cores)
        return taken, fingerprints(contender.rows(task)) if check else {}


def _compared(scenario: Scenario, seen: dict[str, Fingerprints]) -> Iterator[str]:
    """Hold every tool's rows against those of ours, and those against the list."""
    if not seen:
        return
    reference = next(iter(seen))
    missing = set(scenario.urls(scenario.pages)) ^ seen[reference].keys()
    if missing:
        yield f"{scenario.title}: {reference}: {len(missing)} rows are missing or too many"
    differing = {name: differences(seen[reference], found) for name, found in seen.items()}
    for name, lines in differing.items():
        yield from (f"{scenario.title}: {name} DIFFERS from {reference}: {line}" for line in lines)
    same = [name for name, lines in differing.items() if not lines]
    yield (
        f"{scenario.title}: the same content from {', '.join(same)}: all {len(seen[reference]):,} "
        "rows, equal in title, description, canonical, language, heading, links, Open Graph, "
        "JSON-LD and text"
    )


def scenarios(asked: argparse.Namespace) -> Iterator[Scenario]:
    """The tables that were asked for."""
    for size_kb in asked.sizes:
        pages = asked.pages if size_kb <= 10 else max(FEW + 1, asked.pages * 2 // 5)
        yield Scenario(
            title=f"{pages:,} pages of {size_kb} KB, 64 connections",
            size_kb=size_kb,
            pages=pages,
            connections=64,
            per_host=4,
            late=False,
            tools=asked.tools,
        )
    if asked.latency:
        yield Scenario(
            title=f"{asked.pages * 2:,} pages of 10 KB after 50 to 200 ms, 256 connections",
            size_kb=10,
            pages=asked.pages * 2,
            connections=256,
            per_host=8,
            late=True,
            tools=tuple(name for name in asked.tools if name in {"ours", "ours-2", "limit"}),
        )


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--pages", type=int, default=2000, help="of 10 KB; few say little")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=_numbers, default=(10, 50), help="in KB, by commas")
    parser.add_argument("--tools", type=_names, default=default_tools(), help=str(list(CONTENDERS)))
    parser.add_argument("--latency", action="store_true", help="late answers, 256 connections too")
    parser.add_argument("--name", default="compare", help="of the files in bench/results/")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(",") if word)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(CONTENDERS)}")
    return names


def main() -> None:
    """Run what was asked for, print the table, write it and its picture."""
    asked = _asked()
    notes: list[str] = []
    with running_origin(split_cores()[1]):
        tables: Tables = {
            scenario.title: run_scenario(scenario, asked.rounds, notes)
            for scenario in scenarios(asked)
        }
    text = markdown(tables, notes)
    print(text)
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / f"{asked.name}.md").write_text(text)
    (_RESULTS / f"{asked.name}.svg").write_text(svg(tables))


if __name__ == "__main__":
    main()
