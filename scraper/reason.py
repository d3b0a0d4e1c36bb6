"""Why a seed ended as it did: a closed set of reasons, each of one status.

What each means to a person, and what to do, is `scraper.publish.reasons`. Pure.
"""

from enum import StrEnum

__all__ = ["Reason", "Status"]

_TRANSIENT_HTTP_STATUS = frozenset({408, 425, 500, 502, 503, 504})


class Status(StrEnum):
    """The four ends that a seed can come to."""

    OK = "ok"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a seed ended as it did: a closed set, each in the README's table."""

    OK = "ok"

    NOT_MODIFIED = "not_modified"
    SAME_CONTENT = "same_content"
    NOT_DUE = "not_due"

    ROBOTS_DISALLOWED = "robots_disallowed"
    ROBOTS_UNREACHABLE = "robots_unreachable"
    CRAWL_DELAY = "crawl_delay"
    DEFERRED = "deferred"
    OUT_OF_SCOPE = "out_of_scope"
    BLOCKED_ADDRESS = "blocked_address"
    UNWANTED_TYPE = "unwanted_type"

    INVALID_URL = "invalid_url"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    DEADLINE = "deadline"
    HTTP_4XX = "http_4xx"
    HTTP_429 = "http_429"
    HTTP_5XX = "http_5xx"
    REDIRECT_LOOP = "redirect_loop"
    BAD_REDIRECT = "bad_redirect"
    PROTOCOL = "protocol"
    TOO_LARGE = "too_large"
    DECODING = "decoding"
    TRUNCATED = "truncated"
    NO_CONTENT = "no_content"
    MISSING_FIELD = "missing_field"
    PARSE = "parse"
    NOT_READY = "not_ready"
    CONNECTION_LOST = "connection_lost"
    HTTP_OTHER = "http_other"
    HOST_GIVEN_UP = "host_given_up"
    BATCH_CRASHED = "batch_crashed"

    @property
    def status(self) -> Status:
        """The status that this reason belongs to."""
        return _STATUS_BY_REASON.get(self, Status.FAILED)

    @property
    def heals(self) -> bool:
        """Whether a skipped seed may be fetched by a later try: it goes to `failed.jsonl`."""
        return self in {Reason.ROBOTS_UNREACHABLE, Reason.DEFERRED}

    @property
    def blames_host(self) -> bool:
        """Whether this counts towards giving the host up; an answer of 4xx does not."""
        return self in _BLAMES_HOST

    def is_transient(self, http_status: int | None) -> bool:
        """Whether the same URL is worth another attempt."""
        if self in {Reason.HTTP_4XX, Reason.HTTP_5XX}:
            return http_status in _TRANSIENT_HTTP_STATUS
        return self in _TRANSIENT


_STATUS_BY_REASON = {
    Reason.OK: Status.OK,
    Reason.NOT_MODIFIED: Status.UNCHANGED,
    Reason.SAME_CONTENT: Status.UNCHANGED,
    Reason.NOT_DUE: Status.UNCHANGED,
    Reason.ROBOTS_DISALLOWED: Status.SKIPPED,
    Reason.ROBOTS_UNREACHABLE: Status.SKIPPED,
    Reason.CRAWL_DELAY: Status.SKIPPED,
    Reason.DEFERRED: Status.SKIPPED,
    Reason.OUT_OF_SCOPE: Status.SKIPPED,
    Reason.BLOCKED_ADDRESS: Status.SKIPPED,
    Reason.UNWANTED_TYPE: Status.SKIPPED,
}
_TRANSIENT = frozenset(
    {
        Reason.DNS,
        Reason.CONNECT,
        Reason.TIMEOUT,
        Reason.DEADLINE,
        Reason.CONNECTION_LOST,
        Reason.TRUNCATED,
        Reason.PROTOCOL,
        Reason.HTTP_429,
        Reason.NOT_READY,
        Reason.ROBOTS_UNREACHABLE,
    }
)
_BLAMES_HOST = frozenset(
    {
        Reason.DNS,
        Reason.CONNECT,
        Reason.TLS,
        Reason.TIMEOUT,
        Reason.DEADLINE,
        Reason.CONNECTION_LOST,
        Reason.HTTP_429,
        Reason.HTTP_5XX,
    }
)
