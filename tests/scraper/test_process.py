import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scraper import process as process_module
from scraper.process import is_gone, this_process

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def test_this_process_is_not_gone():
    assert this_process() == this_process()
    assert this_process().pid == os.getpid()
    assert not is_gone(this_process())


def other_process():
    """A process of this machine that waits to be ended, and who it is."""
    code = (
        "from scraper.process import this_process; from dataclasses import asdict; import json;"
        "print(json.dumps(asdict(this_process())), flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    found = process_module.ThisProcess(**json.loads(child.stdout.readline()))
    return child, found


def test_a_killed_process_is_gone_before_and_after_its_parent_has_looked():
    child, found = other_process()
    with child:
        assert not is_gone(found)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(found)
    assert is_gone(found)


@linux
@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"started": "1"}, True),
        ({"pid": 2**22 + 1}, True),
        ({"host": "elsewhere", "pid": 2**22 + 1}, False),
        ({"machine": "another", "pid": 2**22 + 1}, False),
        ({"namespace": "pid:[1]", "pid": 2**22 + 1}, False),
    ],
    ids=["its number is another's now", "no such number", "host", "machine", "container"],
)
def test_only_what_this_machine_can_know_is_gone(change, gone):
    assert is_gone(replace(this_process(), **change)) is gone


@linux
@pytest.mark.parametrize(("machine", "gone"), [("a1b2", True), ("", False)])
def test_a_reboot_ends_all_processes_of_a_machine_that_has_a_number(monkeypatch, machine, gone):
    here = replace(this_process(), machine=machine)
    monkeypatch.setattr(process_module, "_text", lambda path: text_of(path, here))
    assert is_gone(replace(here, boot="an earlier one")) is gone


def text_of(path, here):
    return {"machine-id": here.machine, "boot_id": here.boot}.get(path.name, "")


def test_without_proc_a_number_that_is_there_counts_as_alive(monkeypatch, tmp_path):
    monkeypatch.setattr(process_module, "_PROC", tmp_path)
    here = this_process()
    assert (here.boot, here.namespace, here.started) == ("", "", "")
    assert not is_gone(here)
    assert not is_gone(replace(here, pid=1))
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert is_gone(replace(here, pid=child.pid))


@linux
def test_a_name_with_parentheses_and_spaces_is_no_hindrance(tmp_path, monkeypatch):
    monkeypatch.setattr(process_module, "_PROC", tmp_path)
    (tmp_path / "7").mkdir()
    rest = " ".join(str(n) for n in range(4, 53))
    (tmp_path / "7/stat").write_text(f"7 (a) b (c)) S {rest}\n")
    assert process_module._stat(7) == ("S", "22")
