"""Law 4 for lists: memory doesn't grow with the list, whatever its format."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from backports import zstd

from tests.scraper.seeds.made import parquet

pytestmark = [
    pytest.mark.sockets,
    # What `getrusage` says of a child includes its parent's peak.
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells a peak of RSS"),
]

READ = """
import sys
from pathlib import Path
from scraper.seeds import read_seeds
rows = sum(1 for _ in read_seeds(sys.argv[1]))
status = Path("/proc/self/status").read_text()
print(rows, status.partition("VmHWM:")[2].split()[0])
"""

ROWS = {
    "x.txt": (b"", b"http://a/%d\tk=some text\n", b""),
    "x.csv": (b"url,k\n", b"http://a/%d,some text\n", b""),
    "x.jsonl": (b"", b'{"url": "http://a/%d", "k": "some text"}\n', b""),
    "x.xml": (b"<urlset>", b"<url><loc>http://a/%d</loc></url>", b"</urlset>"),
}


def list_of(name, rows):
    if name == "x.parquet":
        text = "md5(i::VARCHAR) || md5((i + 1)::VARCHAR)"
        return parquet(f"SELECT 'http://a/' || i AS url, {text} AS k FROM range({rows}) AS t(i)")
    begin, row, end = ROWS[name]
    return begin + b"".join(row % number for number in range(rows)) + end


def read_apart(path, data):
    """Read a list in a process of its own: its rows, and the most memory it had, in KiB."""
    path.write_bytes(data)
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows, kib = map(int, done.stdout.split())
    return rows, kib


@pytest.mark.parametrize("name", [*ROWS, "x.parquet"])
def test_a_long_list_takes_no_more_memory_than_a_short_one(tmp_path, name):
    few, many = 1_000, 300_000
    rows, least = read_apart(tmp_path / name, list_of(name, few))
    assert rows == few
    rows, most = read_apart(tmp_path / name, list_of(name, many))
    assert rows == many
    # The values of so many rows alone would take 100 MB as Python objects.
    assert most - least < (80_000 if name == "x.parquet" else 10_000)


BOMB_BYTES = 200_000_000


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_a_bomb_takes_no_memory(tmp_path, compress):
    _, least = read_apart(tmp_path / "x", b"http://a/\n")
    rows, most = read_apart(tmp_path / "x", compress(b"http://a/\n" + b"x" * BOMB_BYTES))
    assert rows == 2
    assert most - least < 40_000
