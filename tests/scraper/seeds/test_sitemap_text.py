import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.errors import ConfigError
from scraper.seeds import sitemap_text
from scraper.seeds.sitemap_text import mended
from scraper.seeds.stream import ListStream


class Dribble:
    def __init__(self, data, size):
        self._data, self._size = io.BytesIO(data), size

    def read(self, size):
        return self._data.read(min(size, self._size))


def mend(data, size=1 << 20):
    return b"".join(mended(ListStream("a.xml", Dribble(data, size))))


MENDED = {
    "sound": (b"<a>b</a>", b"<a>b</a>"),
    "declaration": (b" \n<?xml version='1.0'?><a/>", b"\n<a/>"),
    "mark": (b"\xef\xbb\xbf\n\xef\xbb\xbf<a/>", b"\n<a/>"),
    "two_declarations": (b"<?xml?><?xml?>\n<a/>", b"\n<a/>"),
    "comment": (b"<a><!-- & <![CDATA[ <b> \r\n -- ]]> -->c</a>", b"<a>\r\nc</a>"),
    "odd_comment": (b"<a><!--> <b> -->c</a>", b"<a>c</a>"),
    "instruction": (b"<a><?php echo '>' & 1 ?>c</a>", b"<a>c</a>"),
    "bare": (b"<a>?x=1&y=2& &</a>", b"<a>?x=1&amp;y=2&amp; &amp;</a>"),
    "escaped": (b"<a>&amp;&lt;&gt;&quot;&apos;</a>", b"<a>&amp;&lt;&gt;&quot;&apos;</a>"),
    "no_semicolon": (b"<a>&copy=1&amp</a>", b"<a>&amp;copy=1&amp;amp</a>"),
    "html": (b"<a>&nbsp;&eacute;&AMP;</a>", "<a>\xa0é&amp;</a>".encode()),
    "unknown": (b"<a>&nonsense;&a.b;</a>", b"<a>&amp;nonsense;&amp;a.b;</a>"),
    "numbers": (b"<a>&#65;&#x42;&#X43;&#38;&#60;</a>", b"<a>ABC&amp;&lt;</a>"),
    "no_characters": (b"<a>&#0;&#x1f;&#xD800;&#xFFFE;&#9999999;&#;</a>", b"<a>&amp;#;</a>"),
    "long_number": (b"<a>&#99999999;</a>", b"<a>&amp;#99999999;</a>"),
    "attribute": (b"<a b='?c=1&d=2'/>", b"<a b='?c=1&amp;d=2'/>"),
    "controls": (b"<a>b\0\x01\x0b\x1f\tc\r\n</a>", b"<a>b\tc\r\n</a>"),
    "no_utf8": (b"<a>\xff\xc3</a>", "<a>\ufffd\ufffd</a>".encode()),
    "noncharacters": (b"<a>\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd</a>", b"<a>\xef\xbf\xbd</a>"),
    "section_end": (b"<a>b]]>c</a>", b"<a>b]]&gt;c</a>"),
    "cdata": (b"<a><![CDATA[?x=1&y=2&amp;<!-- > -->]]>&c</a>",
              b"<a><![CDATA[?x=1&y=2&amp;<!-- > -->]]>&amp;c</a>"),
    "two_cdata": (b"<![CDATA[&]]>&<![CDATA[&]]>", b"<![CDATA[&]]>&amp;<![CDATA[&]]>"),
    "open_cdata": (b"<a><![CDATA[&b>c&", b"<a><![CDATA[&b>c&"),
    "open_comment": (b"<a>b<!-- c>d\n", b"<a>b\n"),
    "open_tag": (b"<a>b<c d='&", b"<a>b<c d='&amp;"),
    "empty": (b"", b""),
}  # fmt: skip


@pytest.mark.parametrize(("data", "text"), MENDED.values(), ids=MENDED)
@pytest.mark.parametrize("block", [1, 2, 3, 5, 262_144])
def test_a_sitemap_is_mended_however_its_bytes_come(monkeypatch, data, text, block):
    monkeypatch.setattr(sitemap_text, "_BLOCK_BYTES", block)
    assert mend(data) == text


PIECES = [
    "<a>",
    "</a>",
    "&",
    "&amp;",
    "&nbsp;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "\n",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from([*PIECES, "é", "x", "-", "]", ">"])), st.integers(1, 9))
def test_blocks_make_no_difference(parts, block):
    data = "".join(parts).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitemap_text, "_BLOCK_BYTES", block)
        pieces = mend(data)
    assert pieces == mend(data)
    assert pieces.count(b"\n") == data.count(b"\n")


@pytest.mark.parametrize("filler", [b"x", b"&", b"<", b" "])
def test_a_megabyte_without_a_tag_is_refused_not_held(filler):
    class Endless:
        given = 0

        def read(self, size):
            self.given += size
            return filler * size

    endless = Endless()
    with pytest.raises(ConfigError, match=r"^a\.xml: can't be read.*more than 1048576 bytes"):
        list(mended(ListStream("a.xml", endless)))
    assert endless.given < 3_000_000
