"""What is measured."""

from __future__ import annotations

import fnmatch
from typing import Final

import attrs

__all__ = ["SCENARIOS", "Scenario", "matching"]


@attrs.frozen(kw_only=True)
class Scenario:
    """One thing that clients do, to be done by every contestant."""

    name: str
    title: str
    kind: str
    """Name of the function of ``bench.jobs`` that does it."""
    tls: bool = False
    size: int = 200
    text: bool = False
    write: int | None = None
    """Bound of one write of the server, bytes."""
    deflate: bool = False
    connections: int = 1
    used: bool = False
    """Whether each connection sent and received a message before its memory is taken; of imports: whether
    the object that connects is made, too."""
    same_core: bool = False
    """Whether client and server share a core: else waking the other core is what one measures."""
    things: str = "messages"
    """What is counted."""
    unit: str = "rate"
    """What is compared: ``rate``, ``cpu`` (of a message), ``memory`` (of a connection) or ``time``."""
    fresh: bool = False
    """Whether every round has a process of its own."""
    most_rounds: int | None = None
    """Where a round costs more than it tells."""

    @property
    def more_is_better(self) -> bool:
        return self.unit == "rate"


def _trips() -> list[Scenario]:
    sizes = {
        "256": (256, "256 B"),
        "8k": (8192, "8 KiB"),
        "100k": (102_400, "100 KiB"),
        "1m": (2**20, "1 MiB"),
    }
    return [
        Scenario(
            name=f"{'tls-' if tls else ''}trip-{short}",
            title=f"round trip, {label}{', TLS' if tls else ''}",
            kind="round_trips",
            things="round trips",
            tls=tls,
            size=size,
            same_core=True,
        )
        for tls in (False, True)
        for short, (size, label) in sizes.items()
    ]


def _streams() -> list[Scenario]:
    kind = "stream_in"
    return [
        Scenario(name="in-200-text", title="stream in, 200 B text", kind=kind, text=True),
        Scenario(name="in-200-binary", title="stream in, 200 B binary", kind=kind),
        Scenario(name="in-16k", title="stream in, 16 KiB binary", kind=kind, size=16_384),
        Scenario(
            name="in-200-text-1400",
            title="stream in, 200 B text, server writes of 1,400 B",
            kind=kind,
            text=True,
            write=1400,
        ),
        Scenario(name="tls-in-200-text", title="stream in, 200 B text, TLS", kind=kind, text=True, tls=True),
        Scenario(name="tls-in-16k", title="stream in, 16 KiB binary, TLS", kind=kind, size=16_384, tls=True),
        Scenario(
            name="in-json-deflate",
            title="stream in, 500 B JSON, deflate with context takeover",
            kind=kind,
            size=500,
            text=True,
            deflate=True,
        ),
        Scenario(name="out-200", title="stream out, 200 B binary", kind="stream_out"),
        Scenario(name="out-100k", title="stream out, 100 KiB binary", kind="stream_out", size=102_400),
    ]


def _crowds() -> list[Scenario]:
    made = []
    for count in (1, 100, 5000):
        crowd = f"{count:,} connections on one loop" if count > 1 else "1 connection"
        rounds = 2 if count > 1000 else None
        if count > 1:
            made.append(
                Scenario(
                    name=f"many-{count}-paced",
                    title=f"{crowd}, 200 B text a second each",
                    kind="paced",
                    unit="cpu",
                    text=True,
                    connections=count,
                    fresh=True,
                    most_rounds=rounds,
                )
            )
        made.append(
            Scenario(
                name=f"many-{count}-flood",
                title=f"{crowd}, 200 B text as fast as possible",
                kind="flood",
                text=True,
                connections=count,
                fresh=True,
                most_rounds=rounds,
            )
        )
    return made


def _openings() -> list[Scenario]:
    return [
        Scenario(name="open", title="open and close", kind="open_close", things="openings"),
        Scenario(
            name="tls-open", title="open and close, TLS", kind="open_close", things="openings", tls=True
        ),
    ]


def _costs() -> list[Scenario]:
    idle = [
        Scenario(
            name=name,
            title=f"memory of an idle connection{more}",
            kind="idle",
            unit="memory",
            deflate=deflate,
            used=used,
            connections=2000,
            fresh=True,
            most_rounds=1,
        )
        for name, more, deflate, used in (
            ("idle", "", False, False),
            ("idle-deflate", ", deflate agreed", True, False),
            ("idle-deflate-used", ", deflate used once each way", True, True),
        )
    ]
    imports = [
        Scenario(name=name, title=title, kind="import_time", unit="time", used=used)
        for name, title, used in (
            ("import", "import, with asyncio and ssl", False),
            ("import-made", "import and the object that connects, with asyncio and ssl", True),
        )
    ]
    return [*idle, *imports]


SCENARIOS: Final = {
    scenario.name: scenario for scenario in (*_trips(), *_streams(), *_crowds(), *_openings(), *_costs())
}


def matching(patterns: list[str]) -> list[Scenario]:
    """Return the scenarios whose names match any of the globs; all where there is none.

    Raises:
        LookupError: a glob matches nothing.
    """
    for pattern in patterns:
        if not fnmatch.filter(SCENARIOS, pattern):
            raise LookupError(f"no scenario matches {pattern!r}")
    return [
        scenario
        for name, scenario in SCENARIOS.items()
        if not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    ]
