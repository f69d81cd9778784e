"""Draws a CloudWatch dashboard as SVG. The dashboard's body decides titles, order, places and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

UNIT, GAP = 50, 10
"""The pixels of a grid's unit (a dashboard is 24 wide), and between widgets."""

_COLOURS: Final = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")
_STATES: Final = {"OK": "#2ca02c", "ALARM": "#d62728"}
_LEFT, _RIGHT, _TOP, _LINE = 58, 14, 40, 18


@dataclass(frozen=True)
class Line:
    """A line of a graph.

    Attributes:
        label: its name.
        points: its values by the minutes before the end, ascending in time.

    """

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Data:
    """What a dashboard shows.

    Attributes:
        minutes: how far back the graphs go.
        lines: those of each metric widget, by the widget's place in the body.
        states: the alarms' states by their ARNs.

    """

    minutes: int
    lines: Mapping[int, Sequence[Line]]
    states: Mapping[str, str]


def draw(body: Mapping[str, Any], data: Data) -> str:
    """Return the picture."""
    parts, bottom = [], 0
    for number, widget in enumerate(body["widgets"]):
        width, height = widget["width"] * UNIT - GAP, widget["height"] * UNIT - GAP
        bottom = max(bottom, widget["y"] * UNIT + height + GAP)
        content = {"text": _text, "alarm": _alarms, "metric": _graph}[widget["type"]]
        parts.append(
            f'<g transform="translate({widget["x"] * UNIT},{widget["y"] * UNIT})">'
            f'<rect width="{width}" height="{height}" rx="4" fill="#fff" stroke="#d5dbdb"/>'
            f"{content(widget['properties'], width, height, number, data)}</g>"
        )
    size = f"0 0 {24 * UNIT} {bottom}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="#f2f3f3"/>\n{chr(10).join(parts)}\n</svg>\n'
    )


def _title(properties: Mapping[str, Any]) -> str:
    return f'<text x="12" y="22" font-weight="bold">{escape(properties["title"])}</text>'


def _text(properties: Mapping[str, Any], _width: int, _height: int, _number: int, _data: Data) -> str:
    found = []
    for number, line in enumerate(properties["markdown"].splitlines()):
        size = ' font-size="20" font-weight="bold"' if line.startswith("#") else ""
        plain = line.lstrip("# ").replace("*", "").replace("`", "")
        found.append(f'<text x="12" y="{30 + 30 * number}"{size}>{escape(plain)}</text>')
    return "".join(found)


def _alarms(properties: Mapping[str, Any], width: int, _height: int, _number: int, data: Data) -> str:
    found, across = [_title(properties)], 5
    step = (width - 12) / across
    for number, arn in enumerate(properties["alarms"]):
        x, y = 12 + number % across * step, 34 + number // across * 34
        colour = _STATES.get(data.states.get(arn, ""), "#879596")
        name = escape(arn.rpartition(":")[2])
        found.append(
            f'<rect x="{x:.0f}" y="{y}" width="{step - 8:.0f}" height="28" rx="3" fill="{colour}"/>'
            f'<text x="{x + 8:.0f}" y="{y + 18}" fill="#fff" font-size="11">{name}</text>'
        )
    return "".join(found)


def _graph(properties: Mapping[str, Any], width: int, height: int, number: int, data: Data) -> str:
    lines, right = data.lines.get(number, ()), width - _RIGHT
    rows = 1 + (len(lines) - 1) // 3
    low = height - 16 - _LINE * rows
    marks = [one["value"] for one in properties.get("annotations", {}).get("horizontal", [])]
    top = 1.1 * max([value for line in lines for _, value in line.points] + marks + [0]) or 1
    found = [_title(properties), _axes(top, low, right, data.minutes)]

    def place(minutes: float, value: float) -> str:
        return f"{right - (right - _LEFT) * minutes / data.minutes:.1f},{low - (low - _TOP) * value / top:.1f}"

    for mark in properties.get("annotations", {}).get("horizontal", []):
        height_of_mark = place(0, mark["value"]).rpartition(",")[2]
        found.append(
            f'<path d="M{_LEFT},{height_of_mark}H{right}" stroke="#d62728" stroke-dasharray="5 4"/>'
            f'<text x="{right}" y="{float(height_of_mark) - 4:.1f}" text-anchor="end" fill="#d62728" font-size="11">'
            f"{escape(mark['label'])}</text>"
        )
    for at, line in enumerate(lines):
        colour = _COLOURS[at % len(_COLOURS)]
        points = " ".join(place(*point) for point in line.points)
        x, y = _LEFT + at % 3 * (right - _LEFT) / 3, low + 30 + _LINE * (at // 3)
        found.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
            f'<rect x="{x:.0f}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
            f'<text x="{x + 15:.0f}" y="{y}" font-size="11">{escape(line.label)}</text>'
        )
    return "".join(found)


def _axes(top: float, low: int, right: int, minutes: int) -> str:
    return (
        f'<path d="M{_LEFT},{_TOP}V{low}H{right}" fill="none" stroke="#879596"/>'
        f'<g font-size="11" fill="#545b64" text-anchor="end"><text x="{_LEFT - 6}" y="{_TOP + 4}">{_number(top)}</text>'
        f'<text x="{_LEFT - 6}" y="{low}">0</text><text x="{right}" y="{low + 14}">now</text></g>'
        f'<text x="{_LEFT}" y="{low + 14}" font-size="11" fill="#545b64">{minutes / 60:g} h before</text>'
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
