"""How a command ends when something is wrong."""

import subprocess
import sys

import pytest

ENDS = {
    "nothing": ("pass", 0, ""),
    "a wrong word": ("raise ConfigError('list: empty')", 2, "error: list: empty\n"),
    "trouble": ("raise StoreError('store: gone')", 1, "error: store: gone\n"),
    "a full disk": (
        "raise OSError(28, 'No space', '/tmp')",
        1,
        "error: [Errno 28] No space: '/tmp'\n",
    ),
    "what plays with a terminal": (
        r"raise ConfigError('\x1b]0;title\x07 \x9b2J \u202e \r\nerror: forged')",
        2,
        "error: �]0;title� �2J � ��error: forged\n",
    ),
    "a closed pipe": ("raise BrokenPipeError", 0, ""),
}


def run(body, *, stdout=subprocess.PIPE):
    code = (
        "from scraper.errors import ConfigError, StoreError\n"
        "from workflows.cli.told import errors_told\n"
        f"with errors_told():\n    {body}\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )


@pytest.mark.parametrize(("body", "code", "told"), ENDS.values(), ids=ENDS)
def test_what_goes_wrong_is_one_line_and_an_exit_code(body, code, told):
    done = run(body)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", told)


def test_what_is_not_foreseen_keeps_its_traceback():
    done = run("1 / 0")
    assert (done.returncode, "ZeroDivisionError" in done.stderr) == (1, True)


def test_output_that_is_still_buffered_is_seen_to():
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        done = run("print('x')", stdout=full)
    assert (done.returncode, done.stderr) == (1, "error: [Errno 28] No space left on device\n")
