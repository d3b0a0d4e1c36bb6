import codecs
import gzip
import tracemalloc

import pytest

from scraper.errors import ConfigError
from scraper.seeds.rows import RawRow
from scraper.seeds.sitemap import SitemapLink, read_sitemap
from scraper.seeds.stream import ListStream

NAMESPACE = "xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'"


def sitemap(*entries, root="urlset", attributes=NAMESPACE):
    declaration, body = "<?xml version='1.0' encoding='UTF-8'?>", "\n".join(entries)
    return f"{declaration}\n<{root} {attributes}>\n{body}\n</{root}>\n".encode()


A = "<url><loc>http://a/</loc></url>"


def row(line, url, text=None, **columns):
    return RawRow(line=line, url=url, text=url if text is None else text, columns=columns)


SITEMAPS = {
    "plain": (sitemap(A), [row(3, "http://a/")]),
    "columns": (
        sitemap(
            "<url>",
            "<loc> http://a/",
            "</loc><lastmod>2026-01-02</lastmod><changefreq>daily</changefreq>",
            "<priority>0.5</priority><other>x</other></url>",
        ),
        [row(3, "http://a/", lastmod="2026-01-02", changefreq="daily", priority="0.5")],
    ),
    "empty_columns": (
        sitemap("<url><loc>http://a/</loc><lastmod/><priority> </priority></url>"),
        [row(3, "http://a/")],
    ),
    "lines": (
        sitemap(A, "<!-- \n\n -->", "<url><loc>http://b/</loc></url>"),
        [row(3, "http://a/"), row(7, "http://b/")],
    ),
    "no_namespace": (
        sitemap(A, attributes=""),
        [row(3, "http://a/")],
    ),
    "wrong_namespace": (
        sitemap(A, attributes="xmlns='https://www.google.com/x'"),
        [row(3, "http://a/")],
    ),
    "prefix": (
        sitemap(
            "<s:url><s:loc>http://a/</s:loc></s:url>", root="s:urlset", attributes="xmlns:s='a'"
        ),
        [row(3, "http://a/")],
    ),
    "undeclared_prefix": (
        sitemap("<url><loc>http://a/</loc><xhtml:link href='x'/></url>"),
        [row(3, "http://a/")],
    ),
    "images": (
        sitemap(
            "<url><image:image><image:loc>http://i/1</image:loc></image:image><loc>http://a/</loc>"
            "<image:loc>http://i/2</image:loc><video><loc>http://i/3</loc></video></url>"
        ),
        [row(3, "http://a/")],
    ),
    "only_an_image": (
        sitemap("<url><image:image><image:loc>http://i/</image:loc></image:image></url>"),
        [row(3, None, "<url>")],
    ),
    "no_loc": (
        sitemap("<url><lastmod>2026</lastmod></url>", "<url><loc> </loc></url>", "<url/>"),
        [
            row(3, None, "<lastmod>2026</lastmod>", lastmod="2026"),
            row(4, None, "<url>"),
            row(5, None, "<url>"),
        ],
    ),
    "two_locs": (
        sitemap("<url><loc>http://a/</loc><loc>http://b/</loc></url>"),
        [row(3, "http://a/")],
    ),
    "cdata": (
        sitemap("<url><loc><![CDATA[http://a/?x=1&y=2]]></loc></url>"),
        [row(3, "http://a/?x=1&y=2")],
    ),
    "mixed_cdata": (
        sitemap("<url><loc>http://a/?<![CDATA[x=1&y]]>=2&amp;z&w</loc></url>"),
        [row(3, "http://a/?x=1&y=2&z&w")],
    ),
    "bare_ampersand": (
        sitemap("<url><loc>http://a/?x=1&y=2&copy=3</loc></url>"),
        [row(3, "http://a/?x=1&y=2&copy=3")],
    ),
    "entities": (
        sitemap("<url><loc>http://a/&eacute;&#x41;&amp;&nope;</loc></url>"),
        [row(3, "http://a/éA&&nope;")],
    ),
    "controls": (sitemap("<url><loc>http://a/\x00\x0b</loc></url>"), [row(3, "http://a/")]),
    "leading_blanks": (b"\n\n " + sitemap(A), [row(5, "http://a/")]),
    "doctype": (
        b"<!DOCTYPE urlset SYSTEM 'http://a/x.dtd'><urlset><url><loc>http://a/</loc></url></urlset>",
        [row(1, "http://a/")],
    ),
    "elsewhere": (
        sitemap("<x><url><loc>http://a/</loc></url></x>", "<loc>http://b/</loc>"),
        [],
    ),
    "index": (
        sitemap("<sitemap><loc>http://a/1.xml</loc></sitemap>", "<sitemap/>", root="sitemapindex"),
        [SitemapLink(3, "http://a/1.xml"), SitemapLink(4, "")],
    ),
    "mixed": (
        sitemap(A, "<sitemap><loc>http://b/</loc></sitemap>"),
        [row(3, "http://a/"), SitemapLink(4, "http://b/")],
    ),
}


