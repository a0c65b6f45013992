"""The findings as a picture: a panel of bars for each scenario, as SVG."""

from __future__ import annotations

from html import escape
from typing import Final

from bench.contestants import ENTRIES
from bench.results import Finding
from bench.scenarios import SCENARIOS
from bench.table import figure

__all__ = ["chart"]

_COLUMNS: Final = 2
_PANEL_WIDTH: Final = 560
_NAME_WIDTH: Final = 260
_FIGURE_WIDTH: Final = 90
_BAR: Final = 16
_MARGIN: Final = 16
_BEYOND: Final = 1.5
_COLOURS: Final = {"wssdk": "#d9480f", "peer": "#4c6ef5", "floor": "#adb5bd"}
_UNITS: Final = {
    "cpu": "µs of CPU a message, less is better",
    "memory": "KiB, less is better",
    "time": "ms, less is better",
}


def chart(facts: dict[str, str], found: dict[str, list[Finding]]) -> str:
    """Return an SVG document."""
    panels = [(name, _shown(findings)) for name, findings in found.items()]
    panels = [(name, findings) for name, findings in panels if findings]
    body: list[str] = []
    top = 2 * _MARGIN + 10
    for start in range(0, len(panels), _COLUMNS):
        pair = panels[start : start + _COLUMNS]
        for column, (name, findings) in enumerate(pair):
            body += _panel(name, findings, _MARGIN + column * (_PANEL_WIDTH + _MARGIN), top)
        top += max(_height(findings) for _, findings in pair)
    width = _COLUMNS * (_PANEL_WIDTH + _MARGIN) + _MARGIN
    caption = f"{facts['python']}; {facts['machine']}; {facts['date']}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}"'
            f' viewBox="0 0 {width} {top}" font-family="sans-serif" font-size="12">',
            f'<rect width="{width}" height="{top}" fill="#ffffff"/>',
            _text(_MARGIN, _MARGIN + 8, caption, "#495057"),
            *body,
            "</svg>\n",
        ]
    )


def _shown(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.value]


def _height(findings: list[Finding]) -> int:
    return 44 + len(findings) * (_BAR + 4) + _MARGIN


def _panel(name: str, findings: list[Finding], left: int, top: int) -> list[str]:
    scenario = SCENARIOS[name]
    most = _full_scale(findings)
    room = _PANEL_WIDTH - _NAME_WIDTH - _FIGURE_WIDTH
    lines = [
        _text(left, top + 14, scenario.title, "#212529", 'font-weight="bold"'),
        _text(left, top + 30, _UNITS.get(scenario.unit, f"{scenario.things} a second"), "#868e96"),
    ]
    for number, finding in enumerate(findings):
        y = top + 40 + number * (_BAR + 4)
        value = finding.value or 0.0
        entry = ENTRIES[finding.row.name]
        x = left + _NAME_WIDTH
        size = min(max(1.0, room * value / most), room)
        beyond = "» " if value > most else ""
        colour = _COLOURS[entry.role]
        lines += [
            _text(x - 6, y + 12, entry.title.removeprefix("floor: "), "#212529", 'text-anchor="end"'),
            f'<rect x="{x}" y="{y}" width="{size:.1f}" height="{_BAR}" fill="{colour}"/>',
            _text(x + size + 5, y + 12, beyond + figure(value, scenario.unit), "#495057"),
        ]
    return lines


def _full_scale(findings: list[Finding]) -> float:
    """Return the value of the longest bar: a floor far beyond the clients is cut off."""
    clients = [f.value or 0.0 for f in findings if ENTRIES[f.row.name].role != "floor"]
    most = max(finding.value or 0.0 for finding in findings)
    return min(most, max(clients) * _BEYOND) if clients else most


def _text(x: float, y: float, text: str, colour: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y}" fill="{colour}" {more}>{escape(text)}</text>'
