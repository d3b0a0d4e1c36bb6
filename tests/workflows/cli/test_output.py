"""A file that is written is there whole or not at all."""

import os
import stat

import pytest

from scraper.errors import ConfigError, OutputError
from workflows.cli.output import open_output


def test_a_file_is_there_when_the_block_ends(tmp_path):
    path = tmp_path / "a.csv"
    with open_output(str(path)) as stream:
        stream.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, ConfigError])
def test_an_error_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "a.csv"
    path.write_bytes(b"mine")

    def write_half():
        with open_output(str(path)) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"mine", [path])


def test_a_file_that_takes_no_more_is_named(tmp_path):
    with (
        pytest.raises(OutputError, match="/dev/full: No space left"),
        open_output("/dev/full") as s,
    ):
        s.write(b"x" * 100_000)


def test_another_file_s_trouble_is_told_by_its_own_name(tmp_path):
    with pytest.raises(OutputError, match="gone: No such file"), open_output(str(tmp_path / "a")):
        (tmp_path / "gone").read_bytes()


@pytest.mark.parametrize("name", ["no/such/folder.csv", ".", "a.txt/b.csv", "x" * 300])
def test_a_place_where_no_file_can_be_is_a_wrong_option(tmp_path, name):
    (tmp_path / "a.txt").write_text("")
    place = str(tmp_path / name)
    with pytest.raises(ConfigError) as found, open_output(place):
        raise AssertionError("the block must not run")
    assert str(found.value).startswith(place)


def test_a_new_file_has_the_rights_that_any_new_file_has(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    with open_output(str(tmp_path / "a")):
        pass
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "other").stat().st_mode
    )


def test_a_pipe_is_written_to_as_it_is(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open_output(str(path)) as stream:
        stream.write(b"one")
    assert os.read(reader, 9) == b"one"
    os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)
