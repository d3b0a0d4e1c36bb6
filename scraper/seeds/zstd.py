"""zstd, read as a stream: several frames one after another, no window above 128 MiB.

A file of compressed bytes in, one of plain bytes out. `ZstdError` is what broken bytes raise,
`EOFError` an end in the middle of a frame.

**Source:** RFC 8878; the cap on the window is that of the `zstd` command.
"""

import sys
from typing import Protocol

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdError, ZstdFile
else:
    from backports.zstd import DecompressionParameter, ZstdError, ZstdFile

__all__ = ["ZstdError", "is_zstd", "open_zstd"]

_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
_MAX_WINDOW_LOG = 27


class _Compressed(Protocol):
    def read(self, size: int, /) -> bytes: ...


def is_zstd(head: bytes) -> bool:
    """Whether bytes begin as zstd does: with a frame, or with one to skip. Raises: nothing."""
    return head.startswith(_MAGIC) or (head[1:4] == _SKIPPABLE and head[0] & 0xF0 == 0x50)


def open_zstd(compressed: _Compressed) -> ZstdFile:
    """Decompress a file as it is read; a read gives no more than was asked for.

    Raises:
        ZstdError: (on reading) the bytes are no zstd, or need a window above 128 MiB.
    """
    options = {DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}
    plain: ZstdFile = ZstdFile(
        compressed,  # type: ignore[call-overload]  # is read, never closed
        "rb",
        options=options,
    )
    return plain
