"""What a list is: told by its name, by the `Content-Type` it came with, by its first bytes.

Where the bytes are certain (Parquet, a sitemap) they win over any name. What is no list (a
picture, a web page, a feed) is a `ConfigError` that says what it is. Pure.

**Source:** the media types are those of RFC 4180, RFC 7303 and IANA's registry.
"""

import re

from scraper.errors import ConfigError
from scraper.seeds.names import named_form, shown_name
from scraper.seeds.options import ListFormat
from scraper.seeds.zstd import is_zstd

__all__ = ["GZIP_MAGIC", "PARQUET_MAGIC", "SITEMAP_ROOTS", "list_format", "refuse_binary"]

GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
SITEMAP_ROOTS = frozenset({"urlset", "sitemapindex"})

_FORM_BY_TYPE: dict[str, ListFormat] = {
    "text/csv": "csv",
    "application/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/x-ndjson": "jsonl",
    "application/ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/jsonlines": "jsonl",
    "application/x-jsonlines": "jsonl",
    "text/uri-list": "txt",
    "application/xml": "sitemap",
    "text/xml": "sitemap",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
}
_MAGICS = {
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"\xff\xd8\xff": "JPEG",
    b"PK\x03\x04": "ZIP or a spreadsheet",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet or document",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PARE": "encrypted Parquet",
    GZIP_MAGIC: "gzip twice over",
}
_BEFORE_ROOT = re.compile(
    r"\s+|<\?.*?\?>|<!--.*?-->|<!doctype\s+(?!html)[^\[>]*(?:\[.*?\]\s*)?>", re.S | re.I
)
_ROOT = re.compile(r"<([^\W\d][\w.-]*(?::[\w.-]+)?)(?=[\s/>])")
_HTML = re.compile(r"<!doctype\s+html|<(?:html|head|body|script)\b", re.I)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.I)


def refuse_binary(head: bytes, name: str) -> None:
    """Refuse what is no list, its first compression undone.

    Raises:
        ConfigError: a picture, an archive, a document, compressed again.
    """
    kind = next((kind for magic, kind in _MAGICS.items() if head.startswith(magic)), None)
    if kind is None and is_zstd(head):
        kind = "zstd twice over"
    if kind is not None:
        raise ConfigError(f"{name}: is no list: binary ({kind})")


def list_format(
    source: str, head: bytes, *, url_column: str | None = None, content_type: str | None = None
) -> ListFormat:
    """Tell a list's format: by its suffix, then by its type, then by its first bytes.

    Unnamed text is JSON lines if it begins with `{`, a table if a URL column is asked for or
    the first line names a column `url` beside others, and otherwise one URL a line. A `.txt` is
    a table if tabs part the names of its columns, as spreadsheets write it.

    Args:
        source: the list's path, URL, or `-`.
        head: its first bytes, in UTF-8.
        url_column: the column of the URL, if one is asked for.
        content_type: the header that came with it.

    Raises:
        ConfigError: HTML, XML that is no sitemap, a JSON array; bytes that aren't what the name
            says, where that can be told.
    """
    name, text = shown_name(source), head.decode(errors="replace").lstrip("\ufeff \t\r\n")
    media_type = (content_type or "").partition(";")[0].strip().lower()
    named = named_form(source) or _FORM_BY_TYPE.get(media_type)
    if head.startswith(PARQUET_MAGIC):
        return "parquet"
    if named == "parquet":
        raise ConfigError(f"{name}: is no Parquet: its first bytes aren't `PAR1`")
    if _is_sitemap(text, name, is_named=named == "sitemap"):
        return "sitemap"
    first_line = re.split(r"[\r\n]", text, maxsplit=1)[0]
    if named == "txt" and _is_header(first_line, url_column):
        return "tsv"
    return named or _unnamed(text, name, url_column)


def _is_sitemap(text: str, name: str, *, is_named: bool) -> bool:
    """Whether a text is a sitemap; markup that is none is refused."""
    if not text.startswith("<"):
        if is_named and text:
            raise ConfigError(f"{name}: is no sitemap: it does not begin with `<`")
        return is_named
    position = 0
    while found := _BEFORE_ROOT.match(text, position):
        position = found.end()
    if _HTML.match(text, position):
        raise ConfigError(f"{name}: is no list: HTML")
    root = _ROOT.match(text, position)
    if root is not None and root[1].rpartition(":")[2] in SITEMAP_ROOTS:
        return True
    if is_named or position or text[:2] in ("<?", "<!"):
        told = f"its root is <{root[1]}>" if root else "its beginning has no root element"
        raise ConfigError(f"{name}: is no list: XML, but no sitemap: {told}")
    return False


def _is_header(line: str, url_column: str | None) -> bool:
    """Whether tabs part names in this line, one of which is that of the URL."""
    cells = [cell.strip(' "').lower() for cell in line.split("\t")]
    wanted = (url_column or "url").strip().lower()
    return len(cells) > 1 and wanted in cells and not any(map(_SCHEME.match, cells))


def _unnamed(text: str, name: str, url_column: str | None) -> ListFormat:
    if text.startswith("{"):
        return "jsonl"
    if text.startswith("["):
        raise ConfigError(f"{name}: a JSON array is no list: write one object a line")
    first_line = re.split(r"[\r\n]", text, maxsplit=1)[0].lower()
    cells = [cell.strip(' "') for cell in re.split(r"[,;\t]", first_line)]
    is_table = url_column is not None or (len(cells) > 1 and "url" in cells)
    return "csv" if is_table else "txt"
