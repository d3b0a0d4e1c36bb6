"""Answers to robots.txt, for tests."""

from datetime import UTC, datetime

from scraper.models import Reason, RobotsAnswer

TOKEN = "flyte-scraper"


def answer_of(body: bytes, **fields: object) -> RobotsAnswer:
    known: dict[str, object] = {
        "origin": "http://a.test",
        "reason": Reason.OK,
        "http_status": 200,
        "body": body,
        "content_encoding": None,
        "at": datetime.now(UTC),
    }
    return RobotsAnswer(**(known | fields))  # type: ignore[arg-type]


BARRED = b"User-agent: *\nDisallow: /"
