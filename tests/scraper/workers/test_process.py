"""Processes that we start: they begin, obey, and end with us. Real ones, really killed."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from scraper.workers.messages import Setup
from scraper.workers.process import ChildEnded, start_child
from tests.processes import children_of, command_of, is_running, until, wait_until

pytestmark = [pytest.mark.anyio, pytest.mark.sockets]

PARSER, WORKER = "scraper.workers.parser_main", "scraper.workers.worker_main"

PARENT = """
import asyncio
from scraper.workers.process import start_child

async def main():
    for module in {modules}:
        await start_child(module)
    print("ready", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
async def child():
    child = await start_child(PARSER)
    yield child
    await child.end()


async def test_it_is_spawned_with_our_interpreter_and_import_path(child):
    assert command_of(child.pid).split("\0")[:4] == [sys.executable, "-P", "-m", PARSER]


@pytest.mark.parametrize("module", [PARSER, WORKER])
def test_it_imports_no_flyte(module):
    code = f"import sys, {module}; print([m for m in sys.modules if m.startswith('flyte')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_a_parser_imports_no_http_stack_and_no_database():
    code = f"import sys, {PARSER}; print({{'httpx', 'aiohttp', 'duckdb'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("number", "told"),
    [(signal.SIGKILL, "SIGKILL"), (signal.SIGTERM, "SIGTERM"), (signal.SIGALRM, "SIGALRM")],
)
async def test_its_end_is_told_with_its_signal(child, number, told):
    os.kill(child.pid, number)
    with pytest.raises(ChildEnded, match=told) as caught:
        await child.receive()
    assert caught.value.code == -number
    child.send(Setup(store="x", sites=(), deadline_s=1))
    with pytest.raises(ChildEnded):
        await child.receive()


async def test_a_ctrl_c_is_left_to_the_parent(child):
    os.kill(child.pid, signal.SIGINT)
    os.kill(child.pid, signal.SIGALRM)
    with pytest.raises(ChildEnded) as caught:
        await child.receive()
    assert caught.value.code == -signal.SIGALRM


@pytest.mark.parametrize("grace_s", [0, 0.05])
async def test_it_is_ended_by_force_when_it_does_not_end(grace_s):
    child = await start_child(PARSER)
    os.kill(child.pid, signal.SIGSTOP)
    assert await child.end(grace_s=grace_s) == -signal.SIGKILL
    assert not is_running(child.pid)


async def test_one_that_ends_at_once_is_an_error_of_the_machine():
    with pytest.raises(ChildProcessError, match="no_such_module could not be started: exit code 1"):
        await start_child("scraper.no_such_module")


async def test_one_whose_start_nobody_waits_for_is_ended():
    starting = asyncio.create_task(start_child(PARSER))
    await until(lambda: children_of(os.getpid()))
    pids = children_of(os.getpid())
    starting.cancel()
    await asyncio.wait([starting])
    assert not any(map(is_running, pids))


def start_parent(*modules):
    code = PARENT.format(modules=modules)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "ready\n"
    pids = children_of(parent.pid)
    assert len(pids) == len(modules)
    return parent, pids


def test_all_end_when_their_parent_is_killed():
    parent, pids = start_parent(PARSER, WORKER, WORKER)
    parent.kill()
    parent.communicate()
    wait_until(lambda: not any(map(is_running, pids)))


def test_a_ctrl_c_of_the_terminal_ends_none_of_them():
    parent, pids = start_parent(PARSER, WORKER)
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    assert all(map(is_running, pids))
    parent.terminate()
    parent.communicate()
    wait_until(lambda: not any(map(is_running, pids)))
