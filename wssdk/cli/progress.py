"""One line a step: what is done, how it went, how long it took."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Final, TextIO

__all__ = ["Progress"]

_WIDTH: Final = 52


class Progress:
    """Writes a line for each step; times are in milliseconds."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Write ``what``, then how the block went: its time, or ``FAILED`` where it raised.

        What the block adds to the list it gets is written behind the time.
        """
        details: list[str] = []
        self._out.write(f"  {what:<{_WIDTH}}")
        self._out.flush()
        start = time.perf_counter()
        try:
            yield details
        except BaseException:
            self.say("FAILED")
            raise
        took = f"ok {(time.perf_counter() - start) * 1000:8.2f} ms"
        self.say(", ".join([took, *details]))

    def say(self, line: str) -> None:
        """Write a line of its own."""
        self._out.write(line + "\n")
        self._out.flush()
