"""Figures → Markdown for people and READMEs, and a picture: bars of pages a second in SVG."""

import os
import platform
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from contenders import CONTENDERS
from figures import Figures, Spread, ratio

__all__ = ["Tables", "machine", "markdown", "svg"]

Tables = Mapping[str, Mapping[str, Figures]]
"""The figures by the title of a table, and in it by the name of a tool."""

_HEAD = (
    "| | pages/s | times Scrapy | of the limit | CPU ms a page | peak MiB | start-up s "
    "| pages/s, start-up included |\n|---|---|---|---|---|---|---|---|"
)
_BAR, _LINE, _LEFT, _WIDTH = 18, 26, 230, 760
_COLOURS = {"ours": "#2563eb", "ours-2": "#1e40af", "limit": "#9ca3af", "bare": "#93c5fd"}
_OTHER_COLOUR = "#f59e0b"
_NOT_DRAWN = frozenset({"fetch"})


def machine() -> str:
    """When and on what this was measured."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    cores = len(os.sched_getaffinity(0))
    python = platform.python_version()
    return f"{datetime.now(UTC):%Y-%m-%d}, {model}, {cores} cores, Python {python}"


def markdown(tables: Tables, notes: list[str]) -> str:
    """All tables, and what is to be said of them."""
    parts = [f"Measured {machine()}. Medians, in brackets the lowest and the highest round.\n"]
    for title, found in tables.items():
        parts.append(f"**{title}**\n\n{_HEAD}")
        parts += [_row(name, found) for name in found]
        parts += ["", *_ratios(found), ""]
    return "\n".join([*parts, *(f"- {note}" for note in notes)]) + "\n"


def _row(name: str, found: Mapping[str, Figures]) -> str:
    its = found[name]
    cells = [
        CONTENDERS[name].label,
        _shown(its.rate),
        _times(ratio(found, name, "scrapy")),
        _times(ratio(found, name, "limit")),
        _shown(its.cpu_ms, ".2f"),
        _shown(its.peak_mib),
        _shown(its.startup_s, ".2f"),
        _shown(its.whole_rate),
    ]
    return f"| {' | '.join(cells)} |"


def _ratios(found: Mapping[str, Figures]) -> Iterator[str]:
    """Ours against each of the others, and what of a page's cost is our own."""
    for name in found:
        times = ratio(found, "ours", name)
        if name not in {"ours", "fetch"} and times is not None:
            cpu = found[name].cpu_ms.median / found["ours"].cpu_ms.median
            label = CONTENDERS[name].label
            yield f"- ours against {label}: {times:.2f} times the pages/s, {cpu:.2f} by CPU"
    if {"ours", "bare"} <= found.keys():
        beside_ms = found["ours"].cpu_ms.median - found["bare"].cpu_ms.median
        yield f"- CPU of ours beside its fetch and parse: {beside_ms:.2f} ms a page"


def _shown(spread: Spread, form: str = ",.0f") -> str:
    return f"{spread.median:{form}} ({spread.low:{form}}–{spread.high:{form}})"  # noqa: RUF001


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def svg(tables: Tables) -> str:
    """Bars of pages a second, a table under the other, each on a scale of its own."""
    parts: list[str] = []
    y = 0
    for title, found in tables.items():
        drawn = {name: its.rate for name, its in found.items() if name not in _NOT_DRAWN}
        most = max(rate.high for rate in drawn.values())
        y += _LINE
        parts.append(f'<text x="8" y="{y}" font-weight="bold">{escape(title)}, pages/s</text>')
        for name, rate in drawn.items():
            y += _LINE
            parts += _bar(name, rate, y=y, scale=(_WIDTH - _LEFT - 80) / most)
        y += _LINE // 2
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + 8}" '
        f'font-family="sans-serif" font-size="13">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


def _bar(name: str, rate: Spread, *, y: int, scale: float) -> Iterator[str]:
    """A bar for the median, a line from the lowest round to the highest."""
    colour = _COLOURS.get(name, _OTHER_COLOUR)
    label = escape(CONTENDERS[name].label.replace("`", ""))
    width, low, high = (_LEFT + value * scale for value in (rate.median, rate.low, rate.high))
    middle = y - 5
    yield f'<text x="{_LEFT - 8}" y="{y}" text-anchor="end">{label}</text>'
    yield (
        f'<rect x="{_LEFT}" y="{middle - _BAR // 2}" width="{width - _LEFT:.0f}" '
        f'height="{_BAR}" fill="{colour}"/>'
    )
    yield f'<line x1="{low:.0f}" x2="{high:.0f}" y1="{middle}" y2="{middle}" stroke="#111"/>'
    yield f'<text x="{high + 6:.0f}" y="{y}">{rate.median:,.0f}</text>'
