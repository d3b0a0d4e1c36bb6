"""Crashes on a cluster, with the SDK's own remote controller and entrypoint.

The processes are killed from outside, at the very instant that the control plane or the website
sees: nothing in them is wrapped. The proof is the website's log and the plane's, never a counter
of ours.
"""

from collections import Counter

import pytest

from tests.remote.control_plane import serve_plane
from tests.remote.runs import BATCH, PATIENCE_S, Remote
from tests.scraper.fetch.origin import serve_origin

pytestmark = pytest.mark.sockets

PAGE = b"<title>A page</title><h1>A page</h1>"


@pytest.fixture
def origin():
    with serve_origin() as origin:
        yield origin


@pytest.fixture
def remote(tmp_path):
    with serve_plane(tmp_path / "plane") as plane:
        yield Remote(tmp_path, plane)


def served(origin, tmp_path, count, *, hosts=1):
    """A list of pages, spread over so many hosts."""
    urls = [origin.url(f"/{n}", f"h{n % hosts}.localhost") for n in range(count)]
    for n in range(count):
        origin.add(f"/{n}", PAGE, content_type="text/html")
    seeds = tmp_path / "shop.txt"
    seeds.write_text("\n".join(urls))
    return seeds


def asked(origin):
    return Counter(origin.paths)


def test_a_list_becomes_a_dataset(origin, remote, tmp_path):
    summary = remote.run(served(origin, tmp_path, 3))
    assert (summary["outcomes"]["ok"], summary["balanced"]) == (3, True)
    assert set(asked(origin).values()) == {1}
