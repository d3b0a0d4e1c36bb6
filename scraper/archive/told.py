"""What an archive's records tell of the crawl: attempts, and answers to robots.txt.

In: the bookkeeping that rides on a record. Out: the values that `Archive` took in when it wrote it.
"""

from collections.abc import Sequence
from datetime import datetime

from scraper.archive.warc import WarcRecord, http_message
from scraper.models import Attempt, Hop, Reason, RobotsAnswer

__all__ = ["attempt_from", "robots_from"]


def attempt_from(data: dict[str, object]) -> Attempt:
    """The attempt that a record bears. Raises: nothing, of what `Archive.add` wrote."""
    hops = data.pop("redirects")
    at, reason = data.pop("at"), data.pop("reason")
    assert isinstance(hops, list)
    return Attempt(
        **data,  # type: ignore[arg-type]  # written by `Archive.add`, field for field
        redirects=tuple(Hop(**hop) for hop in hops),
        at=datetime.fromisoformat(str(at)),
        reason=Reason(str(reason)),
    )


def robots_from(record: WarcRecord, metadata: dict[str, object]) -> RobotsAnswer:
    """The answer to a robots.txt that a record bears. Raises: nothing, of what we wrote."""
    status = metadata["http_status"]
    body, encoding = b"", None
    if record.kind == "response":
        _, headers, body = http_message(record.block)
        encoding = _content_encoding(headers)
    return RobotsAnswer(
        origin=str(metadata["robots"]),
        reason=Reason(str(metadata["reason"])),
        http_status=status if isinstance(status, int) else None,
        body=body,
        content_encoding=encoding,
        at=datetime.fromisoformat(record.fields["warc-date"].replace("Z", "+00:00")),
    )


def _content_encoding(headers: Sequence[tuple[str, str]]) -> str | None:
    return ", ".join(value for key, value in headers if key.lower() == "content-encoding") or None
