"""What another run's archive tells: read, and left as it is."""

import pytest

from scraper.archive.progress import local_parts, read_progress
from scraper.layout import batch_key
from scraper.models import Reason
from tests.scraper.batches import (
    jobs,
    page,
    plan,
    response,
    robots_txt,
    run_batch,
    store_in,
    website,
)

pytestmark = pytest.mark.anyio


async def test_each_row_has_its_last_attempt_and_its_page(tmp_path):
    store = store_in(tmp_path)
    site = website(
        {
            "http://a.org/robots.txt": robots_txt("User-agent: *"),
            "http://a.org/1": page("One"),
            "http://a.org/2": [response(503), page("Two")],
            "http://a.org/3": response(404),
        }
    )
    urls = [f"http://a.org/{n}" for n in (1, 2, 3)]
    info = plan(store, urls, "robots.obey=true")
    (job,) = jobs(info, store)
    await run_batch(site, info, store, job)
    before = {key: store.get(key) for key in store.list("")}
    found = read_progress(local_parts(store, batch_key(job.run, job.batch), tmp_path))
    assert {key: store.get(key) for key in store.list("")} == before
    assert {row: (known.last.reason, known.last.number) for row, known in found.items()} == {
        1: (Reason.OK, 1),
        2: (Reason.OK, 2),
        3: (Reason.HTTP_4XX, 1),
    }
    assert [row for row, known in sorted(found.items()) if known.place is not None] == [1, 2]


async def test_a_batch_without_an_archive_knows_nothing(tmp_path):
    parts = local_parts(store_in(tmp_path), "shop/r1/batches/1-0001-00001", tmp_path)
    assert read_progress(parts) == {}
