"""An element → the text that a reader sees, white space collapsed.

Blocks are kept apart by a space, inline elements are not: `<p>a</p><p>b</p>` is `a b`,
`J<b>ohn</b>` is `John`. Scripts, styles, what stands in for them and the tooltips of drawings are
left out. What only a style or `hidden` hides stays: it is mostly a tab that a reader can open.
The tree is only read. No errors.
"""

import re

from selectolax.lexbor import LexborNode

__all__ = ["collapse", "visible_text", "without_surrogates"]

_HIDDEN = frozenset(
    {"script", "style", "noscript", "template", "iframe", "noembed", "noframes", "head"}
)
_TOOLTIPS = frozenset({"title", "desc", "metadata"})
"""Hidden in a drawing; elsewhere they are what a feed is made of."""
_INLINE = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em"}
    | {"font", "i", "img", "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "small"}
    | {"span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "-comment"}
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def visible_text(root: LexborNode) -> str:
    """The text of an element as it would be read. Raises: nothing.

    An element that is itself hidden (a script that holds data) gives its text as it stands.
    """
    if root.tag in _HIDDEN:
        return collapse(root.text())
    parts: list[str] = []
    # A None marks the end of a block. No recursion: pages may nest thousands of elements.
    stack: list[LexborNode | None] = [root]
    while stack:
        node = stack.pop()
        tag = node.tag if node is not None else None
        if node is None:
            parts.append(" ")
        elif tag == "-text":
            parts.append(node.text_content or "")
        elif tag not in _HIDDEN and not (tag in _TOOLTIPS and _is_drawn(node)):
            if tag not in _INLINE:
                parts.append(" ")
                stack.append(None)
            stack.extend(reversed(list(node.iter(include_text=True))))
    return collapse("".join(parts))


def _is_drawn(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None and parent.tag != "svg":
        parent = parent.parent
    return parent is not None


def collapse(text: str) -> str:
    """Make each run of white space, non-breaking too, one space; none at the ends."""
    return " ".join(text.split())


def without_surrogates(text: str) -> str:
    """Replace lone surrogates by U+FFFD, so that the text can be written as UTF-8."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)
