"""Conditional requests: what is sent, what an answer means, what is kept of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from scraper.fetch.conditions import conditions, page_facts, payload_digest, unchanged_reason
from scraper.memory import Known
from scraper.models import Exchange, Reason

URL = "http://a.org/x"
AT = datetime(2026, 1, 2, tzinfo=UTC)
KNOWN = Known(url=URL, fetched_at=AT, etag='W/"1"', last_modified="yesterday")
TAG = (("If-None-Match", 'W/"1"'),)
TIME = (("If-Modified-Since", "yesterday"),)


def exchange(http_status=200, *, body=b"", asked=(), **headers):
    return Exchange(
        url=URL,
        request_headers=tuple((name.encode(), value.encode()) for name, value in asked),
        http_status=http_status,
        http_reason=b"",
        response_headers=tuple(
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ),
        body=body,
        at=AT,
        elapsed_s=0.1,
    )


@pytest.mark.parametrize(
    ("known", "url", "sent"),
    [
        (KNOWN, URL, TAG + TIME),
        (replace(KNOWN, last_modified=None), URL, TAG),
        (replace(KNOWN, etag=None), URL, TIME),
        (
            replace(KNOWN, etag="unquoted", last_modified=None),
            URL,
            (("If-None-Match", "unquoted"),),
        ),
        (KNOWN, "http://a.org/other", ()),
        (None, URL, ()),
    ],
    ids=["both", "tag", "time", "unquoted", "another url", "nothing known"],
)
def test_conditions(known, url, sent):
    assert conditions(known, url) == sent


SAME = replace(KNOWN, payload_digest=payload_digest(b"same"))


@pytest.mark.parametrize(
    ("found", "known", "reason"),
    [
        (exchange(304, asked=TAG), KNOWN, Reason.NOT_MODIFIED),
        (exchange(304, asked=TIME), KNOWN, Reason.NOT_MODIFIED),
        (exchange(304, asked=(("Accept", "*/*"),)), KNOWN, None),
        (exchange(304, asked=TAG), None, None),
        (exchange(200, body=b"same"), SAME, Reason.SAME_CONTENT),
        (exchange(200, body=b"other"), SAME, None),
        (exchange(200, body=b"same"), KNOWN, None),
        (exchange(500, body=b"same"), SAME, None),
        (exchange(200, body=b"same"), replace(SAME, url="http://a.org/other"), None),
    ],
    ids=[
        "304 to a tag", "304 to a time", "304 to nothing", "304, nothing known", "same bytes",
        "other bytes", "no digest", "same bytes of an error", "same bytes elsewhere",
    ],
)  # fmt: skip
def test_what_an_answer_says_of_the_page(found, known, reason):
    assert unchanged_reason(found, known) is reason


VALIDATORS = {"ETag": '"1"', "Last_Modified": "today"}


@pytest.mark.parametrize(
    ("headers", "etag", "last_modified"),
    [
        (VALIDATORS, '"1"', "today"),
        ({}, None, None),
        (VALIDATORS | {"Cache_Control": "max-age=0, NO-STORE"}, None, None),
        (VALIDATORS | {"Cache_Control": "no-cache"}, '"1"', "today"),
        (VALIDATORS | {"Vary": "*"}, None, None),
        (VALIDATORS | {"Vary": "Accept-Encoding"}, '"1"', "today"),
        ({"ETag": "a\x01b", "Last_Modified": ""}, None, None),
        ({"ETag": '"' + "x" * 2000 + '"'}, None, None),
    ],
    ids=["both", "none", "no-store", "no-cache", "vary *", "vary", "no text", "too long"],
)
def test_what_is_kept_of_a_page(headers, etag, last_modified):
    facts = page_facts(exchange(body=b"x", **headers))
    assert (facts.get("etag"), facts.get("last_modified")) == (etag, last_modified)
    assert facts["payload_digest"] == payload_digest(b"x")


def test_of_what_is_no_page_nothing_is_kept():
    assert page_facts(exchange(304, **VALIDATORS)) == page_facts(exchange(404, **VALIDATORS)) == {}
