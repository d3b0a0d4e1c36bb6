import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.text import collapse, visible_text, without_surrogates


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b</p>", "a b"),
        ("J<b>oh</b>n", "John"),
        ("a<br>b", "a b"),
        ("a<wbr>b", "ab"),
        ("a<!-- x -->b", "ab"),
        ("<a href=/><h3>Name</h3></a><span>9.50</span>", "Name 9.50"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "1 2"),
        ("<ul><li>a<li>b</ul>c", "a b c"),
        (" a \n\t\u00a0 b\u3000c ", "a b c"),
        ("a&nbsp;&amp;&lt;b", "a &<b"),
        ("a<script>x()</script><style>y{}</style><template>z</template>b", "ab"),
        ("a<noscript><p>on</p></noscript><iframe>x</iframe>b", "ab"),
        ("<textarea>a</textarea><svg><text>b</text></svg>", "a b"),
        ("<svg><g><title>tip</title><desc>d</desc><text>b</text></g></svg>a", "b a"),
        ("<title>a</title><p>b", "a b"),
        ("<p hidden>a</p><p style='display:none'>b", "a b"),
        ("&#xD800;", "\ufffd"),
        ("", ""),
    ],
)
def test_visible_text(html, text):
    assert visible_text(LexborHTMLParser(f"<body>{html}").body) == text


def test_hidden_element_that_is_asked_for_gives_its_text():
    tree = LexborHTMLParser("<script id=data>var a = {b:  1}</script>")
    assert visible_text(tree.css_first("#data")) == "var a = {b: 1}"


def test_siblings_of_the_element_are_not_its_text():
    tree = LexborHTMLParser("<p>a</p><p id=x>b<i>c</i></p><p>d</p>")
    assert visible_text(tree.css_first("#x")) == "bc"


def test_tree_is_left_as_it_was():
    tree = LexborHTMLParser("<p>a<script>x</script></p><noscript><p>b</p></noscript>")
    before = tree.html
    visible_text(tree.body)
    assert tree.html == before


def test_deep_nesting_is_no_recursion():
    assert visible_text(LexborHTMLParser("<div>" * 3000 + "a").body) == "a"


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a", "a"), ("é😀", "é😀"), ("a\ud800b\udfff", "a\ufffdb\ufffd"), ("", "")],
)
def test_lone_surrogates_are_replaced(text, kept):
    assert without_surrogates(text) == kept


def test_collapse_takes_all_white_space():
    assert collapse("\u2003a\u00a0\r\nb\u2028") == "a b"
