"""Sitemaps: one `<url>` a row, its `<loc>` the URL; `lastmod`, `changefreq`, `priority` ride along.

An index's `<sitemap>` is a link to another list. Names count without their namespace, but a
`<loc>` must bear that of its parent: `image:loc` is no page. A `<url>` without a `<loc>`, or with
one of more than 64 KiB, is a row without a URL.

The parser is strict: a document that ends early, or whose tags don't match, is a `ConfigError`
with the line, never a list that is silently shorter. It builds no tree, reads no DTD and expands
no entity; depth, tags and texts are bounded.

**Source:** sitemaps.org 0.9; expat.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from xml.parsers import expat

from scraper.errors import ConfigError
from scraper.seeds.forms import SITEMAP_ROOTS
from scraper.seeds.rows import RawRow, excerpt
from scraper.seeds.sitemap_text import MAX_TOKEN_BYTES, mended
from scraper.seeds.stream import ListStream

__all__ = ["SitemapLink", "read_sitemap"]

_COLUMNS = ("lastmod", "changefreq", "priority")
_MAX_DEPTH = 64
_MAX_CHARACTERS = 65_536


class SitemapLink(NamedTuple):
    """One `<sitemap>` of an index: its line, and its `<loc>`, empty if it has none."""

    line: int
    loc: str


def read_sitemap(stream: ListStream) -> Iterator[RawRow | SitemapLink]:
    """Give the rows of a sitemap, and the links of an index.

    Raises:
        ConfigError: no sitemap, broken beyond repair, or cut short; with the line.
    """
    document = _Document(stream.name)
    for piece in mended(stream):
        yield from document.feed(piece)
        stream.line = document.line
    yield from document.feed(b"", is_last=True)


class _Document:
    """A sitemap as its pieces come: what each piece ends is given at once, and forgotten."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._found: list[RawRow | SitemapLink] = []
        self._fed = 0
        self._depth = 0
        self._entry = ""
        self._line = 0
        self._fields: dict[str, str] = {}
        self._names: Mapping[str, str] = {}
        self._field: str | None = None
        self._text: list[str] = []

    @property
    def line(self) -> int:
        """The line that was reached."""
        return self._parser.CurrentLineNumber

    def feed(self, piece: bytes, *, is_last: bool = False) -> Iterator[RawRow | SitemapLink]:
        """Parse the next piece.

        Raises:
            ConfigError: it can't be parsed; what came before it is given first.
        """
        error: expat.ExpatError | ConfigError | None = None
        try:
            self._parser.Parse(piece, is_last)
        except (expat.ExpatError, ConfigError) as caught:
            error = caught
        found, self._found = self._found, []
        yield from found
        if isinstance(error, expat.ExpatError):
            told = expat.ErrorString(error.code)
            raise ConfigError(f"{self._name}: line {error.lineno}: broken XML: {told}") from error
        if error is not None:
            raise error
        self._cut_text()
        self._fed += len(piece)
        if self._fed - self._parser.CurrentByteIndex > 2 * MAX_TOKEN_BYTES:
            raise self._refused(f"a tag of more than {MAX_TOKEN_BYTES} bytes")

    def _refused(self, reason: str) -> ConfigError:
        return ConfigError(f"{self._name}: line {self.line}: {reason}")

    def _doctype(
        self, name: str, system: str | None, public: str | None, has_declarations: int
    ) -> None:
        if has_declarations:
            raise self._refused("a sitemap may not declare entities of its own")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 3 and self._entry:
            self._begin_field(self._names.get(name))
        elif self._depth == 2:
            self._begin_entry(name)
        elif self._depth == 1 and name.rpartition(":")[2] not in SITEMAP_ROOTS:
            raise self._refused(f"XML, but no sitemap: its root is <{excerpt(name)}>")
        elif self._depth > _MAX_DEPTH:
            raise self._refused(f"tags are nested deeper than {_MAX_DEPTH}")

    def _begin_entry(self, name: str) -> None:
        prefix, _, local = name.rpartition(":")
        self._entry = local if local in ("url", "sitemap") else ""
        if self._entry:
            self._line = self._parser.CurrentLineNumber
            self._fields = {}
            self._names = _names_with(prefix)

    def _begin_field(self, field: str | None) -> None:
        self._field = field
        if field is not None:
            self._text.clear()
            self._parser.CharacterDataHandler = self._text.append

    def _cut_text(self) -> None:
        """Hold no more of a text than can count."""
        self._text[:] = ["".join(self._text)[: _MAX_CHARACTERS + 1]]

    def _end(self, name: str) -> None:
        if self._depth == 3 and self._field is not None:
            self._fields.setdefault(self._field, "".join(self._text)[: _MAX_CHARACTERS + 1].strip())
            self._field = self._parser.CharacterDataHandler = None
        elif self._depth == 2 and self._entry:
            self._found.append(self._row() if self._entry == "url" else self._link())
            self._entry = ""
        self._depth -= 1

    def _row(self) -> RawRow:
        loc = self._fields.get("loc", "")
        columns: dict[str, object] = {
            name: value for name in _COLUMNS if (value := self._fields.get(name))
        }
        text = loc or "".join(f"<{name}>{value}</{name}>" for name, value in columns.items())
        url = loc if 0 < len(loc) <= _MAX_CHARACTERS else None
        return RawRow(line=self._line, url=url, text=excerpt(text or "<url>"), columns=columns)

    def _link(self) -> SitemapLink:
        return SitemapLink(self._line, self._fields.get("loc", "")[: _MAX_CHARACTERS + 1])


@lru_cache(maxsize=16)
def _names_with(prefix: str) -> Mapping[str, str]:
    """The fields by the names that they have under a prefix."""
    return {f"{prefix}:{name}".removeprefix(":"): name for name in ("loc", *_COLUMNS)}
