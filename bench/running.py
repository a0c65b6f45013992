"""Every contestant in turn, round after round, so that what the machine does else hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import attrs

from bench.process import FailedError, Process
from bench.results import Row, Sample
from bench.scenarios import Scenario
from bench.server import NeutralServer

__all__ = ["Settings", "measure", "order_of"]

_OPENINGS_A_SECOND = 100
"""Of the slowest machine that the bench is patient with."""


@attrs.frozen(kw_only=True)
class Settings:
    """How to measure."""

    seconds: float = 0.5
    """Of one measurement; 0: as short as can be."""
    rounds: int = 5
    loop: str = "asyncio"
    """``asyncio`` or ``uvloop``."""
    limit: float = 30.0
    """Seconds that one measurement may take, warming up included; opening many connections adds to it."""
    cores: tuple[int, int] | None = None
    """The client's and the server's; None: wherever the kernel puts them."""
    most_connections: int | None = None
    """Bound of what scenarios ask for."""


@attrs.frozen
class _Line:
    """A contestant of a scenario."""

    name: str
    row: Row
    process: Process | None


def measure(
    scenario: Scenario,
    names: list[str],
    server: NeutralServer,
    settings: Settings,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Return a row for each of ``names``, in their order; a failure is a row that gives the reason.

    ``tell`` is given a line about what is under way.
    """
    if scenario.tls and not server.tls_port:
        return [Row(name, failure=f"no TLS: {server.no_tls}") for name in names]
    if settings.cores is not None:
        server.pin(settings.cores[0 if scenario.same_core else 1])
    rounds = min(settings.rounds, scenario.most_rounds or settings.rounds)
    with ExitStack() as processes:
        lines = list(_lines(scenario, names, settings, processes))
        for number in range(rounds):
            for line in lines if number % 2 == 0 else reversed(lines):  # nobody always follows the same one
                if line.row.failure is None and not line.row.absent:
                    tell(f"{scenario.name}: round {number + 1} of {rounds}: {line.name}")
                    _measure_once(scenario, line, server, settings)
    return [line.row for line in lines]


def _lines(scenario: Scenario, names: list[str], settings: Settings, processes: ExitStack) -> Iterator[_Line]:
    for name in names:
        row, process = Row(name), None
        if not scenario.fresh:
            try:
                process = processes.enter_context(Process(name, settings.loop))
            except FailedError as error:
                row.failure = str(error)
        yield _Line(name, row, process)


def _measure_once(scenario: Scenario, line: _Line, server: NeutralServer, settings: Settings) -> None:
    order = order_of(scenario, server, settings)
    limit = settings.limit + order["connections"] / _OPENINGS_A_SECOND
    try:
        if line.process is not None:
            answer = line.process.measure(order, limit)
        else:
            with Process(line.name, settings.loop) as process:
                answer = process.measure(order, limit)
    except FailedError as error:
        line.row.failure = str(error)
        return
    if answer.get("absent"):
        line.row.absent = True
    else:
        line.row.samples.append(Sample(**answer))


def order_of(scenario: Scenario, server: NeutralServer, settings: Settings) -> dict[str, Any]:
    """Return what a contestant's process is told to measure."""
    most = settings.most_connections or scenario.connections
    return {
        "scenario": scenario.name,
        "seconds": settings.seconds,
        "connections": min(scenario.connections, most),
        "port": server.port,
        "tls_port": server.tls_port,
        "ca_file": server.ca_file,
        "core": None if settings.cores is None else settings.cores[0],
    }