class Dribble:
    def __init__(self, data, size):
        self.data, self.size = data, size

    def read(self, size):
        piece, self.data = self.data[: self.size], self.data[self.size :]
        return piece


def entries_of(data, size=1 << 20):
    return list(read_sitemap(ListStream("a.xml", Dribble(data, size))))


@pytest.mark.parametrize(("data", "entries"), SITEMAPS.values(), ids=SITEMAPS)
@pytest.mark.parametrize("block", [1, 7, 262_144])
def test_a_sitemap_gives_its_rows_however_its_bytes_come(monkeypatch, data, entries, block):
    monkeypatch.setattr("scraper.seeds.sitemap_text._BLOCK_BYTES", block)
    assert entries_of(data) == entries


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF16_LE + "<?xml version='1.0' encoding='UTF-16'?>{}".encode("utf-16le"),
        "<?xml version='1.0' encoding='UTF-16'?>{}".encode("utf-16be"),
        "<?xml version='1.0' encoding='ISO-8859-1'?>{}".encode("latin-1"),
        b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>{}",
        "\ufeff<?xml version='1.0' encoding='utf-32'?>{}".encode("utf-32be"),
    ],
    ids=["utf16", "utf16_without_mark", "latin1", "utf8_mark", "utf32"],
)
def test_a_sitemap_may_be_in_any_charset(read, data):
    codec = {0xFF: "utf-16le", 0x00: "utf-16be", 0x3C: "latin-1", 0xEF: "utf-8"}[data[0]]
    codec = "utf-32be" if data.startswith(codecs.BOM_UTF32_BE) else codec
    body = "<urlset><url><loc>http://a/é</loc></url></urlset>".encode(codec)
    assert [row.url for row in read("x.xml", data.replace("{}".encode(codec), body))] == [
        "http://a/é"
    ]


def test_bytes_that_are_no_utf8_are_replaced_where_utf8_is_declared(read):
    data = sitemap("<url><loc>http://a/\xe9</loc></url>").replace("é".encode(), b"\xe9")
    assert [row.url for row in read("x.xml", data)] == ["http://a/\ufffd"]


LOC = "http://a/" + "x" * 65_528


@pytest.mark.parametrize(
    ("loc", "url"),
    [(LOC[:-1], LOC[:-1]), (LOC + "yz", None), ("http://a/>" * 300_000, None)],
    ids=["fits", "too_long", "three_mb"],
)
def test_a_monstrous_loc_costs_one_row(loc, url):
    entries = entries_of(sitemap(f"<url><loc>{loc}</loc></url>", "<url><loc>http://b/</loc></url>"))
    assert entries == [row(3, url, loc[:2048]), row(4, "http://b/")]


