"""The Dockerfile: linted, and its own steps taken in a folder, as far as can be without Docker."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "Dockerfile"
HADOLINT = Path(sys.executable).parent / "hadolint"


def steps():
    """The instructions of the stage that builds, a pair each; continued lines are one."""
    stage = DOCKERFILE.read_text().split("\nFROM ")[1].replace("\\\n", " ")
    lines = [line.split(None, 1) for line in stage.splitlines()[1:]]
    return [(line[0], line[1]) for line in lines if len(line) == 2 and line[0] in {"RUN", "COPY"}]


def take(instruction, text, inside):
    """Take one step with / moved to a folder."""
    if instruction == "RUN":
        command = re.sub(r"(?<![\w.])/(opt|src)\b", rf"{shlex.quote(str(inside))}/\1", text)
        subprocess.run(command.replace("python -m", f"{sys.executable} -m"), shell=True, check=True)
        return
    *sources, target = text.split()
    for name in sources:
        path = inside / target.lstrip("/")
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            path.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, path)


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint has no package for this machine")
def test_the_dockerfile_is_linted():
    found = subprocess.run([HADOLINT, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.long
def test_its_steps_make_the_locked_environment_in_which_a0_starts(tmp_path):
    """From the package registry, which no other test asks."""
    for instruction, text in steps():
        take(instruction, text, tmp_path)
    bin_ = tmp_path / "opt/scraper/bin"

    def run(*command):
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60
        ).stdout

    listed = dict(line.split("==") for line in run(bin_ / "pip", "freeze").split() if "==" in line)
    lock = re.findall(
        r"^([\w.-]+)==([^ ;\\]+) ?([^\\]*)", (ROOT / "requirements.txt").read_text(), re.M
    )
    named = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in listed.items()}
    always = {name: version for name, version, marker in lock if not marker.strip()}
    assert always.items() <= named.items()
    assert named.keys() <= {name for name, _, _ in lock}
    assert "Usage: a0" in run(bin_ / "a0", "--help")
    assert "scraper, version" in run(bin_ / "scraper", "--version")
    assert (bin_ / "unionai-actor-bridge").exists()
    assert "workflows.crawl" in run(
        bin_ / "python", "-c", "import workflows.crawl as w; print(w.__name__)"
    )
