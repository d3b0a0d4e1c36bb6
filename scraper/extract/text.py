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
_MAY_BE_HIDDEN = _HIDDEN | _TOOLTIPS
_SURROGATES = re.compile("[\ud800-\udfff]")


def visible_text(root: LexborNode) -> str:
    """The text of an element as it would be read. Raises: nothing.

    An element that is itself hidden (a script that holds data) gives its text as it stands.
    """
    if root.tag in _HIDDEN:
        return collapse(root.text())
    return collapse("".join(_parts(root)))


def _parts(root: LexborNode) -> list[str]:
    """The visible text nodes of an element, spaces where a block begins or ends."""
    parts: list[str] = []
    # Before these the text goes on after a block, or after what is hidden.
    block_ends: set[int] = set()
    hidden_until: int | None = None
    for node in root.traverse(include_text=True):
        place, tag = node.mem_id, node.tag
        if hidden_until is not None:
            if place != hidden_until:
                continue
            hidden_until = None
        if place in block_ends:
            parts.append(" ")
        if tag == "-text":
            parts.append(node.text_content or "")
        elif tag in _INLINE:
            continue
        elif tag in _MAY_BE_HIDDEN and (tag in _HIDDEN or _is_drawn(node)):
            hidden_until = _after(node)
        else:
            parts.append(" ")
            following = node.next
            block_ends.add(_inline_end(node) if following is None else following.mem_id)
    return parts


def _after(node: LexborNode) -> int:
    """Which node comes behind an element and all that is in it; 0 if none does."""
    current: LexborNode | None = node
    while current is not None:
        if (following := current.next) is not None:
            return following.mem_id
        current = current.parent
    return 0


def _inline_end(node: LexborNode) -> int:
    """Which node comes behind the inline elements that a block is the end of.

    0 if it is the end of another block: that one's end is known.
    """
    parent = node.parent
    while parent is not None and parent.tag in _INLINE:
        if (following := parent.next) is not None:
            return following.mem_id
        parent = parent.parent
    return 0


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
