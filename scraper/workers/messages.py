"""What crosses between a process of ours and one that it started, in frames.

A frame is four bytes of length, big-endian, and a pickled value. Both ends are ours and of one
version: nothing else is ever read from these pipes.
"""

import pickle
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal

from scraper.models import BatchJob, BatchResult, PhaseResult
from scraper.rules import SiteRule

__all__ = [
    "HEAD_BYTES",
    "Answer",
    "Call",
    "Cancel",
    "Close",
    "Phase",
    "PhaseAnswer",
    "Ready",
    "Setup",
    "Stop",
    "Tally",
    "frame_length",
    "framed",
    "portable",
    "read_frame",
    "unframed",
]

HEAD_BYTES = 4

Phase = Literal["submit", "poll"]
PhaseAnswer = PhaseResult | BatchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The first word of a process: its imports are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """To a worker: do a phase of a batch."""

    number: int
    phase: Phase
    job: BatchJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """To a worker: nobody waits for that call any more."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """To a worker: finish what is under way, begin nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """To a worker: leave everything and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """From a worker: what its sessions have counted so far."""

    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """To a parser: what all its pages have in common."""

    store: str
    sites: Sequence[SiteRule]
    deadline_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """From a worker: what became of a call. Without value and error it was cancelled."""

    number: int
    value: PhaseAnswer | None = None
    error: BaseException | None = None


def framed(message: object) -> bytes:
    """A message as it goes into a pipe."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(HEAD_BYTES, "big") + data


def frame_length(head: bytes) -> int:
    """How many bytes follow a frame's head."""
    return int.from_bytes(head, "big")


def unframed(data: bytes) -> object:
    """The message in a frame."""
    return pickle.loads(data)


def read_frame(pipe: BinaryIO) -> object:
    """Wait for the next message.

    Raises:
        EOFError: the other end is gone.
    """
    head = pipe.read(HEAD_BYTES)
    data = pipe.read(frame_length(head)) if len(head) == HEAD_BYTES else b""
    if not data or len(data) < frame_length(head):
        raise EOFError
    return unframed(data)


def portable(error: BaseException) -> BaseException:
    """An error as it can cross: of its own class where that can be, with its traceback as a note.

    The class decides what is done about it: a full disk is another matter than a bug.
    """
    lines = traceback.format_exception(error)
    try:
        copied: BaseException = pickle.loads(pickle.dumps(error))
    # A class may take other arguments than those that it hands on.
    except (TypeError, AttributeError, ValueError, pickle.PickleError):
        copied = RuntimeError(f"{type(error).__name__}: {error}")
    copied.add_note("in another process:\n" + "".join(lines).rstrip())
    return copied
