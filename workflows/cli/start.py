"""Where the `scraper` command begins: until all modules are there, a signal just ends it."""

import os
import signal

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> None:
    """Run the command line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: os._exit(_INTERRUPTED))
    from workflows.cli.main import main as run_command

    run_command()


if __name__ == "__main__":
    main()
