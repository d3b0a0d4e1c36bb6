"""The command as a person types it: the installed one, in a process of its own."""

import subprocess
import sys
from pathlib import Path

SCRAPER = str(Path(sys.executable).parent / "scraper")


def scraper(*words, cwd=None, stdin=None, timeout_s=60):
    """Run it to its end: its exit code, and all it printed as text."""
    return subprocess.run(
        [SCRAPER, *map(str, words)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
