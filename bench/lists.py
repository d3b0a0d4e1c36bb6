"""How fast lists are read: rows a second from each format, plain, gzip and zstd.

Lists of the same 500,000 rows, three columns each, read in rounds that take turns, each in a
process of its own. Seconds are those of the CPU, so that other work on the machine counts less.

    python bench/lists.py [ROWS] [ROUNDS]
"""

import gzip
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import orjson

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMATS = ("txt", "csv", "tsv", "jsonl", "parquet", "xml")
SUFFIXES = ("", ".gz", ".zst")


def urls(rows: int) -> Iterator[tuple[int, str]]:
    """The URLs of a list, with their numbers."""
    for n in range(rows):
        yield n, f"https://shop{n % 977}.example.org/products/item-{n * 7919}?ref={n}"


def lines(kind: str, rows: int) -> Iterator[str]:
    """The lines of a list in a format of text."""
    if kind in ("csv", "tsv"):
        part = "," if kind == "csv" else "\t"
        yield f"url{part}shelf{part}name\n"
        yield from (f"{url}{part}{n % 9}{part}name {n}\n" for n, url in urls(rows))
    elif kind == "jsonl":
        for n, url in urls(rows):
            row = {"url": url, "shelf": n % 9, "name": f"name {n}"}
            yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode()
    elif kind == "xml":
        yield '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        for n, url in urls(rows):
            yield f"<url>\n <loc>{url}&amp;n={n % 9}</loc>\n <lastmod>2026-01-02</lastmod>\n"
            yield " <changefreq>daily</changefreq>\n</url>\n"
        yield "</urlset>\n"
    else:
        yield from (f"{url}\tshelf={n % 9}\tname=name {n}\n" for n, url in urls(rows))


def write_lists(folder: Path, rows: int) -> None:
    """Write the list in each format, and each of them compressed too."""
    for kind in FORMATS:
        path = folder / f"list.{kind}"
        if kind == "parquet":
            source = f"read_json('{folder / 'list.jsonl'}')"
            duckdb.execute(f"COPY (FROM {source}) TO '{path}' (FORMAT parquet)")
        else:
            path.write_text("".join(lines(kind, rows)))
        data = path.read_bytes()
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(data, 6))
        path.with_name(f"{path.name}.zst").write_bytes(zstd.compress(data))


def one(path: str) -> None:
    """One round: prints rows, CPU seconds, and the most memory in MiB, imports apart."""
    from scraper.seeds import read_seeds

    start = time.process_time()
    rows = sum(1 for _ in read_seeds(path))
    used_s = time.process_time() - start
    status = Path("/proc/self/status")
    peak = status.read_text().partition("VmHWM:")[2].split()[0] if status.exists() else "0"
    print(rows, used_s, int(peak) // 1024)


def table(found: dict[str, list[tuple[float, int]]]) -> Iterable[str]:
    """The medians, a line a format."""
    yield f"{'':8}" + "".join(f"{name:>12}" for name in ("plain", "gzip", "zstd", "MiB at most"))
    for kind in FORMATS:
        runs = [found[kind + suffix] for suffix in SUFFIXES]
        rates = (statistics.median(rate for rate, _ in taken) for taken in runs)
        peak = max(mib for taken in runs for _, mib in taken)
        yield f"{kind:8}" + "".join(f"{rate:12,.0f}" for rate in rates) + f"{peak:12}"


def main(rows: int, rounds: int) -> None:
    """Take turns, print rows a second of CPU."""
    names = [kind + suffix for suffix in SUFFIXES for kind in FORMATS]
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        write_lists(Path(folder), rows)
        for _ in range(rounds):
            for name in names:
                command = [sys.executable, __file__, "--one", f"{folder}/list.{name}"]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                count, used_s, mib = done.stdout.split()
                assert int(count) == rows, name
                found[name].append((rows / float(used_s), int(mib)))
    print("\n".join(table(found)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2])
    else:
        main(*(int(word) for word in (*sys.argv[1:], "500000", "5")[:2]))
