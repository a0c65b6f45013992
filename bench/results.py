"""What was measured, and what it says."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import attrs

from bench.contestants import ENTRIES
from bench.scenarios import Scenario

__all__ = ["Finding", "Row", "Sample", "find", "value_of"]


@attrs.frozen
class Sample:
    """One measurement."""

    messages: int
    wall: float
    """Seconds."""
    cpu: float
    """Seconds of the contestant's process."""
    memory: float
    """Bytes of a connection, where that is what is measured."""


@attrs.define
class Row:
    """A contestant's measurements."""

    name: str
    samples: list[Sample] = attrs.field(factory=list)
    failure: str | None = None
    absent: bool = False
    """Whether it has no such thing to be measured."""

    def _median(self, figure: Callable[[Sample], float]) -> float | None:
        if self.failure is not None or not self.samples:
            return None
        return statistics.median(map(figure, self.samples))

    @property
    def rate(self) -> float | None:
        """Messages a second."""
        return self._median(lambda sample: sample.messages / sample.wall if sample.wall else 0.0)

    @property
    def cpu(self) -> float | None:
        """Seconds of CPU a message."""
        return self._median(lambda sample: sample.cpu / sample.messages if sample.messages else 0.0)

    @property
    def busy(self) -> float | None:
        """Share of the time that the contestant computed; far below 1, it was not what limited the rate."""
        return self._median(lambda sample: sample.cpu / sample.wall if sample.wall else 0.0)

    @property
    def memory(self) -> float | None:
        """Bytes of a connection."""
        return self._median(lambda sample: sample.memory)

    @property
    def wall(self) -> float | None:
        """Seconds of a message."""
        return self._median(lambda sample: sample.wall / sample.messages if sample.messages else 0.0)


def value_of(row: Row, unit: str) -> float | None:
    """Return what a scenario compares; None: there is nothing to compare."""
    return {"rate": row.rate, "cpu": row.cpu, "memory": row.memory, "time": row.wall}[unit]


@attrs.frozen
class Finding:
    """A row beside the others; ratios above 1 mean: better than."""

    row: Row
    value: float | None
    to_peer: float | None
    """To the best of the peers."""
    cpu_to_peer: float | None
    """The same by CPU a message."""
    to_floor: float | None
    """To the floor in Python."""


def find(scenario: Scenario, rows: list[Row]) -> list[Finding]:
    """Return the rows with their ratios."""
    sign = scenario.more_is_better
    peer = _best(rows, "peer", scenario.unit, sign)
    peer_cpu = _best(rows, "peer", "cpu", more_is_better=False)
    floor = next((value_of(row, scenario.unit) for row in rows if row.name == "raw"), None)
    return [
        Finding(
            row=row,
            value=value_of(row, scenario.unit),
            to_peer=_ratio(value_of(row, scenario.unit), peer, more_is_better=sign),
            cpu_to_peer=_ratio(row.cpu, peer_cpu, more_is_better=False),
            to_floor=_ratio(value_of(row, scenario.unit), floor, more_is_better=sign),
        )
        for row in rows
    ]


def _best(rows: list[Row], role: str, unit: str, more_is_better: bool) -> float | None:
    values = [value_of(row, unit) for row in rows if ENTRIES[row.name].role == role]
    known = [value for value in values if value]
    if not known:
        return None
    return max(known) if more_is_better else min(known)


def _ratio(value: float | None, other: float | None, more_is_better: bool) -> float | None:
    if not value or not other:
        return None
    return value / other if more_is_better else other / value
