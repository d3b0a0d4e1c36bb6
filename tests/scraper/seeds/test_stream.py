import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.errors import ConfigError
from scraper.seeds.stream import Capped, Line, ListStream


class Dribble:
    """A pipe: it gives so many bytes at a time, and may break."""

    def __init__(self, data, size, error=None):
        self._data, self._size, self._error = io.BytesIO(data), size, error

    def read(self, size):
        piece = self._data.read(min(size, self._size))
        if not piece and self._error:
            raise self._error
        return piece


def lines_of(data, cap=100, size=1 << 20):
    return list(ListStream("x", Dribble(data, size)).lines(cap=cap))


def plain(*texts):
    return [Line(number, text, False) for number, text in enumerate(texts, 1)]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a", plain(b"a")),
        (b"a\n", plain(b"a")),
        (b"a\nb\r\nc\rd", plain(b"a", b"b", b"c", b"d")),
        (b"\n\n", plain(b"", b"")),
        (b"\r\r\n\n", plain(b"", b"", b"")),
        (b"a\x0bb\x0cc\x85d\xe2\x80\xa8e", plain(b"a\x0bb\x0cc\x85d\xe2\x80\xa8e")),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", plain(b"a", b"b")),
        (b"\xef\xbb\xbf", plain(b"")),
    ],
    ids=["empty", "no_end", "end", "all_ends", "blank", "cr_lf", "only_cr_lf", "boms", "bom"],
)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_lines_are_cut_at_each_line_end_however_the_bytes_come(data, lines, size):
    assert lines_of(data, size=size) == lines


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_line_longer_than_its_cap_loses_its_rest_and_no_other(size):
    assert lines_of(b"12345\n123456\n" + b"x" * 99 + b"\r\nab", cap=5, size=size) == [
        Line(1, b"12345", False),
        Line(2, b"12345", True),
        Line(3, b"xxxxx", True),
        Line(4, b"ab", False),
    ]


def test_a_long_line_is_not_held():
    class Endless:
        left = 4000

        def read(self, size):
            self.left -= 1
            return b"x" * size if self.left else b""

    [line] = ListStream("x", Endless()).lines(cap=10)
    assert line == Line(1, b"x" * 10, True)


def test_the_head_is_looked_at_and_still_read():
    stream = ListStream("x", Dribble(b"a" * 70_000, 7))
    assert stream.head == b"a" * 65_536
    assert b"".join(iter(lambda: stream.read(1000), b"")) == b"a" * 70_000


def test_a_buffer_is_filled_with_what_is_there():
    stream, buffer = ListStream("x", Dribble(b"abc", 9)), bytearray(5)
    assert (stream.readinto(memoryview(buffer)), bytes(buffer)) == (3, b"abc\0\0")
    assert stream.readinto(memoryview(buffer)) == 0


@pytest.mark.parametrize("error", [OSError("gone"), EOFError("gone")], ids=["os", "eof"])
def test_a_stream_that_breaks_is_told_with_the_line_reached(error):
    stream = ListStream("a.txt", Dribble(b"x\n" * 5000, 8192, error))
    seen = []
    with pytest.raises(ConfigError) as caught:
        seen.extend(stream.lines(cap=10))
    assert str(caught.value) == "a.txt: can't be read after line 5000: gone"


def test_what_stands_before_a_break_is_read_first():
    stream = ListStream("a.txt", Dribble(b"x\ny\n", 3, OSError("gone")))
    assert stream.head == b"x\ny\n"
    assert stream.read(9) == b"x\ny\n"
    with pytest.raises(ConfigError, match=r"^a\.txt: can't be read: gone$"):
        stream.read(9)


@pytest.mark.parametrize("cap", [5, 6])
def test_a_cap_lets_so_many_bytes_through(cap):
    capped = Capped(Dribble(b"12345", 2), cap, "x")
    assert b"".join(iter(lambda: capped.read(4), b"")) == b"12345"


def test_a_cap_refuses_one_byte_more():
    capped = Capped(Dribble(b"12345", 2), 4, "a.txt")
    assert capped.read(4) + capped.read(4) == b"1234"
    with pytest.raises(ConfigError, match=r"^a\.txt: is longer than 4 bytes, decompressed$"):
        capped.read(4)


def test_a_stream_that_breaks_at_once_is_told_without_a_line():
    with pytest.raises(ConfigError, match=r"^a\.txt: can't be read: gone$"):
        ListStream("a.txt", Dribble(b"", 1, OSError("gone")))


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(1, 60))
def test_lines_do_not_depend_on_how_the_bytes_come(data, size):
    assert lines_of(data, cap=8, size=size) == lines_of(data, cap=8)
    kept = [line.data for line in lines_of(data)]
    assert kept == [piece.removeprefix(b"\xef\xbb\xbf") for piece in data.splitlines()]
