import io
import pickle

import duckdb
import pytest

from scraper.archive import Place
from scraper.errors import ConfigError, StoreError
from scraper.models import Attempt, BatchJob, BatchResult, Reason
from scraper.parsing import Parsed, ParseJob
from scraper.workers.messages import (
    HEAD_BYTES,
    Answer,
    Call,
    Tally,
    frame_length,
    framed,
    portable,
    read_frame,
    unframed,
)
from tests.scraper.batches import AT, seed

JOB = BatchJob(store="s", run="a/b", batch="1-0001-00001", alone=True, code_version="1")
MESSAGES = [
    Call(number=1, phase="poll", job=JOB),
    Answer(number=1, value=BatchResult(batch=JOB.batch, outcomes=3)),
    Tally(counts={"asked": 10**12}),
    Parsed(outcome=b"{}\n", items=(b"x" * 100_000, b"")),
    ParseJob(
        seed=seed("http://a.org/", columns={"n": 1, "nested": {"a": [None]}}),
        last=Attempt(row=1, url="http://a.org/", number=1, reason=Reason.OK, at=AT),
        place=Place(part="p", offset=10**13, length=1),
        batch=JOB.batch,
        max_bytes=1,
    ),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_out_as_it_went_in(message):
    data = framed(message)
    assert frame_length(data[:HEAD_BYTES]) == len(data) - HEAD_BYTES
    assert unframed(data[HEAD_BYTES:]) == message


def test_messages_follow_one_another_in_a_pipe():
    pipe = io.BytesIO(b"".join(map(framed, MESSAGES)))
    assert [read_frame(pipe) for _ in MESSAGES] == MESSAGES
    with pytest.raises(EOFError):
        read_frame(pipe)


@pytest.mark.parametrize("length", [1, 3, 4, 5, 20])
def test_a_torn_message_is_the_end(length):
    with pytest.raises(EOFError):
        read_frame(io.BytesIO(framed(MESSAGES[0])[:length]))


class OddError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def raised(error):
    try:
        raise error
    except Exception as caught:  # whatever the table holds
        return portable(caught)


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("no such run"),
        StoreError("store: full"),
        OSError(28, "No space left on device"),
        ChildProcessError("could not be started"),
        MemoryError(),
        duckdb.IOException("disk"),
        ZeroDivisionError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_keeps_its_class_and_its_words(error):
    copied = pickle.loads(pickle.dumps(raised(error)))
    assert type(copied) is type(error)
    assert str(copied) == str(error)
    assert "in another process:\nTraceback" in copied.__notes__[0]


@pytest.mark.parametrize(
    "error",
    [OddError(1, 2), type("Local", (Exception,), {})("1 and 2")],
    ids=["other arguments", "a class of nowhere"],
)
def test_an_error_that_can_not_cross_is_told_by_name(error):
    copied = raised(error)
    assert type(copied) is RuntimeError
    assert str(copied) == f"{type(error).__name__}: 1 and 2"


def test_what_caused_an_error_is_told_too():
    error = StoreError("store: x")
    error.__cause__ = OSError("the disk")
    assert "OSError: the disk" in portable(error).__notes__[0]
