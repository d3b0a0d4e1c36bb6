"""The report of a run: one HTML file that needs no network and no script.

In: the run's sums, and its tables in DuckDB. Out: the text of `report.html`, which also stands
inside Flyte's console as the task's report. It stays under 300 KB whatever the run's size. All
that came from lists and pages is escaped; passwords, in URLs or settings, are not shown.

Durations are seconds, sizes bytes. Raises only what DuckDB raises.
"""

import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from duckdb import DuckDBPyConnection
from jinja2 import Environment, StrictUndefined
from markupsafe import escape

from scraper.models import Reason, Status
from scraper.publish import report_tables
from scraper.publish.reasons import REASONS
from scraper.publish.report_tables import Row
from scraper.publish.summary import Gate, Summary
from scraper.run import RunInfo
from scraper.settings_table import Settings

__all__ = ["report_html"]

_REASONS = 40
_COLUMNS = 80
_SETTINGS = 40
_VALUE_CHARACTERS = 200
_CHANGE_CHARACTERS = 80
_BAR_UNITS = 1000
_GAP_UNITS = 3
_LEAST_UNITS = 9
"""The narrowest that a status can be and still be seen."""

_WEB_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f]+", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s]*@")
_PROXY_CREDENTIALS = re.compile(r"^(\w+://)?.*@", re.DOTALL)
_SECRET_NAME = re.compile("password|secret|token|cookie|auth|credential|webhook", re.IGNORECASE)


def report_html(summary: Summary, tables: DuckDBPyConnection, *, info: RunInfo) -> str:
    """Write the report of a run.

    Args:
        summary: the sums of the run.
        tables: has `outcomes` and `items`; what is missing there is left out.
        info: when the run began, and its settings.

    Raises:
        duckdb.Error: a query failed: no memory, no disk.
    """
    top_hosts, other_rows = report_tables.hosts(tables)
    columns = report_tables.columns_of(tables, "items")
    settings = _own_settings(info)
    template = files("scraper.publish").joinpath("report.html.jinja").read_text(encoding="utf-8")
    return (
        _environment()
        .from_string(template)
        .render(
            summary=summary,
            started_at=info.created_at,
            finished_at=info.created_at + timedelta(seconds=summary.duration_s),
            outcomes=sum(summary.outcomes.values()),
            gates=[_gate(gate) for gate in summary.gates],
            segments=_segments(summary.outcomes),
            reasons=_reasons(summary, report_tables.example_urls(tables)),
            hosts=top_hosts,
            other_hosts=max(0, summary.hosts - len(top_hosts)),
            other_rows=other_rows,
            slowest=report_tables.slowest(tables),
            changes=report_tables.changes(tables, characters=_CHANGE_CHARACTERS),
            coverage=_coverage(tables, columns),
            other_columns=max(0, len(columns) - _COLUMNS),
            items=report_tables.sample(tables, columns, characters=_VALUE_CHARACTERS),
            settings=settings[:_SETTINGS],
            other_settings=max(0, len(settings) - _SETTINGS),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        cut=_cut,
        duration=_duration,
        href=_href,
        number=_number,
        plural=_plural,
        seconds=_seconds,
        size=_size,
        utc=_utc,
    )
    return environment


def _gate(gate: Gate) -> Row:
    """A gate in words. Its value isn't rounded so far that it would seem to hold when not."""
    bound = "at most" if gate.name.startswith("max_") else "at least"
    if gate.name.endswith("_share"):
        limit, value = f"{100 * gate.limit:.6g} %", f"{100 * gate.value:.6g} %"
    else:
        limit, value = _number(gate.limit), _number(gate.value)
    return {"name": gate.name, "limit": f"{bound} {limit}", "value": value, "held": gate.held}


def _segments(by_status: dict[str, int]) -> list[Row]:
    """The stacked bar of the statuses, in units of its width."""
    total = sum(by_status.values())
    counts = {status.value: by_status.get(status, 0) for status in Status}
    widths = {
        status: max(_LEAST_UNITS, _BAR_UNITS * count / total) if count else 0.0
        for status, count in counts.items()
    }
    scale = _BAR_UNITS / (sum(widths.values()) or 1)
    segments: list[Row] = []
    at = 0.0
    for status, width in widths.items():
        count = counts[status]
        # The gap between two segments tells them apart without their colours.
        place = {"at": round(at, 1), "drawn": round(max(0.0, width * scale - _GAP_UNITS), 1)}
        segments.append({"status": status, "count": count, "share": _share(count, total)} | place)
        at += width * scale
    return segments


def _reasons(summary: Summary, urls: dict[str, list[str]]) -> list[Row]:
    """The reasons that occur, as the summary orders them; one of another version has no line."""
    total = sum(summary.outcomes.values())
    lines = {reason.value: line for reason, line in REASONS.items()}
    return [
        {
            "name": name,
            "status": Reason(name).status.value if name in lines else "",
            "count": count,
            "share": _share(count, total),
            "line": lines.get(name),
            "urls": urls.get(name, []),
        }
        for name, count in list(summary.reasons.items())[:_REASONS]
    ]


def _coverage(tables: DuckDBPyConnection, columns: dict[str, str]) -> list[Row]:
    total, counted = report_tables.coverage(tables, dict(list(columns.items())[:_COLUMNS]))
    return [
        {"name": name, "type": kind, "count": count, "share": _share(count, total)}
        | {"width": round(100 * count / total, 1)}
        for name, kind, count in counted
    ]


def _own_settings(info: RunInfo) -> list[tuple[str, str, str]]:
    """Name, value and what it would else be: of the run first, then of single hosts."""
    settings = info.settings
    rows = _differing(settings.all, Settings(), prefix="")
    for host, own in sorted(settings.by_host.items()):
        rows += _differing(own, settings.all, prefix=f'hosts."{host}".')
    return rows


def _differing(own: Settings, base: Settings, *, prefix: str) -> list[tuple[str, str, str]]:
    return [
        (f"{prefix}{group}.{name}", _setting(name, value), _setting(name, former))
        for group in Settings.model_fields
        for name, value in getattr(own, group)
        if (former := getattr(getattr(base, group), name)) != value
    ]


def _setting(name: str, value: object) -> str:
    """A setting's value as text, without what is secret in it."""
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if _SECRET_NAME.search(name):
        return "***"
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return _PROXY_CREDENTIALS.sub(r"\1***@", text) if name == "proxy" else text


def _cut(text: object, characters: int = _VALUE_CHARACTERS) -> str:
    """A text without the credentials of its URLs, and not longer than so many characters."""
    shown = _CREDENTIALS.sub("***@", str(text))
    return shown if len(shown) <= characters else shown[: characters - 1] + "…"


def _href(url: str) -> str:
    """A URL that may be linked; empty for another scheme, a long one, one with a password."""
    is_short = len(escape(url)) <= report_tables.LINK_CHARACTERS
    is_plain = _WEB_URL.fullmatch(url) and not _CREDENTIALS.search(url)
    return url if is_short and is_plain else ""


def _number(number: float) -> str:
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.2f}"


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def _share(count: int, total: int) -> str:
    """A share in per cent; only all is 100 %, only none is 0 %."""
    if not count or not total:
        return "0 %"
    if count == total:
        return "100 %"
    return f"{min(99.9, max(0.1, 100 * count / total)):.1f} %"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.95:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds < 1 else f"{seconds:,.2f} s"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"
