"""Rows on a terminal of any width, and in full where output goes elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from wssdk.errors import printable

__all__ = ["print_rows"]

_LONGEST: Final = 300
"""Characters of a cell that a terminal is given."""

_NARROWEST: Final = 22
"""Columns below which no cell is folded: it would be a tower of syllables."""

_BETWEEN: Final = 3
"""Columns between two of a table."""


def print_rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; row by row, one line for each cell, where the terminal is too narrow for one.

    The first column is never folded. A terminal gets the beginning of a long cell.
    """
    is_terminal = sys.stdout.isatty()
    if is_terminal:
        rows = [[printable(cell, _LONGEST) for cell in row] for row in rows]
    natural = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    between = _BETWEEN * len(heads) - 1
    needed = sum(natural) + between
    console = Console(markup=False, highlight=False, width=None if is_terminal else needed)
    widths = _fitted(natural, console.width - between)
    if widths is None:
        _print_one_by_one(console, heads, rows)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head, width in zip(heads, widths, strict=True):
        table.add_column(head, width=width, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _fitted(natural: Sequence[int], room: int) -> list[int] | None:
    """Return the widths of columns that have ``room`` together; None where it is not enough to read them."""
    widths = list(natural)
    while sum(widths) > room:
        widest = max(range(1, len(widths)), key=lambda column: widths[column])
        if widths[widest] <= _NARROWEST:
            return None
        widths[widest] -= 1
    return widths


def _print_one_by_one(console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    labels = min(max(map(cell_len, heads[1:])) + 2, console.width // 3)
    for row in rows:
        console.print(row[0], style="bold")
        cells = Table.grid(padding=(0, 2, 0, 0))
        cells.add_column(width=labels, overflow="fold")
        cells.add_column(overflow="fold")
        for head, cell in zip(heads[1:], row[1:], strict=True):
            if cell:
                cells.add_row(f"  {head}", cell)
        console.print(cells)
