"""From what went over the wire to a `Page`: the body decoded, the headers as text."""

from collections.abc import Sequence

from scraper.fetch.decoding import decode_body
from scraper.models import Attempt, Page

__all__ = ["decoded_page"]


def decoded_page(
    attempt: Attempt,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    *,
    http_status: int,
    max_bytes: int,
) -> Page:
    """The page that an attempt fetched, its body as received decoded again.

    Raises:
        ScraperError: the body can't be decoded; it could be when it was fetched.
    """
    codings = ", ".join(value for key, value in headers if key.lower() == "content-encoding")
    return Page(
        url=attempt.url,
        final_url=attempt.final_url or attempt.url,
        redirects=attempt.redirects,
        http_status=http_status,
        headers=tuple(headers),
        body=decode_body(body, codings, max_bytes),
        fetched_at=attempt.at,
        elapsed_s=attempt.elapsed_s,
    )
