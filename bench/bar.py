"""The bar: what wssdk must reach beside its peers, and whether it did (``python -m bench --bar``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from bench.contestants import ENTRIES
from bench.results import Finding, Row, Sample, value_of
from bench.scenarios import SCENARIOS, Scenario
from bench.table import aligned

__all__ = ["BARS", "Bar", "Verdict", "bar_table", "judge"]

_KIB: Final = 1024
_BUSY: Final = 0.9


@attrs.frozen
class Bar:
    """One thing to reach."""

    scenario: str
    factor: float
    """How many times better than the best of ``against``; or the bound where ``at_most``."""
    against: tuple[str, ...] = ()
    """Names of contestants; none: the figure itself is bounded."""
    who: str = "wssdk"
    unit: str | None = None
    """What is compared: a ``Scenario.unit``; None: the scenario's. A rate gives way to CPU a message where
    the client was not what limited it."""
    at_most: bool = False
    """Whether the figure, divided by that of ``against``, may be ``factor`` at most."""
    beside: str | None = None
    """Scenario of ``against``, where it is another one."""


def _callbacks(scenario: str, factor: float, who: str = "wssdk") -> list[Bar]:
    """Against picows' callbacks: as users read frames, and as one may who knows that all is text."""
    unchecked = [Bar(scenario, factor, ("picows-unchecked",), who)] if SCENARIOS[scenario].text else []
    return [Bar(scenario, factor, ("picows",), who), *unchecked]


def _streams() -> list[Bar]:
    json, like, old = "in-json-deflate", ("picows-websockets",), ("websockets",)
    return [
        *_callbacks("in-200-text", 2.0),
        Bar("in-200-text", 3.5, like),
        Bar("in-200-text", 25.0, old),
        *_callbacks("in-200-text", 2.7, "wssdk-many"),
        *_callbacks("in-200-binary", 2.7, "wssdk-many"),
        *_callbacks("tls-in-200-text", 1.5),
        Bar("tls-in-200-text", 10.0, old),
        *_callbacks("in-200-text-1400", 1.3),
        Bar(json, 1.5, like),
        Bar(json, 2.5, old),
        Bar(json, 1.2, like, "wssdk-zlib"),
        Bar(json, 1.2, old, "wssdk-zlib"),
        Bar("out-200", 1.2, like),
        Bar("out-100k", 1.2, like),
    ]


def _trips() -> Iterator[Bar]:
    for name in (f"{tls}trip-{size}" for tls in ("", "tls-") for size in ("256", "8k", "100k")):
        yield Bar(name, 1.0, ("picows",))
        yield Bar(name, 1.05, ("picows-websockets",))
        yield Bar(name, 0.92, ("raw",))
        yield Bar(name, 1.0, ("picows",), unit="cpu")


def _costs() -> list[Bar]:
    peers = tuple(name for name, entry in ENTRIES.items() if entry.role == "peer")
    return [
        Bar("open", 1.2, ("websockets",), unit="cpu"),
        Bar("open", 1.0, ("picows",), unit="cpu"),
        Bar("tls-open", 1.3, peers, unit="rate"),
        Bar("tls-open", 1.3, peers, unit="cpu"),
        Bar("idle", 12 * _KIB, at_most=True),
        Bar("idle-deflate", 12 * _KIB, at_most=True),
        Bar("idle-deflate-used", 45 * _KIB, at_most=True),
        Bar("import", 0.8, ("websockets",), at_most=True),
        Bar("import-made", 0.8, ("websockets",), at_most=True),
        Bar("many-5000-flood", 1.3, ("wssdk",), unit="cpu", at_most=True, beside="many-1-flood"),
    ]


# Its masking in C aside, websockets is Python, too: without it, Python is compared with Python.
_OTHERS: Final = ("websockets", "websockets-pure")

BARS: Final = (
    *_streams(),
    *_trips(),
    *_costs(),
    *(Bar(name, 1.0, (name_of_peer,), "wssdk-pure") for name in SCENARIOS for name_of_peer in _OTHERS),
)


@attrs.frozen
class Verdict:
    """What became of a bar."""

    bar: Bar
    unit: str
    """What decided."""
    reached: float | None = None
    """None: there is nothing to judge; ``why`` says the reason."""
    least: float | None = None
    """Of the rounds, each by itself; None: there are no rounds to compare."""
    most: float | None = None
    rival: str = ""
    """Name of the contestant that ``reached`` is relative to."""
    why: str = ""

    @property
    def met(self) -> bool | None:
        """None: there is nothing to judge."""
        if self.reached is None:
            return None
        return self.reached <= self.bar.factor if self.bar.at_most else self.reached >= self.bar.factor


