"""What is shipped: the lock file is true, the image's files are there, nothing is generated."""

import re
import subprocess
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


COPIED = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name):
    pins = re.findall(r"^([\w.-]+)==([^ ;]+)", (ROOT / name).read_text(), re.MULTILINE)
    return {normal(project): version for project, version in pins}


def wanted(requirements):
    return {normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements}


def test_every_dependency_is_in_the_lock_file():
    project = PROJECT["project"]
    names = wanted(project["dependencies"]) | wanted(project["optional-dependencies"]["cluster"])
    assert names <= set(locked("requirements.txt"))
    assert wanted(PROJECT["dependency-groups"]["dev"]) <= set(locked("requirements-dev.txt"))


def test_the_development_lock_file_pins_the_same_versions():
    shipped, development = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: development.get(name) for name in shipped} == shipped


def test_what_is_installed_is_what_is_locked():
    installed = {normal(found.metadata["Name"]): found.version for found in distributions()}
    pinned = locked("requirements-dev.txt")
    wrong = {name for name in installed.keys() & pinned.keys() if installed[name] != pinned[name]}
    assert wrong == set()


def test_every_pin_has_its_hashes():
    text = (ROOT / "requirements.txt").read_text()
    assert text.count("==") <= text.count("--hash=sha256:")


def test_flyte_stays_on_its_minor_version():
    assert locked("requirements.txt")["flyte"].startswith("2.12.")


@pytest.mark.parametrize("path", COPIED)
def test_the_dockerfile_copies_what_is_there_and_not_ignored(path):
    allowed = (ROOT / ".dockerignore").read_text().split()
    for name in path.split():
        assert (ROOT / name).exists()
        assert f"!{name}" in allowed


def test_the_image_runs_without_root_and_without_build_tools():
    final = (ROOT / "Dockerfile").read_text().rsplit("\nFROM ", 1)[1]
    assert "\nUSER 1000\n" in final
    assert "pip install" not in final
    assert "apt-get" not in final


def test_nothing_generated_is_kept():
    listed = subprocess.run(
        ["git", "ls-files", "-ci", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert listed.stdout == ""
