"""Where data goes: stdout, or a file that is there whole or not at all.

In: a path, or none. Out: a stream to write to. A file is written beside its place and moved there
when the block ends well; on an error what stood there before still stands.
"""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from scraper.errors import ConfigError, OutputError

__all__ = ["open_output"]


@contextmanager
def open_output(file: str | None) -> Iterator[BinaryIO]:
    """Open what is to be written: a file's path; none is stdout.

    Raises:
        ConfigError: no file can be made there.
        OutputError: it takes no more: the disk is full.
        BrokenPipeError: nobody reads it any more.
    """
    try:
        if file is None:
            yield sys.stdout.buffer
            sys.stdout.flush()
        else:
            with _whole_file(Path(file)) as stream:
                yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"{error.filename or file or 'stdout'}: {error.strerror or error}"
        ) from error


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    # A link is followed: the file that it leads to is replaced, not the link.
    target = Path(os.path.realpath(path))
    try:
        special = not stat.S_ISREG(target.stat().st_mode)
    except FileNotFoundError:
        special = False
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if special:
        # A pipe or a device has no place to be moved to.
        with _made(path, target, "wb") as stream:
            yield stream
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    with _made(path, part, "xb") as stream:
        try:
            yield stream
            stream.close()
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _made(path: Path, place: Path, mode: str) -> BinaryIO:
    try:
        return place.open(mode)  # type: ignore[return-value]  # both modes are binary
    except OSError as error:
        raise ConfigError(f"{path}: can't be written: {error.strerror}") from error
