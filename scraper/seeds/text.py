"""Plain lists: one URL a line, `#` comments, `key=value` metadata behind tabs.

    # shops
    https://example.org/a<TAB>shelf=3<TAB>lang=en

A part behind a tab without `=` is kept under its place in the line (`column_2` stands next to
the URL): a list that was cut out of a table loses nothing. All values are text. A line of more
than 64 KiB, or with a NUL in it, is a row without a URL.
"""

from collections.abc import Iterator

from scraper.seeds.encoding import as_text
from scraper.seeds.rows import RawRow, column_name, excerpt, split_url
from scraper.seeds.stream import ListStream

__all__ = ["read_text"]

_LINE_BYTES = 65_536


def read_text(stream: ListStream, url_column: str | None = None) -> Iterator[RawRow]:
    """Give the rows of a plain list; a line that is no UTF-8 is windows-1252.

    Args:
        stream: the list.
        url_column: of no meaning here.

    Raises:
        ConfigError: the list can't be read to its end.
    """
    for line in stream.lines(cap=_LINE_BYTES):
        text = as_text(line.data, is_cut=line.is_cut).strip()
        if not text or text.startswith("#"):
            continue
        if line.is_cut or "\0" in text:
            yield RawRow(line=line.number, url=None, text=excerpt(text))
        elif "\t" in text:
            url, columns = _parts(text)
            yield RawRow(line=line.number, url=url, text=excerpt(text), columns=columns)
        else:
            yield RawRow(line=line.number, url=text, text=excerpt(text))


def _parts(text: str) -> tuple[str | None, dict[str, object]]:
    url, *parts = text.split("\t")
    columns: dict[str, object] = {}
    for place, part in enumerate(parts, 2):
        key, mark, value = part.partition("=")
        name = column_name(key if mark else "", place)
        if part.strip():
            columns.setdefault(name, (value if mark else part).strip())
    # `url=` behind a tab is a column like any other: the URL of the line stands first.
    return url.strip(), split_url(columns, url_column="")[1]
