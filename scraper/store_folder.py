"""What only a folder can: its files are added to, read in pieces and swept, without a store's way.

In: paths. Out: bytes, or a file that has grown. Offsets and lengths are in bytes.
"""

import contextlib
import os
import re
from pathlib import Path

__all__ = ["append_to", "check_is_there", "read_range", "sweep"]

_HALF_WRITTEN = re.compile(r".+#\d+")


def append_to(path: Path, data: bytes, *, at: int) -> None:
    """Add to the end of a file; a crash may leave a torn tail.

    Raises:
        OSError: not all was written, or the file ends elsewhere.
    """
    with path.open("ab") as file:
        if file.tell() != at:
            raise OSError(f"it has {file.tell()} bytes and should have {at}")
        file.write(data)


def read_range(path: Path | str, start: int, length: int) -> bytes:
    """Read a piece of a file; less if it ends before. Raises: `OSError`."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.pread(file, length, start)
    finally:
        os.close(file)


def sweep(folder: Path) -> None:
    """Remove what writes left below a folder that were killed half-way. Raises: nothing."""
    with contextlib.suppress(OSError):
        for path in folder.rglob("*#*"):
            if _HALF_WRITTEN.fullmatch(path.name):
                path.unlink()


def check_is_there(folder: Path) -> None:
    """A folder that was taken away isn't made again: what was in it would be missing.

    Raises:
        OSError: it is gone.
    """
    if not folder.is_dir():
        raise OSError(f"the folder {folder} is gone")
