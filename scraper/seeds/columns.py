"""Which column of a table holds the URL.

Names in, a place out; a `ConfigError` that names the columns there are, and the nearest. Pure.
"""

import difflib
from collections.abc import Sequence

from scraper.errors import ConfigError
from scraper.seeds.rows import excerpt

__all__ = ["url_place"]

_SHOWN_NAMES = 20


def url_place(names: Sequence[str], wanted: str, where: str) -> int:
    """The place, from 0, of the column of the URL; names are compared without case.

    Args:
        names: the columns, in order.
        wanted: the one that is looked for.
        where: the list, and the line, that an error names.

    Raises:
        ConfigError: there is none.
    """
    folded = [name.strip().lower() for name in names]
    wanted = wanted.strip().lower()
    if wanted in folded:
        return folded.index(wanted)
    shown = [excerpt(name) for name in names[:_SHOWN_NAMES]]
    rest = ", …" if len(names) > _SHOWN_NAMES else ""
    close = difflib.get_close_matches(wanted, folded[:_SHOWN_NAMES], n=1, cutoff=0.3)
    hint = f"; did you mean {shown[folded.index(close[0])]!r}?" if close else ""
    raise ConfigError(f"{where}: no column {wanted!r}, only {', '.join(shown)}{rest}{hint}")
