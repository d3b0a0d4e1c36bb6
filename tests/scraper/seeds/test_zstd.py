import io

import pytest
from backports import zstd

from scraper.seeds.zstd import ZstdError, is_zstd, open_zstd

SKIPPED = b"\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (zstd.compress(b"x"), True),
        (SKIPPED, True),
        (b"\x60\x2a\x4d\x18", False),
        (b"\x28\xb5\x2f", False),
        (b"", False),
        (b"http", False),
    ],
)
def test_zstd_is_told_by_its_bytes(head, answer):
    assert is_zstd(head) is answer


FRAMES = {
    "one": zstd.compress(b"ab"),
    "several": zstd.compress(b"a") + zstd.compress(b"b"),
    "empty_ones": zstd.compress(b"") + zstd.compress(b"ab") + zstd.compress(b""),
    "skipped": SKIPPED + zstd.compress(b"a") + SKIPPED + zstd.compress(b"b"),
}


@pytest.mark.parametrize("data", FRAMES.values(), ids=FRAMES)
def test_all_frames_are_read(data):
    with open_zstd(io.BytesIO(data)) as plain:
        assert plain.read() == b"ab"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (zstd.compress(b"ab")[:-1], EOFError),
        (zstd.compress(b"ab") + b"junk!", ZstdError),
        (zstd.compress(b"ab") + zstd.compress(b"c")[:5], EOFError),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, ZstdError),
    ],
    ids=["cut", "junk_behind", "cut_in_the_second", "broken"],
)
def test_broken_bytes_are_an_error_not_an_end(data, error):
    with open_zstd(io.BytesIO(data)) as plain, pytest.raises(error):
        plain.read()


def test_a_bomb_gives_no_more_than_was_asked_for():
    squeezed = zstd.compress(bytes(50_000_000))
    assert len(squeezed) < 10_000
    with open_zstd(io.BytesIO(squeezed)) as plain:
        assert len(plain.read(1000)) == 1000


def test_a_window_that_is_too_wide_is_refused():
    wide = {zstd.CompressionParameter.window_log: 28}
    compressor = zstd.ZstdCompressor(options=wide)
    squeezed = compressor.compress(b"ab") + compressor.flush()
    with open_zstd(io.BytesIO(squeezed)) as plain, pytest.raises(ZstdError):
        plain.read()
