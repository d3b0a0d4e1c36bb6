"""The table of reasons: what each means and what to do about it, one line each.

In: nothing. Out: `REASONS`, by reason, in the order of the enumeration. The README's table is
checked against this module; the report shows it. Raises nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from scraper.models import Reason

__all__ = ["REASONS", "ReasonLine", "reasons_rows"]


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """What a reason means and what to do: plain text, without markup."""

    meaning: str
    to_do: str


REASONS: dict[Reason, ReasonLine] = {
    Reason.OK: ReasonLine("fetched whole and parsed into items", "nothing"),
    Reason.NOT_MODIFIED: ReasonLine(
        "the server says that the page is as it was (304)", "nothing: its last items stand"
    ),
    Reason.SAME_CONTENT: ReasonLine(
        "fetched, and its items equal the last published ones", "nothing"
    ),
    Reason.NOT_DUE: ReasonLine(
        "not asked: fetched so recently that it isn't due again", "nothing: its last items stand"
    ),
    Reason.ROBOTS_DISALLOWED: ReasonLine(
        "the site's robots.txt forbids this page, or the page itself does (detail says how)",
        "leave it, or ask the site for permission",
    ),
    Reason.ROBOTS_UNREACHABLE: ReasonLine(
        "robots.txt was answered with 5xx or 429, or not at all; so no page may be asked for",
        "try again later: it is in failed.jsonl",
    ),
    Reason.CRAWL_DELAY: ReasonLine(
        "robots.txt asks for a longer delay than robots.max_crawl_delay_s",
        "raise that setting if you can wait, or set robots.over_max_crawl_delay = clamp",
    ),
    Reason.DEFERRED: ReasonLine(
        "the host asked for a longer wait than throttle.max_retry_after_s",
        "try again later: it is in failed.jsonl",
    ),
    Reason.OUT_OF_SCOPE: ReasonLine(
        "excluded by network.deny, or not among network.only",
        "change that setting if it should be fetched",
    ),
    Reason.BLOCKED_ADDRESS: ReasonLine(
        "a private or reserved address, or a port of no web server, given or redirected to",
        "name it in network.allow or network.ports if the host is your own",
    ),
    Reason.UNWANTED_TYPE: ReasonLine(
        "an image, a PDF or another type that is no page", "drop it from the list"
    ),
    Reason.INVALID_URL: ReasonLine(
        "the row holds no http or https URL that can be read", "mend the row in the list"
    ),
    Reason.DNS: ReasonLine(
        "the host's name has no address", "check the name; if many fail, your resolver"
    ),
    Reason.CONNECT: ReasonLine(
        "no connection could be made: refused or no route", "check the port; try again later"
    ),
    Reason.TLS: ReasonLine(
        "the certificate or the handshake is bad: expired, other host, unknown issuer",
        "tell the site; certificates are always checked",
    ),
    Reason.TIMEOUT: ReasonLine(
        "no connection, or no next piece of the answer, in time",
        "try again later, or raise http.connect_timeout_s or http.read_timeout_s",
    ),
    Reason.DEADLINE: ReasonLine(
        "an attempt took longer than http.deadline_s in all",
        "raise http.deadline_s if the pages are worth it",
    ),
    Reason.HTTP_4XX: ReasonLine(
        "the server refuses: not found, gone, forbidden or alike",
        "look at http_status: drop 404 and 410; 401 and 403 need the site's consent",
    ),
    Reason.HTTP_429: ReasonLine(
        "too many requests, still after all attempts", "raise throttle.delay_s for this host"
    ),
    Reason.HTTP_5XX: ReasonLine("the server failed, still after all attempts", "try again later"),
    Reason.REDIRECT_LOOP: ReasonLine(
        "redirects that come back or exceed http.max_redirects",
        "put the page's final URL in the list",
    ),
    Reason.BAD_REDIRECT: ReasonLine(
        "a redirect to no URL or to a forbidden scheme", "tell the site; see detail for its target"
    ),
    Reason.PROTOCOL: ReasonLine(
        "the answer is not proper HTTP, or its headers are too long",
        "try again later; check that it is a web server",
    ),
    Reason.TOO_LARGE: ReasonLine(
        "the body is larger than http.max_body_bytes", "raise that setting if you want the page"
    ),
    Reason.DECODING: ReasonLine("the body's compression is broken or unknown", "tell the site"),
    Reason.TRUNCATED: ReasonLine(
        "the body ended before its announced length, on every attempt", "try again later"
    ),
    Reason.NO_CONTENT: ReasonLine(
        "an empty page, or none of the rule's items in it",
        "look at the page; mend the rule's item selector",
    ),
    Reason.MISSING_FIELD: ReasonLine(
        "a field that the rule requires is not on the page",
        "mend the field's selector, or make it not required",
    ),
    Reason.PARSE: ReasonLine(
        "extracting raised an error: a value of another type, or a bug",
        "see detail; mend the field's regex or type",
    ),
    Reason.NOT_READY: ReasonLine(
        "the server said 202, not ready yet, to the end", "try again later"
    ),
    Reason.CONNECTION_LOST: ReasonLine(
        "the connection was reset or closed in the middle", "try again later"
    ),
    Reason.HTTP_OTHER: ReasonLine(
        "a status code with no use for a page: 999, 304 unasked, 3xx without a target",
        "look at http_status; the site may block crawlers",
    ),
    Reason.HOST_GIVEN_UP: ReasonLine(
        "not asked: the host failed throttle.give_up_after times in a row",
        "see why the host's other rows failed; try again later",
    ),
    Reason.BATCH_CRASHED: ReasonLine(
        "the process that had this row died on every attempt",
        "see the batch's log; give it more memory or a smaller batch.size",
    ),
}
"""All reasons, each with its line."""


def reasons_rows() -> Iterator[tuple[str, str, str, str]]:
    """Status, reason, meaning and what to do, in order: the rows of the README's table."""
    for reason, line in REASONS.items():
        yield reason.status.value, reason.value, line.meaning, line.to_do
