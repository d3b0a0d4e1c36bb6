"""The one way from an archived attempt to an outcome and items. Poll and the REPL both take it."""

from scraper.extract.found import Item
from scraper.extract.page import extract
from scraper.models import Attempt, Outcome, Page, Reason, Seed
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

    The seed's columns bear their names in the list: rules read them by those.
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
    }
    if page is None:
        return Outcome(reason=last.reason, detail=last.detail, **known), []  # type: ignore[arg-type]
    found = extract(page, rule, seed.columns, obey_tags=obey_tags)
    outcome = Outcome(
        reason=found.reason,
        detail=found.detail,
        bytes=found.bytes,
        content_type=page.header("content-type"),
        charset=found.charset,
        content_sha256=found.content_sha256,
        items=len(found.items) if found.reason is Reason.OK else 0,
        **known,  # type: ignore[arg-type]  # fields of Outcome, by name
    )
    about = {"url": seed.url, "final_url": page.final_url, "fetched_at": page.fetched_at}
    return outcome, [about | item for item in found.items] if found.reason is Reason.OK else []
