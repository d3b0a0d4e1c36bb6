"""How often Python looks for garbage in cycles, in a process that is ours alone.

A page makes thousands of values, hardly any of them in a cycle, and Python would look through
all of them hundreds of times a second. The command and its processes ask for that more rarely; a
library must not, so nothing here happens on import. Raises nothing.

Source: Python's `gc` module.
"""

import gc

__all__ = ["collect_rarely"]

_THRESHOLDS = (50_000, 20, 50)
"""New values before the young are looked through, and how often before older ones are."""


def collect_rarely() -> None:
    """Look for cycles a tenth as often or less.

    What has been imported isn't frozen: at the end nobody would look at it any more, and DuckDB
    complains of what is left.

    Raises: nothing.
    """
    gc.set_threshold(*_THRESHOLDS)