LAUGHS = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
BROKEN = {
    "cut": (sitemap(A)[:-11], "line 3: broken XML: no element found"),
    "cut_in_a_tag": (sitemap(A)[:-3], "line 4: broken XML: unclosed token"),
    "cut_in_an_entry": (
        sitemap(A, "<url><loc>http://b/")[:-11],
        "line 4: broken XML: no element found",
    ),
    "open_cdata": (
        sitemap(A, "<url><loc><![CDATA[x</loc></url>"),
        "broken XML: unclosed CDATA section",
    ),
    "open_comment": (sitemap(A, "<!-- x"), "broken XML: no element found"),
    "mismatch": (sitemap(A, "<url><loc>b</url>"), "line 4: broken XML: mismatched tag"),
    "bare_bracket": (sitemap(A, "<url><loc>b?a<b</loc></url>"), "line 4: broken XML:"),
    "two_documents": (sitemap(A) * 2, "line 6: broken XML: junk after document element"),
    "bare_attribute": (sitemap(A, "<url a=b/>"), "line 4: broken XML: not well-formed"),
    "too_deep": (sitemap(A, "<x>" * 100), "line 4: tags are nested deeper than 64"),
}


@pytest.mark.parametrize(("data", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_sitemap_is_refused_after_its_rows_never_shortened(data, message):
    seen = []
    with pytest.raises(ConfigError) as caught:
        seen.extend(read_sitemap(ListStream("a.xml", Dribble(data, 1 << 20))))
    assert str(caught.value).startswith("a.xml: ")
    assert message in str(caught.value)
    assert [row.url for row in seen] == ["http://a/"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            f"<!DOCTYPE a [<!ENTITY l0 'ha'>{LAUGHS}]><urlset><url><loc>&l9;</loc></url></urlset>",
            "line 1: a sitemap may not declare entities of its own",
        ),
        (
            "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><urlset><url>&x;</url></urlset>",
            "may not declare entities",
        ),
        (
            "<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1:9/'> %x;]><urlset/>",
            "may not declare entities",
        ),
        ("<rss><channel/></rss>", "line 1: XML, but no sitemap: its root is <rss>"),
        ("<urlset a='" + ">" * 4_000_000, "a tag of more than 1048576 bytes"),
        ("<!DOCTYPE urlset SYSTEM '" + ">" * 4_000_000, "a tag of more than 1048576 bytes"),
        ("<urlset><" + "x" * 4_000_000, "bytes without a tag"),
    ],
    ids=["laughs", "file", "network", "feed", "tag", "doctype", "name"],
)
def test_a_hostile_sitemap_is_refused(data, message):
    with pytest.raises(ConfigError) as caught:
        entries_of(data.encode(), size=100_000)
    assert message in str(caught.value)


def test_a_sitemap_cut_short_in_gzip_names_the_line_reached(read):
    data = sitemap(*(f"<url><loc>http://a/{n * n}</loc></url>" for n in range(50_000)))
    squeezed = gzip.compress(data)
    with pytest.raises(ConfigError, match=r"can't be read after line \d{4,}: "):
        read("x.xml.gz", squeezed[: len(squeezed) * 3 // 4])


ENDLESS = {
    "rows": b"<url><loc>http://a/</loc><lastmod>2026</lastmod></url>\n",
    "comments": b"<!-- " + b"x" * 200 + b" -->",
    "one_comment": b"<!-- ",
    "text": b"<x/>" + b"x" * 200,
    "tags": b"<x y='z'><x>z</x></x>",
    "one_entry": b"<url><loc>http://a/</loc><x>y</x></url><url>",
    "loc": b"<url><loc>",
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_memory_does_not_grow_with_the_sitemap(kind):
    filler = {
        "one_comment": b"x >",
        "one_entry": b"<x>y</x>",
        "loc": b"<![CDATA[" + b"x" * 500 + b"]]>",
    }
    piece = filler.get(kind, ENDLESS[kind])

    def peak(megabytes):
        block = piece * (1_000_000 // len(piece))
        blocks = iter([b"<urlset>" + ENDLESS[kind], *[block] * megabytes])

        class Blocks:
            rest = b""

            def read(self, size):
                if not self.rest:
                    self.rest = next(blocks, b"")
                given, self.rest = self.rest[:size], self.rest[size:]
                return given

        tracemalloc.start()
        try:
            with pytest.raises(ConfigError):
                for _ in read_sitemap(ListStream("a.xml", Blocks())):
                    pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(3) < 1.5 * peak(1) + 1_000_000
