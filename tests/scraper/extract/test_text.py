import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.text import (
    _HIDDEN,
    _INLINE,
    _TOOLTIPS,
    collapse,
    visible_text,
    without_surrogates,
)

TAGS = ["p", "div", "a", "b", "span", "i", "td", "table", "li", "ul", "br", "img", "h1", "svg"]
TAGS += ["title", "desc", "text", "script", "noscript", "template", "style", "xmp", "select", "x-y"]
PIECES = [
    "a",
    "b c",
    " ",
    "\n",
    "\u00a0",
    "&amp;",
    "&lt;p>",
    "<!-- c -->",
    "<?x?>",
    "<![CDATA[d]]>",
]
markup = st.lists(
    st.sampled_from(
        [f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS] + PIECES * 3,
    ),
    max_size=40,
).map("".join)


def by_recursion(node):
    """The same, told as simply as it can be."""
    if node.tag == "-text":
        return node.text_content or ""
    parent, is_drawn = node.parent, False
    while node.tag in _TOOLTIPS and parent is not None:
        is_drawn = is_drawn or parent.tag == "svg"
        parent = parent.parent
    if node.tag in _HIDDEN or is_drawn:
        return ""
    inner = "".join(map(by_recursion, node.iter(include_text=True)))
    return inner if node.tag in _INLINE else f" {inner} "


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
        ("<div>a</div>b", "a b"),
        ("<b><i><p>a</p></i></b>b", "a b"),
        ("<div><p>a</p></div><i>b</i>c", "a bc"),
        ("<p>a</p><script>x</script>b", "a b"),
        ("<div>a<script>x</script></div>b", "a b"),
        ("a<i><script>x</script></i>b<style>y</style>", "ab"),
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


@given(markup)
@settings(max_examples=400, deadline=None)
def test_any_element_gives_what_it_gives_by_recursion(html):
    tree = LexborHTMLParser(html)
    for node in [tree.root, *tree.css("*")]:
        if node.tag not in _HIDDEN:
            assert visible_text(node) == collapse(by_recursion(node)), (html, node.tag)


def test_tree_is_left_as_it_was():
    tree = LexborHTMLParser("<p>a<script>x</script></p><noscript><p>b</p></noscript>")
    before = tree.html
    visible_text(tree.body)
    assert tree.html == before


@pytest.mark.parametrize("opened", ["<div>", "<b>", "<b><div>", "<div><script></script>"])
def test_deep_nesting_costs_neither_recursion_nor_time(opened):
    assert visible_text(LexborHTMLParser(opened * 5000 + "a").body) == "a"


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a", "a"), ("é😀", "é😀"), ("a\ud800b\udfff", "a\ufffdb\ufffd"), ("", "")],
)
def test_lone_surrogates_are_replaced(text, kept):
    assert without_surrogates(text) == kept


def test_collapse_takes_all_white_space():
    assert collapse("\u2003a\u00a0\r\nb\u2028") == "a b"
