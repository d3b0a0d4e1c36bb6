"""A website, and a control plane beside it."""

import pytest

from tests.remote.clusters import Cluster
from tests.remote.runs import Remote
from tests.remote.serving import serve_plane
from tests.scraper.fetch.origin import serve_origin


@pytest.fixture
def replicas() -> int:
    """None: each batch has a process of its own, that can be killed alone."""
    return 0


@pytest.fixture
def remote(tmp_path, replicas):
    with serve_origin() as origin, serve_plane(tmp_path / "plane", replicas=replicas) as served:
        yield Remote(tmp_path, served.plane, origin)


@pytest.fixture
def cluster(tmp_path, s3, s3_server, monkeypatch):
    """A cluster, as a person has it: Flyte's own configuration names it, its store is in S3."""
    with serve_origin() as origin, serve_plane(tmp_path / "plane") as served:
        served.plane.containers.given = s3_server.environment
        served.plane.containers.bare = True
        found = Cluster(tmp_path / "here", served, origin, store=s3)
        monkeypatch.setenv("FLYTECTL_CONFIG", str(found.configured()))
        monkeypatch.setenv("SCRAPER_CLUSTER__IMAGE", "registry.example.org/scraper:1")
        yield found
