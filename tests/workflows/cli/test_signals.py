"""Signals, in processes of their own."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from scraper.stopping import StopFlag
from workflows.cli.signals import INTERRUPTED, ending_at_once, orderly_end, stopping_run

RUN = """
import sys, threading, time
from workflows.cli import signals
from scraper.stopping import StopFlag
signals.DRAIN_S, signals._AFTER_DRAIN_S = {drain_s}, 0
stop = StopFlag()
with signals.stopping_run(stop, go_on="go on with: it"):
    print("ready", flush=True)
    while not stop.is_set or {hangs}:
        time.sleep(0.005)
    print("stopped", flush=True)
    sys.exit(130)
"""


def start(code):
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process):
    stdout, stderr = process.communicate(timeout=30)
    return process.returncode, stdout, stderr.strip().splitlines()


STOPPING = "stopping: what is under way is finished; once more to end at once"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_the_first_signal_sets_the_flag(number):
    process = start(RUN.format(drain_s=60, hangs=False))
    process.send_signal(number)
    assert ended(process) == (INTERRUPTED, "stopped\n", [STOPPING])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_the_second_one_ends_the_process_at_once(number):
    process = start(RUN.format(drain_s=60, hangs=True))
    process.send_signal(number)
    assert process.stderr.readline() == "\n"
    assert process.stderr.readline().strip() == STOPPING
    time.sleep(0.35)
    process.send_signal(number)
    assert ended(process) == (INTERRUPTED, "", ["go on with: it"])


def test_one_interrupt_that_comes_twice_is_one():
    process = start(RUN.format(drain_s=0.6, hangs=True))
    process.send_signal(signal.SIGINT)
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    assert process.poll() is None
    process.communicate(timeout=30)


def test_what_hangs_is_ended_by_the_watchdog():
    process = start(RUN.format(drain_s=0.2, hangs=True))
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (INTERRUPTED, "", [STOPPING, "go on with: it"])


def test_a_run_that_ends_in_time_is_left_alone_and_handlers_are_as_before():
    former = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stop = StopFlag()
    with stopping_run(stop, go_on=""):
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.is_set
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == former
    assert not any(isinstance(t, threading.Timer) and t.is_alive() for t in threads_in_a_moment())


def threads_in_a_moment():
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not any(isinstance(thread, threading.Timer) for thread in threading.enumerate()):
            break
        time.sleep(0.01)
    return threading.enumerate()


def test_outside_the_main_thread_nothing_is_handled():
    found = []

    def enter():
        with stopping_run(StopFlag(), go_on=""), ending_at_once(), orderly_end():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]


def test_an_orderly_end_does_what_is_to_be_done_at_the_end():
    code = (
        "import time; from workflows.cli.signals import orderly_end\n"
        "with orderly_end():\n"
        "    try:\n        print('ready', flush=True); time.sleep(60)\n"
        "    finally:\n        print('tidied', flush=True)\n"
    )
    process = start(code)
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (INTERRUPTED, "tidied\n", [])


def test_ending_at_once_does_nothing_more():
    code = (
        "import time; from workflows.cli.signals import ending_at_once\n"
        "with ending_at_once():\n"
        "    try:\n        print('ready', flush=True); time.sleep(60)\n"
        "    finally:\n        print('tidied', flush=True)\n"
    )
    process = start(code)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (INTERRUPTED, "", [])


@pytest.mark.parametrize("after_s", [0.12, 0.2, 0.3, 0.45, 0.7, 1.0])
def test_a_signal_while_the_command_begins_ends_it_without_a_word(tmp_path, after_s):
    code = (
        "import sys; sys.argv = ['scraper', 'run', 'gone.txt']\n"
        "from workflows.cli.start import main; print('ready', flush=True); main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(after_s - 0.1)
    process.send_signal(signal.SIGINT)
    code, stdout, stderr = ended(process)
    # On a fast machine the command may have got as far as to say that there is no such list;
    # at its very end Python takes no signals any more, and the system does what it does.
    told = [line for line in stderr if "stopp" not in line]
    assert (code, len(told)) in {(INTERRUPTED, 0), (2, 1), (-signal.SIGINT, 1)}
    assert "Traceback" not in "".join(stderr)
    assert stdout == ""
