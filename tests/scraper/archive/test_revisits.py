"""Pages that are as they were: archived as revisits, without a body, and recovered as attempts."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from warcio.archiveiterator import ArchiveIterator

from scraper.archive.warc import page_records, read_records
from scraper.fetch.conditions import payload_digest
from scraper.memory import Known
from scraper.models import Reason
from scraper.store import Store
from tests.scraper.archive.archives import attempt, exchange, open_archive, recovered

pytestmark = pytest.mark.anyio

URL = "http://a.test/1"
KNOWN = Known(url=URL, fetched_at=datetime(2026, 1, 1, tzinfo=UTC))
PROFILES = "http://netpreserve.org/warc/1.1/revisit/"
KINDS = pytest.mark.parametrize(
    ("http_status", "reason", "profile", "digest"),
    [
        (304, Reason.NOT_MODIFIED, "server-not-modified", None),
        (200, Reason.SAME_CONTENT, "identical-payload-digest", payload_digest(b"the body")),
    ],
    ids=["not modified", "same bytes"],
)


@KINDS
def test_a_revisit_says_where_the_page_is(http_status, reason, profile, digest):
    found = exchange(URL, b"the body", http_status=http_status)
    revisit, request = read_records([page_records(found, {"row": 1}, revisits=KNOWN)])
    assert (revisit.kind, request.kind) == ("revisit", "request")
    fields = revisit.fields
    assert fields["warc-profile"] == PROFILES + profile
    assert fields["warc-refers-to-target-uri"] == URL
    assert fields["warc-refers-to-date"] == "2026-01-01T00:00:00.000000Z"
    assert fields.get("warc-payload-digest") == digest
    assert b"the body" not in revisit.block
    assert revisit.metadata == {"row": 1}
    assert request.fields["warc-concurrent-to"] == fields["warc-record-id"]


@KINDS
def test_others_read_it(http_status, reason, profile, digest):
    found = exchange(URL, b"the body", http_status=http_status)
    data = page_records(found, {"row": 1}, revisits=KNOWN)
    records = ArchiveIterator(io.BytesIO(data), check_digests=False)
    first = next(iter(records))
    assert first.rec_type == "revisit"
    assert first.http_headers.get_statuscode() == str(http_status)
    assert first.content_stream().read() == b""


@KINDS
async def test_an_archive_with_revisits_is_recovered(
    tmp_path, http_status, reason, profile, digest
):
    store = Store(str(tmp_path))
    archive = open_archive(store)
    made = attempt(1, reason, http_status=http_status, etag='"1"')
    archive.add(made, [exchange(URL, b"the body", http_status=http_status)], KNOWN)
    archive.add(replace(made, row=2, reason=Reason.OK, http_status=200), [exchange(URL)], KNOWN)
    await archive.flush()
    again, attempts = recovered(store)
    assert [found.reason for found in attempts] == [reason, Reason.OK]
    assert again.progress[1].last == made
    assert again.progress[1].place is None
    assert again.progress[2].place is not None
