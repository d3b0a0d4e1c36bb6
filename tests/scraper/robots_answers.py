"""Answers to robots.txt, for tests."""

from scraper.models import Reason, RobotsAnswer
from tests.scraper.batches import (
    AT,
)

TOKEN = "flyte-scraper"


def answer_of(body: bytes, **fields: object) -> RobotsAnswer:
    known: dict[str, object] = {
        "origin": "http://a.test",
        "reason": Reason.OK,
        "http_status": 200,
        "body": body,
        "content_encoding": None,
        "at": AT,
    }
    return RobotsAnswer(**(known | fields))  # type: ignore[arg-type]


BARRED = b"User-agent: *\nDisallow: /"
