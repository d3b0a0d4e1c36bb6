import gzip

import orjson
import pytest

from scraper.archive.records import attempt_from, robots_from
from scraper.archive.warc import metadata_record, page_records, read_records
from scraper.models import Attempt, Hop, Reason, RobotsAnswer
from tests.scraper.archive.archives import attempt, exchange
from tests.scraper.batches import AT

URL = "http://a.test/robots.txt"
ABOUT = {"robots": "http://a.test", "reason": "ok", "http_status": 200}


def told(made: Attempt) -> dict[str, object]:
    return orjson.loads(orjson.dumps(made))


@pytest.mark.parametrize(
    "made",
    [
        attempt(1),
        attempt(2, Reason.TIMEOUT, elapsed_s=20.000001),
        attempt(3, redirects=(Hop(url="http://a.test/0", status=301),), wire_bytes=12),
        attempt(4, Reason.DEFERRED, carry_to="http://b.test/", retry_after_s=9.5, detail="é"),
    ],
    ids=["a page", "a failure", "redirects", "carried on"],
)
def test_an_attempt_is_what_it_was(made):
    assert attempt_from(told(made)) == made


@pytest.mark.parametrize(
    ("body", "headers", "encoding"),
    [
        (b"User-agent: *", (), None),
        (gzip.compress(b"x"), ((b"Content-Encoding", b"gzip"),), "gzip"),
        (
            b"?",
            ((b"content-encoding", b"deflate"), (b"Content-Encoding", b"gzip")),
            "deflate, gzip",
        ),
    ],
    ids=["plain", "compressed", "twice"],
)
def test_a_robots_answer_keeps_its_body_and_its_codings(body, headers, encoding):
    (record, _) = read_records([page_records(exchange(URL, body, response_headers=headers), ABOUT)])
    assert record.metadata is not None
    assert robots_from(record, record.metadata) == RobotsAnswer(
        origin="http://a.test",
        reason=Reason.OK,
        http_status=200,
        body=body,
        content_encoding=encoding,
        at=AT,
    )


def test_a_robots_txt_without_an_answer_has_neither_status_nor_body():
    about = {"robots": "http://a.test", "reason": "dns", "http_status": None}
    (record,) = read_records([metadata_record(URL, AT, about)])
    answer = robots_from(record, about)
    assert (answer.reason, answer.http_status, answer.body) == (Reason.DNS, None, b"")
