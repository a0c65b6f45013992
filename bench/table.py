"""The findings as text."""

from __future__ import annotations

from typing import Final

from bench.contestants import ENTRIES
from bench.results import Finding
from bench.scenarios import Scenario

__all__ = ["aligned", "figure", "table"]

_HEADS: Final = {"cpu": "CPU µs", "memory": "KiB", "time": "ms"}


def figure(value: float | None, unit: str) -> str:
    """Return ``value`` as people read it."""
    if value is None:
        return "-"
    if unit == "rate":
        return f"{value:,.0f}"
    if unit == "cpu":
        return f"{value * 1e6:,.3f}" if value < 1e-5 else f"{value * 1e6:,.1f}"
    return f"{value / 1024:,.1f}" if unit == "memory" else f"{value * 1e3:,.1f}"


def table(scenario: Scenario, findings: list[Finding]) -> str:
    """Return a Markdown table, aligned also for those who read it as it is."""
    heads = ["client", _HEADS.get(scenario.unit, f"{scenario.things}/s")]
    counted = scenario.unit in ("rate", "cpu")
    if scenario.unit == "rate":
        heads.append("CPU µs")
    heads.append("× best peer")
    if scenario.unit == "rate":
        heads.append("CPU × best peer")
    heads.append("× floor")
    if counted:
        heads.append("busy")
    rows = [_cells(scenario, finding, len(heads)) for finding in findings if not finding.row.absent]
    widths = [max(map(len, column)) for column in zip(heads, *(row for row in rows if row[1]), strict=True)]
    widths[0] = max([widths[0], *(len(row[0]) for row in rows)])
    lines = [
        _line(heads, widths),
        f"|{'-' * (widths[0] + 2)}|" + "|".join("-" * (w + 1) + ":" for w in widths[1:]) + "|",
    ]
    for row, finding in zip(rows, (f for f in findings if not f.row.absent), strict=True):
        failed = finding.row.failure
        lines.append(_line(row, widths) if failed is None else f"| {row[0]:<{widths[0]}} | {failed} |")
    return f"{scenario.title} ({scenario.name})\n" + "\n".join(lines)


def _cells(scenario: Scenario, finding: Finding, count: int) -> list[str]:
    title = ENTRIES[finding.row.name].title
    if finding.row.failure is not None:
        return [title, *[""] * (count - 1)]
    cells = [title, figure(finding.value, scenario.unit)]
    if scenario.unit == "rate":
        cells.append(figure(finding.row.cpu, "cpu"))
    cells.append(_times(finding.to_peer))
    if scenario.unit == "rate":
        cells.append(_times(finding.cpu_to_peer))
    cells.append(_times(finding.to_floor))
    if scenario.unit in ("rate", "cpu"):
        cells.append("-" if finding.row.busy is None else f"{finding.row.busy:.0%}")
    return cells


def aligned(heads: list[str], rows: list[list[str]], left: int) -> str:
    """Return a Markdown table; its first ``left`` columns, and the last one, are aligned left."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    sides = ["<" if number < left or number == len(heads) - 1 else ">" for number in range(len(heads))]

    def line(cells: list[str]) -> str:
        padded = [f"{cell:{side}{width}}" for cell, side, width in zip(cells, sides, widths, strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = [
        f"{'-' * (width + 1)}{'-' if side == '<' else ':'}" for side, width in zip(sides, widths, strict=True)
    ]
    return "\n".join([line(heads), f"|{'|'.join(rule)}|", *map(line, rows)])


def _line(cells: list[str], widths: list[int]) -> str:
    padded = [f"{cells[0]:<{widths[0]}}"]
    padded += [f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return f"| {' | '.join(padded)} |"


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"