def judge(found: dict[str, list[Finding]]) -> list[Verdict]:
    """Return a verdict on each bar whose scenarios were run with the contestant that it is about."""
    rows = {(name, finding.row.name): finding.row for name, findings in found.items() for finding in findings}
    return [_verdict(bar, rows) for bar in BARS if (bar.scenario, bar.who) in rows]


def _verdict(bar: Bar, rows: dict[tuple[str, str], Row]) -> Verdict:
    row = rows[bar.scenario, bar.who]
    unit = _unit(bar, row, SCENARIOS[bar.scenario])
    own = value_of(row, unit)
    if own is None:
        return Verdict(bar, unit, why=row.failure or "has no such thing")
    if not bar.against:
        return Verdict(bar, unit, own)
    place = bar.beside or bar.scenario
    rivals = [rows[place, name] for name in bar.against if (place, name) in rows]
    known = [(value, rival) for rival in rivals if (value := value_of(rival, unit))]
    if not known:
        reasons = {rival.failure for rival in rivals if rival.failure}
        return Verdict(bar, unit, why="; ".join(sorted(reasons)) or "nobody to compare with")
    value, rival = (max if unit == "rate" else min)(known, key=lambda pair: pair[0])
    rounds = _rounds(bar, unit, row, rival)
    return Verdict(bar, unit, _ratio(bar, unit, own, value), min(rounds), max(rounds), rival.name)


def _unit(bar: Bar, row: Row, scenario: Scenario) -> str:
    if bar.unit is not None:
        return bar.unit
    limited = not scenario.same_core and row.busy is not None and row.busy < _BUSY
    return "cpu" if scenario.unit == "rate" and limited else scenario.unit


def _ratio(bar: Bar, unit: str, own: float, other: float) -> float:
    return own / other if bar.at_most or unit == "rate" else other / own


def _rounds(bar: Bar, unit: str, row: Row, rival: Row) -> list[float]:
    figure = _FIGURES[unit]
    # Not strict: growth compares scenarios, which may have more rounds or fewer.
    pairs = zip(row.samples, rival.samples, strict=False)
    return [_ratio(bar, unit, figure(own), figure(other)) for own, other in pairs]


_FIGURES: Final[dict[str, Callable[[Sample], float]]] = {
    "rate": lambda sample: sample.messages / sample.wall,
    "cpu": lambda sample: sample.cpu / sample.messages,
    "memory": lambda sample: sample.memory,
    "time": lambda sample: sample.wall / sample.messages,
}


def bar_table(verdicts: list[Verdict]) -> str:
    """Return a Markdown table, aligned also for those who read it as it is; how many were met below it."""
    heads = ["scenario", "who", "beside", "by", "bar", "reached", "rounds", ""]
    counts = [sum(verdict.met is wanted for verdict in verdicts) for wanted in (True, False, None)]
    summary = "{} met, {} missed, {} not judged".format(*counts)
    return f"{aligned(heads, [_cells(verdict) for verdict in verdicts], left=4)}\n{summary}"


def _cells(verdict: Verdict) -> list[str]:
    bar = verdict.bar
    beside = bar.beside or ", ".join(bar.against[:2]) + ("..." if len(bar.against) > 2 else "")
    if verdict.rival and not bar.beside:
        beside = verdict.rival
    rounds = "" if verdict.least is None else f"{verdict.least:.2f} to {verdict.most:.2f}"
    outcome = {True: "met", False: "MISSED", None: verdict.why}[verdict.met]
    bound = f"{'≤' if bar.at_most else '≥'} {_figure(bar, bar.factor)}"
    reached = "-" if verdict.reached is None else _figure(bar, verdict.reached)
    by = _UNITS[verdict.unit]
    return [bar.scenario, bar.who, beside, by, bound, reached, rounds, outcome]


_UNITS: Final = {"rate": "rate", "cpu": "CPU", "memory": "memory", "time": "time"}


def _figure(bar: Bar, value: float) -> str:
    return f"{value:.2f} ×" if bar.against else f"{value / _KIB:.1f} KiB"
