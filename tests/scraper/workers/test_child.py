"""The inner side of a process: its pipes are its own, and their end is its end."""

import subprocess
import sys

import pytest

from scraper.workers.messages import Ready, Stop, Tally, framed, unframed

ECHO = """
import subprocess, sys, threading
from scraper.workers.child import take_pipes
from scraper.workers.messages import Ready

pipes = take_pipes()
print("printed")
subprocess.run([sys.executable, "-c", "print('by a program')"])
sys.stdout.flush()
pipes.send(Ready())
pipes.listen(pipes.send)
{work}
"""


def run(work, sent=b""):
    return subprocess.run(
        [sys.executable, "-c", ECHO.format(work=work)],
        input=sent, capture_output=True, timeout=60,
    )  # fmt: skip


def messages(data):
    while data:
        length = 4 + int.from_bytes(data[:4], "big")
        yield unframed(data[4:length])
        data = data[length:]


@pytest.mark.parametrize(
    "work",
    ["threading.Event().wait()", "while True: pass"],
    ids=["waiting", "busy"],
)
def test_it_ends_with_the_pipe_also_while_it_is_busy(work):
    done = run(work)
    assert done.returncode == 70


def test_only_messages_come_out_of_its_stdout():
    done = run("threading.Event().wait()")
    assert list(messages(done.stdout)) == [Ready()]
    assert done.stderr == b"printed\nby a program\n" or set(done.stderr.splitlines()) == {
        b"printed",
        b"by a program",
    }


def test_its_stdin_is_empty_for_everybody_else():
    work = "import os; os.write(2, repr(sys.stdin.read()).encode()); threading.Event().wait()"
    with subprocess.Popen(
        [sys.executable, "-c", ECHO.format(work=work)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        # Its pipe stays open until it has said what it read: the end of it is its own end.
        said = b""
        while b"''" not in said:
            said += child.stderr.read(1)
        child.stdin.close()


def test_messages_are_handed_on_in_order():
    sent = [Tally(counts={"n": n, "x" * n: 1}) for n in range(50)] + [Stop()]
    done = run("threading.Event().wait()", b"".join(map(framed, sent)))
    assert list(messages(done.stdout)) == [Ready(), *sent]


def test_a_torn_message_is_the_end():
    done = run("threading.Event().wait()", framed(Stop()) + framed(Stop())[:-1])
    assert (done.returncode, list(messages(done.stdout))) == (70, [Ready(), Stop()])
