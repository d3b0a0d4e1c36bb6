import pytest

from scraper.seeds import ListOptions, read_seeds


@pytest.fixture
def read(tmp_path):
    """Write bytes as a list of this name, and give its rows."""

    def read_list(name, data, **options):
        path = tmp_path / name
        path.write_bytes(data)
        return list(read_seeds(str(path), ListOptions(**options)))

    return read_list
