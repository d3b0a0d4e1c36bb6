"""A website, and a control plane beside it."""

import pytest

from tests.remote.control_plane import serve_plane
from tests.remote.runs import Remote
from tests.scraper.fetch.origin import serve_origin


@pytest.fixture
def replicas() -> int:
    """None: each batch has a process of its own, that can be killed alone."""
    return 0


@pytest.fixture
def remote(tmp_path, replicas):
    with serve_origin() as origin, serve_plane(tmp_path / "plane", replicas=replicas) as plane:
        yield Remote(tmp_path, plane, origin)
