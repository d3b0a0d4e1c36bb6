"""The one way from an archived attempt to an outcome and items. Poll and the REPL both take it."""

from scraper.extract.found import Item, items_digest
from scraper.extract.page import extract
from scraper.models import Attempt, Outcome, Page, Reason, Seed, Status
from scraper.rules import SiteRule
from scraper.urls import host_of

__all__ = ["Item", "conclude"]


def conclude(
    seed: Seed,
    last: Attempt,
    page: Page | None,
    *,
    rule: SiteRule | None,
    batch: str | None = None,
    obey_tags: bool = False,
) -> tuple[Outcome, list[Item]]:
    """The final word on a seed whose attempts are over, and its items. Raises: nothing.

    The seed's columns bear their names in the list: rules read them by those. A page whose items
    are those that are known of it is `same_content`: they are given all the same.
    """
    known = {
        "row": seed.row,
        "url": seed.url,
        "final_url": last.final_url or last.url,
        "host": host_of(seed.given_url),
        "http_status": last.http_status,
        "attempts": last.number,
        "redirects": last.redirects,
        "wire_bytes": last.wire_bytes,
        "elapsed_s": last.elapsed_s,
        "fetched_at": last.at if last.number else None,
        "batch": batch,
        "etag": last.etag,
        "last_modified": last.last_modified,
        "payload_digest": last.payload_digest,
    }
    if page is None:
        if last.reason.status is Status.UNCHANGED and seed.known is not None:
            known["content_sha256"] = seed.known.content_sha256
        return Outcome(reason=last.reason, detail=last.detail, **known), []  # type: ignore[arg-type]
    found = extract(page, rule, seed.columns, obey_tags=obey_tags)
    has_items = found.reason is Reason.OK
    digest = items_digest(found.items, rule) if has_items else None
    is_same = seed.known is not None and digest is not None and digest == seed.known.item_sha256
    outcome = Outcome(
        reason=Reason.SAME_CONTENT if is_same else found.reason,
        detail=found.detail,
        bytes=found.bytes,
        content_type=page.header("content-type"),
        charset=found.charset,
        content_sha256=found.content_sha256,
        items=len(found.items) if has_items else 0,
        item_sha256=digest,
        **known,  # type: ignore[arg-type]  # fields of Outcome, by name
    )
    about = {"url": seed.url, "final_url": page.final_url, "fetched_at": page.fetched_at}
    return outcome, [about | item for item in found.items] if has_items else []
