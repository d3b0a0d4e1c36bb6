"""Tables: CSV and TSV, a header line first, the URL in the column `url`, the rest text columns.

A CSV may be parted by `,`, `;` or tabs: whichever the header has most of; in a table of one
column every line is one cell. Cells may be quoted and hold line ends. A quote that isn't closed,
or is closed in the middle of a cell, is text of its own line: it swallows no rows.

A row that is too short has None in its last columns. One with more cells than the header is a
row without a URL, unless the extra ones are empty: a comma too many may have cut the URL in
two, and a wrong page is worse than a row that is told as failed. So is one with a line of more
than 1 MiB, a cell of more than 128 Ki characters, or a NUL.
"""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator
from typing import NamedTuple

from scraper.errors import ConfigError
from scraper.seeds.columns import url_place
from scraper.seeds.encoding import as_text
from scraper.seeds.rows import FAILED, URL, RawRow, column_name, excerpt
from scraper.seeds.stream import Line, ListStream

__all__ = ["read_csv", "read_tsv"]

_RECORD_BYTES = 1_048_576
_DELIMITERS = ",;\t"
_NO_DELIMITER = "\x1f"


def read_csv(stream: ListStream, url_column: str | None = None) -> Iterator[RawRow]:
    """Give the rows of a CSV.

    Args:
        stream: the list.
        url_column: the URL's column, compared without case; `url` if None.

    Raises:
        ConfigError: no such column, two columns of one name, or the list can't be read.
    """
    return _read_table(stream, url_column or URL, delimiters=_DELIMITERS)


def read_tsv(stream: ListStream, url_column: str | None = None) -> Iterator[RawRow]:
    """Give the rows of a TSV; see `read_csv`. Raises: as it does."""
    return _read_table(stream, url_column or URL, delimiters="\t")


class _Record(NamedTuple):
    line: int
    text: str
    cells: list[str] | None


def _read_table(stream: ListStream, url_column: str, *, delimiters: str) -> Iterator[RawRow]:
    feed = _Feed(stream.lines(cap=_RECORD_BYTES))
    records = _records(feed, _delimiter(feed.first_text(), delimiters))
    header = next(records, None)
    if header is None:
        return
    names = _column_names(header, stream.name)
    url_at = url_place(names, url_column, f"{stream.name}: line {header.line}")
    kept = [(at, name) for at, name in enumerate(names) if at != url_at and name.lower() != FAILED]
    for line, text, cells in records:
        if cells is None or any(cells[len(names) :]):
            yield RawRow(line=line, url=None, text=text)
            continue
        url = cells[url_at].strip() if url_at < len(cells) else ""
        columns: dict[str, object] = {
            name: cells[at] if at < len(cells) else None for at, name in kept
        }
        yield RawRow(line=line, url=url or None, text=text, columns=columns)


def _delimiter(header: str, delimiters: str) -> str:
    bare = re.sub(r'"[^"]*"', "", header)
    best = max(delimiters, key=bare.count)
    return best if best in bare else _NO_DELIMITER


def _column_names(header: _Record, source: str) -> list[str]:
    if header.cells is None:
        raise ConfigError(f"{source}: line {header.line}: can't be read as a header")
    names = [column_name(cell, place) for place, cell in enumerate(header.cells, 1)]
    name, count = Counter(name.lower() for name in names).most_common(1)[0]
    if count > 1:
        raise ConfigError(
            f"{source}: line {header.line}: {count} columns are named {excerpt(name)!r}"
        )
    return names


class _Feed:
    """Lines for `csv.reader`, which remember those of the record at hand.

    A record that goes too far ends in `csv.Error`, and its lines can be given back.
    """

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: deque[Line] = deque()
        self._bytes = 0
        self.taken: list[Line] = []

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines, None)
        if line is None:
            if self.taken:
                raise csv.Error("a quote is still open at the end")
            raise StopIteration
        self.taken.append(line)
        self._bytes += len(line.data)
        if not _is_sound(line) or self._bytes > _RECORD_BYTES:
            raise csv.Error("no line of a table")
        return _decoded(line) + "\n"

    def begin_record(self) -> None:
        """Forget the record before."""
        self.taken.clear()
        self._bytes = 0

    def keep_first(self) -> Line:
        """Give all lines of this record back but its first."""
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        return self.taken[0]

    def first_text(self) -> str:
        """The first line that isn't blank, which is still to be read."""
        for line in self._lines:
            if line.data.strip():
                self._again.append(line)
                return _decoded(line)
        return ""


def _records(feed: _Feed, delimiter: str) -> Iterator[_Record]:
    """The records of a table, those that can't be read with None for their cells."""
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.begin_record()
        cells: list[str] | None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = _cells_of_line(feed.keep_first(), delimiter)
        text = "\n".join(_decoded(line) for line in feed.taken)
        if text.strip() or len(cells or ()) > 1:
            yield _Record(feed.taken[0].number, excerpt(text), cells)


def _cells_of_line(line: Line, delimiter: str) -> list[str] | None:
    """One line by itself, its quotes taken as text; None if that doesn't help."""
    if not _is_sound(line):
        return None
    reader = csv.reader([_decoded(line)], delimiter=delimiter, quoting=csv.QUOTE_NONE)
    try:
        return next(reader)
    except csv.Error:
        return None


def _is_sound(line: Line) -> bool:
    return not line.is_cut and b"\0" not in line.data


def _decoded(line: Line) -> str:
    return as_text(line.data, is_cut=line.is_cut)
