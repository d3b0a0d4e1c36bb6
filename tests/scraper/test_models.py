from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from scraper.models import Attempt, Exchange, Outcome, Page, Reason, Status

AT = datetime(2026, 1, 2, tzinfo=UTC)

BY_STATUS = {
    Status.OK: "ok",
    Status.UNCHANGED: "not_modified same_content not_due",
    Status.SKIPPED: "robots_disallowed robots_unreachable crawl_delay deferred out_of_scope "
    "blocked_address unwanted_type",
    Status.FAILED: "invalid_url dns connect tls timeout deadline http_4xx http_429 http_5xx "
    "redirect_loop bad_redirect protocol too_large decoding truncated no_content missing_field "
    "parse not_ready connection_lost http_other host_given_up batch_crashed",
}


def test_the_set_of_reasons_is_closed():
    assert {status: {r for r in Reason if r.status is status} for status in Status} == {
        status: {Reason(word) for word in words.split()} for status, words in BY_STATUS.items()
    }


def test_reasons_and_statuses_are_their_words():
    assert (str(Reason.HTTP_4XX), f"{Status.OK}", Reason("dns")) == ("http_4xx", "ok", Reason.DNS)


TRANSIENT = {
    *((reason, None) for reason in ("dns", "connect", "timeout", "deadline", "connection_lost")),
    *((reason, None) for reason in ("truncated", "protocol", "robots_unreachable")),
    ("http_429", 429),
    ("not_ready", 202),
    *(("http_4xx", status) for status in (408, 425)),
    *(("http_5xx", status) for status in (500, 502, 503, 504)),
}
STATUSES = {"http_429": [429], "not_ready": [202], "http_4xx": range(400, 500)}
STATUSES["http_5xx"] = range(500, 600)


@pytest.mark.parametrize("reason", list(Reason))
def test_only_transient_reasons_are_worth_another_attempt(reason):
    for http_status in STATUSES.get(reason, [None]):
        expected = (reason, http_status) in TRANSIENT
        assert reason.is_transient(http_status) is expected, http_status


@pytest.mark.parametrize("http_status", [None, 200, 302, 999])
def test_an_http_reason_without_its_status_is_final(http_status):
    assert not Reason.HTTP_4XX.is_transient(http_status)
    assert not Reason.HTTP_5XX.is_transient(http_status)


def test_a_host_is_blamed_for_what_is_its_own_fault():
    blamed = " ".join(sorted(reason for reason in Reason if reason.blames_host))
    assert blamed == "connect connection_lost deadline dns http_429 http_5xx timeout tls"


def test_skipped_rows_that_a_later_try_may_heal():
    assert [reason for reason in Reason if reason.heals] == [
        Reason.ROBOTS_UNREACHABLE,
        Reason.DEFERRED,
    ]


def attempt(reason, http_status=None):
    return Attempt(row=1, url="http://a/", number=1, reason=reason, at=AT, http_status=http_status)


@pytest.mark.parametrize(
    ("made", "is_pending", "has_page"),
    [
        (attempt(Reason.OK, 200), False, True),
        (attempt(Reason.HTTP_5XX, 503), True, False),
        (attempt(Reason.HTTP_5XX, 501), False, False),
        (attempt(Reason.TIMEOUT), True, False),
        (attempt(Reason.ROBOTS_DISALLOWED), False, False),
    ],
    ids=["ok", "busy", "not_implemented", "timeout", "robots"],
)
def test_an_attempt_says_whether_it_is_over(made, is_pending, has_page):
    assert (made.is_pending, made.has_page) == (is_pending, has_page)


def test_headers_are_found_without_case_and_the_first_counts():
    exchange = Exchange(
        url="http://a/",
        request_headers=(),
        http_status=200,
        http_reason=b"",
        response_headers=((b"X", b"1"), (b"RETRY-after", b" 5 "), (b"Retry-After", b"6")),
        body=b"",
        at=AT,
        elapsed_s=0.0,
    )
    page = Page(
        url="http://a/",
        final_url="http://a/",
        redirects=(),
        http_status=200,
        headers=(("X", "1"), ("RETRY-after", "5"), ("Retry-After", "6")),
        body=b"",
        fetched_at=AT,
        elapsed_s=0.0,
    )
    assert exchange.header("Retry-After") == page.header("Retry-After") == "5"
    assert exchange.header("none") is page.header("none") is None


def test_an_outcome_is_a_line_with_its_status_first():
    outcome = Outcome(row=3, url="x", reason=Reason.INVALID_URL, batch="0-0000-00000")
    line = outcome.as_line()
    assert next(iter(line.items())) == ("status", "failed")
    assert line == {
        "status": "failed",
        "row": 3,
        "url": "x",
        "reason": "invalid_url",
        "batch": "0-0000-00000",
        "attempts": 0,
        "redirects": (),
        "items": 0,
        "detail": "",
        "final_url": None,
        "host": None,
        "http_status": None,
        "bytes": None,
        "wire_bytes": None,
        "elapsed_s": None,
        "fetched_at": None,
        "content_type": None,
        "charset": None,
        "content_sha256": None,
        "etag": None,
        "last_modified": None,
        "payload_digest": None,
        "item_sha256": None,
    }


def test_values_are_frozen_and_equal_by_value():
    assert attempt(Reason.OK) == attempt(Reason.OK)
    assert hash(attempt(Reason.OK)) == hash(attempt(Reason.OK))
    with pytest.raises(FrozenInstanceError):
        attempt(Reason.OK).row = 2
