"""What crosses to whoever parses pages: a row whose attempts are over, and its ready lines.

No body crosses: a page is named by its place in the archive.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from scraper.archive import Place
from scraper.models import Attempt, Seed

__all__ = ["Parse", "ParseJob", "Parsed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseJob:
    """A row whose attempts are over; without a place it has no page. `max_bytes` is decoded.

    With `obey_tags` a page that says `noindex` or `noai` of itself is left. `copy` is a local file
    with the bytes of the archive's part, where the store is far.
    """

    seed: Seed
    last: Attempt
    place: Place | None
    batch: str
    max_bytes: int
    obey_tags: bool = False
    copy: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A row's line of the outcomes' part, and its lines of the items' part."""

    outcome: bytes
    items: tuple[bytes, ...] = ()


Parse = Callable[[Iterable[ParseJob]], AsyncGenerator[Parsed, None]]
"""Rows in, their lines out, in the same order. The rows are taken one by one, as they fit."""
