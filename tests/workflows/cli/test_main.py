"""The command itself: help, version, and how little it costs to ask for them."""

import subprocess
import sys

import pytest

from scraper.product import VERSION
from tests.workflows.cli.command import scraper


def test_its_version():
    assert scraper("--version").stdout.strip() == f"scraper, version {VERSION}"


HELP = [["-h"], ["run", "-h"], ["export", "-h"], ["list", "-h"], ["demo", "--help"]]


@pytest.mark.parametrize("words", HELP, ids=" ".join)
def test_each_command_has_help(words):
    done = scraper(*words)
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_an_unknown_command_is_usage():
    done = scraper("fetch")
    assert (done.returncode, done.stdout) == (2, "")


def test_help_does_not_import_flyte():
    code = (
        "import sys; from workflows.cli.main import cli\n"
        "cli(['run', '--help'], standalone_mode=False)\n"
        "sys.exit('flyte' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
