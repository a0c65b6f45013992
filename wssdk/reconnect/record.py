"""What became of the attempts so far, for the error that ends them."""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["Record"]

# Who tries for days gets the last ones; a note is about a hundred bytes.
_KEPT: Final = 100


class Record:
    """One line for each attempt in a row, the last hundred of them."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._started = 0.0
        self.number = 0
        """Attempts that came to an end."""

    def clear(self) -> None:
        """Forget them: the next attempt is the first."""
        self._lines.clear()
        self.number = 0

    def begin(self, now: float) -> None:
        """Take note that an attempt begins; ``now`` is the time in seconds."""
        if not self.number:
            self._started = now

    def end(self, now: float, outcome: str) -> None:
        """Take note of how the attempt ended."""
        self.number += 1
        self._lines.append(f"attempt {self.number}, after {now - self._started:.1f} seconds: {outcome}")

    def add(self, more: str) -> None:
        """Add to what became of the last attempt."""
        self._lines[-1] += more

    def tell(self, error: Exception) -> None:
        """Add the attempts to the notes of ``error``; it alone needs none."""
        if self.number < 2:
            return
        if left_out := self.number - len(self._lines):
            error.add_note(f"attempts 1 to {left_out}: left out")
        for line in self._lines:
            error.add_note(line)
